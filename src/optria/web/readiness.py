"""Why a process is not wholly ready: a reason for each part, since when, and what to do about it.

Anybody may ask, so a reason counts and never names: which connection it is, and what it said, stands on the
page of the system.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from optria.web.services import Services, SourceState

CONNECTED: Final = frozenset({"connected", "backfilling", "live"})
CLOCK_APART_S: Final = 5.0
LOOP_LATE_S: Final = 1.0
SPOOL_FULL_SHARE: Final = 0.5
LEAST_FREE_SHARE: Final = 0.05
LEAST_FREE_BYTES: Final = 1_000_000_000


class State(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    """Nothing is lost and nobody notices yet."""
    DEGRADED = "degraded"
    """A part does not work; the rest is served."""
    FAILING = "failing"
    """Requests cannot be served: a load balancer sends them elsewhere."""


@dataclass(frozen=True, slots=True)
class Reason:
    part: str
    state: State
    reason: str
    what_to_do: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """What the database said: whether it answers, how far its clock is from ours, and days without room."""

    answers: bool
    clock_apart_s: float = 0.0
    days_missing: Sequence[date] = ()


@dataclass(slots=True)
class Remembered:
    """Since when each part has had a reason; forgotten once it is well."""

    since: dict[str, datetime] = field(default_factory=dict)

    def dated(self, reasons: Sequence[Reason], now: datetime) -> list[Reason]:
        for part in self.since.keys() - {each.part for each in reasons}:
            del self.since[part]
        return [
            Reason(
                each.part,
                each.state,
                each.reason,
                each.what_to_do,
                each.since or self.since.setdefault(each.part, now),
            )
            for each in reasons
        ]


def status_of(reasons: Iterable[Reason]) -> str:
    """``ready``, ``degraded`` or ``not_ready``; only the last asks a load balancer to look elsewhere."""
    states = {each.state for each in reasons}
    if State.FAILING in states:
        return "not_ready"
    return "degraded" if State.DEGRADED in states else "ready"


def links_of(services: Services) -> list[SourceState]:
    return [link for tenant_id in services.pipelines for link in services.links(tenant_id)]


def reasons_of(services: Services, database: DatabaseLook) -> Iterator[Reason]:
    """Everything that is not as it should be, the worst parts first."""
    yield from _database(database, services.database.away_since)
    yield from _tasks(services)
    yield from _history(services)
    yield from _sources(services)
    yield from _disk(services.settings.home)
    if services.loop.worst_s > LOOP_LATE_S:
        yield Reason(
            "process",
            State.WARNING,
            f"The process answered up to {services.loop.worst_s:.1f} s late in the last minute.",
            "Give it more processor time, or fewer tags and screens.",
        )


def _database(look: DatabaseLook, away_since: datetime | None) -> Iterator[Reason]:
    if not look.answers:
        yield Reason(
            "database",
            State.FAILING,
            "The database does not answer. Values are live; samples wait on disk, incidents in memory.",
            "Start it, or mend the way to it. Nothing needs a restart here.",
            away_since,
        )
    if abs(look.clock_apart_s) > CLOCK_APART_S:
        yield Reason(
            "clock",
            State.DEGRADED,
            f"The clocks of this machine and of the database are {look.clock_apart_s:+.1f} s apart.",
            "Set both by a time server (NTP).",
        )
    if look.days_missing:
        days = ", ".join(str(day) for day in look.days_missing)
        yield Reason(
            "partitions",
            State.DEGRADED,
            f"The history has no partition for {days}; samples of these days wait.",
            "Run `optria db upkeep`; see the log for why the product could not make them.",
        )


def _tasks(services: Services) -> Iterator[Reason]:
    stopped = sorted(
        name
        for name, state in services.health().items()
        if not state.running and not name.startswith("source ")
    )
    if stopped:
        kinds = ", ".join(dict.fromkeys(name.split()[0] for name in stopped))
        yield Reason(
            "tasks",
            State.DEGRADED,
            f"Parts of the process that do not run: {kinds}. Each is tried again within a minute.",
            "See the page of the system for what they said.",
        )


def _history(services: Services) -> Iterator[Reason]:
    streams = services.vitals().streams.values()
    paused = [each for each in streams if each.history_paused is not None]
    if paused:
        yield Reason(
            "history",
            State.DEGRADED,
            "No history is written: the database has no room left. Incidents and orders still are.",
            "Make room for the database, or lower OPTRIA_HISTORY_DAYS and run `optria db upkeep`.",
            min((each.history_paused_since for each in paused if each.history_paused_since), default=None),
        )
    waiting = sum(each.spool.samples for each in streams)
    size = sum(each.spool.bytes for each in streams)
    bound = max((each.spool.limit_bytes for each in streams), default=0)
    refusing = any(each.spool.refusal is not None for each in streams)
    if waiting or refusing:
        is_bad = refusing or (bound > 0 and size > SPOOL_FULL_SHARE * bound)
        yield Reason(
            "spool",
            State.DEGRADED if is_bad else State.WARNING,
            f"{waiting:,} samples wait on disk for the database ({size / 1e6:,.1f} of {bound / 1e6:,.0f} MB)"
            + (", and no more are taken." if refusing else "."),
            "They are stored by themselves once the database takes them. OPTRIA_SPOOL_GB gives more room.",
            min((each.spool.since for each in streams if each.spool.since), default=None),
        )


def _sources(services: Services) -> Iterator[Reason]:
    links = links_of(services)
    lost = [link for link in links if link.state not in CONNECTED]
    if lost:
        yield Reason(
            "sources",
            State.DEGRADED,
            f"{len(lost)} of {len(links)} connections to plant sources deliver nothing.",
            "See the page of the connection for what it said; each is tried again by itself.",
            min((link.since for link in lost if link.since), default=None),
        )
    warned = [link for link in links if link.warning]
    if warned:
        yield Reason(
            "sources_warned",
            State.WARNING,
            f"{len(warned)} connections deliver with a warning, such as a certificate that expires soon.",
            "See the page of the connection.",
        )


def _disk(home: Path) -> Iterator[Reason]:
    try:
        disk = shutil.disk_usage(home)
    except OSError:
        return
    if disk.free < min(LEAST_FREE_SHARE * disk.total, LEAST_FREE_BYTES):
        yield Reason(
            "disk",
            State.DEGRADED,
            f"{disk.free / 1e9:.2f} GB are left on the disk of the data folder.",
            "Make room there: samples wait on it when the database is away.",
        )
