"""A back-test over stored history: what a draft of the configuration would have made of it, beside what the
configuration in force would have. Nothing is written and nothing is sent (decision 0025).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from sqlalchemy import select

from optria.backtest.stored_cases import Explained, explain
from optria.backtest.stored_draft import Draft
from optria.backtest.stored_incidents import WouldBe, would_be_incidents
from optria.backtest.stored_labels import Label, load_labels
from optria.backtest.stored_outcome import Side, side_of
from optria.backtest.stored_reading import read_only, read_samples
from optria.backtest.stored_stream import Heard, StoredLimits, StoredStream
from optria.core.asset import PlantModel
from optria.core.errors import Invalid
from optria.core.event import Event
from optria.core.work_order import WorkOrderPolicy
from optria.db.plant import IncidentWindow
from optria.db.session import Database, Tx
from optria.kit.settings import Settings
from optria.rca.window import WindowSetting
from optria.work.orders import load_policy

PIECE = timedelta(minutes=10)
"""Read and scored at a time: 44,000 samples of 73 tags at 1 Hz."""
LEAD_SAMPLES = 500
"""Detectors warm up on this many samples of every tag before the period."""
LEAST_LEAD, MOST_LEAD = timedelta(minutes=30), timedelta(hours=6)
LONGEST = timedelta(days=31)
REST = 0.25
"""Part of the time a piece took that is left to others after it."""
MOST_INCIDENTS = 300
"""Would-be incidents of each side that are analysed and shown."""
MOST_ALARMS = 50_000
"""What limits say on either side, returns too: beyond that one lies within the noise, and memory ends."""
LONGEST_RUN_S = 2 * 3600.0
"""Others wait for their turn meanwhile."""

Phase: TypeAlias = Literal["samples", "causes", "done"]
Tell = Callable[[Phase, float], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be tried. ``assets`` empty is every asset of the tenant."""

    tenant_id: int
    start: datetime
    end: datetime
    draft: Draft = field(default_factory=Draft)
    assets: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise Invalid("The end of the period lies before its beginning.")
        if self.end - self.start > LONGEST:
            raise Invalid(f"A back-test covers at most {LONGEST.days} days.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both configurations over the same samples; ``now`` is the one in force."""

    asked: Asked
    now: Side
    draft: Side
    labels: tuple[Label, ...]
    samples: int
    took_s: float
    recorded: tuple[tuple[datetime, datetime], ...]
    """The spans within the period of which any sample is stored, to the piece."""


@dataclass(frozen=True, slots=True)
class _Streamed:
    """What the stream said under both configurations."""

    now: Heard
    draft: Heard
    samples: int
    recorded: tuple[tuple[datetime, datetime], ...]


async def back_test(
    database: Database, settings: Settings, plant: PlantModel, asked: Asked, tell: Tell
) -> Outcome:
    """Run the stream and the analyses over the period. ``tell`` hears how far it is (0 to 1 of a phase).

    Raises Invalid when nothing is stored of the period.
    """
    began = time.monotonic()
    watched = _narrowed(plant, asked.assets)
    streamed = await _stream(database, settings, watched, asked, tell)
    if not streamed.samples:
        raise Invalid("No history is stored of these assets in this period.")
    async with read_only(database, asked.tenant_id) as tx:
        labels = await load_labels(tx, asked.start, asked.end, frozenset(a.id for a in watched.assets))
        windows, policy = await _windows(tx, asked.tenant_id), await load_policy(tx, asked.tenant_id)
    drafted = asked.draft.plant(plant)
    runs = [_Run(plant, streamed.now, Draft(), policy)]
    if not asked.draft.is_empty:
        runs.append(_Run(drafted, streamed.draft, asked.draft, asked.draft.policy or policy))
    sides = await _explained(database, asked, runs, windows, labels, tell)
    tell("done", 1.0)
    took_s = time.monotonic() - began
    return Outcome(asked, sides[0], sides[-1], labels, streamed.samples, took_s, streamed.recorded)


def _narrowed(plant: PlantModel, assets: frozenset[int]) -> PlantModel:
    """The part of the plant that is streamed; causes are looked for with the whole of it."""
    if not assets:
        return plant
    return replace(
        plant,
        assets=tuple(asset for asset in plant.assets if asset.id in assets),
        mappings=tuple(mapping for mapping in plant.mappings if mapping.asset_id in assets),
    )


async def _stream(
    database: Database, settings: Settings, plant: PlantModel, asked: Asked, tell: Tell
) -> _Streamed:
    slowest_s = max((mapping.scan_s for mapping in plant.mappings), default=1.0)
    lead = min(max(LEAST_LEAD, timedelta(seconds=LEAD_SAMPLES * slowest_s)), MOST_LEAD)
    begin = _floor(asked.start - lead)
    first = await asyncio.to_thread(StoredStream, plant, settings, begin)
    second = await asyncio.to_thread(_second, plant, settings, asked.draft, begin)
    tags = [mapping.id for mapping in plant.mappings]
    samples, at, recorded = 0, begin, list[tuple[datetime, datetime]]()
    began = time.monotonic()
    while at < asked.end and tags:
        check_bounds(time.monotonic() - began, first, second)
        to = min(at + PIECE, asked.end)
        async with read_only(database, asked.tenant_id) as tx:
            batch = await read_samples(tx, tags, at, to)
        spent = time.monotonic()
        for stream in (first, second):
            if stream is not None and len(batch):
                await asyncio.to_thread(stream.feed, batch)
        await asyncio.sleep(REST * (time.monotonic() - spent))
        if len(batch) and to > asked.start:
            _extend(recorded, max(at, asked.start), to)
            samples += len(batch)
        at = to
        tell("samples", (at - begin) / (asked.end - begin))
    return _Streamed(first.heard, _heard(first, second), samples, tuple(recorded))


def check_bounds(took_s: float, *streams: StoredStream | StoredLimits | None) -> None:
    """Raises Invalid for a back-test that is too much for the memory or the patience of others."""
    if took_s > LONGEST_RUN_S:
        raise Invalid(
            f"The back-test takes more than {LONGEST_RUN_S / 3600:.0f} hours. "
            "Choose a shorter period, fewer assets or a faster detector."
        )
    if any(stream is not None and len(stream.events) > MOST_ALARMS for stream in streams):
        raise Invalid(
            f"Limits speak more than {MOST_ALARMS:,} times in this period: one lies within the noise. "
            "Choose another limit or a shorter period."
        )


def _second(
    plant: PlantModel, settings: Settings, draft: Draft, begin: datetime
) -> StoredStream | StoredLimits | None:
    """What must see the samples again: everything, the limits alone, or nothing."""
    if draft.changes_detectors:
        return StoredStream(draft.plant(plant), settings, begin)
    return StoredLimits(draft.plant(plant), begin) if draft.changes_limits else None


def _heard(first: StoredStream, second: StoredStream | StoredLimits | None) -> Heard:
    if isinstance(second, StoredStream):
        return second.heard
    return first.heard if second is None else replace(first.heard, events=second.events)


def _floor(at: datetime) -> datetime:
    """The full minute before: chunks of history end there."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _extend(recorded: list[tuple[datetime, datetime]], start: datetime, end: datetime) -> None:
    if recorded and recorded[-1][1] == start:
        recorded[-1] = (recorded[-1][0], end)
    else:
        recorded.append((start, end))


async def _windows(tx: Tx, tenant_id: int) -> list[WindowSetting]:
    query = select(IncidentWindow).where(IncidentWindow.tenant_id == tenant_id)
    rows = (await tx.session.scalars(query)).all()
    return [WindowSetting(row.before_minutes, row.after_minutes, row.asset_type) for row in rows]


@dataclass(frozen=True, slots=True)
class _Run:
    plant: PlantModel
    heard: Heard
    draft: Draft
    policy: WorkOrderPolicy

    def incidents(self, windows: Sequence[WindowSetting], asked: Asked) -> list[WouldBe]:
        made = would_be_incidents(self.plant, self.heard, windows, asked.end)
        return [one for one in made if one.seen > asked.start]

    def events(self, asked: Asked) -> list[tuple[datetime, Event]]:
        return [(seen, event) for seen, event in self.heard.events if seen > asked.start]


async def _explained(
    database: Database,
    asked: Asked,
    runs: Sequence[_Run],
    windows: Sequence[WindowSetting],
    labels: Sequence[Label],
    tell: Tell,
) -> list[Side]:
    made = [await asyncio.to_thread(run.incidents, windows, asked) for run in runs]
    shown = [incidents[:MOST_INCIDENTS] for incidents in made]
    total, done, sides = max(1, sum(map(len, shown))), 0, list[Side]()
    for run, incidents, every in zip(runs, shown, made, strict=True):
        explained: list[Explained] = []
        for one in incidents:
            async with read_only(database, asked.tenant_id) as tx:
                explained.append(await explain(tx, one, run.plant, run.draft, run.policy, run.heard.events))
            done += 1
            tell("causes", done / total)
            await asyncio.sleep(0)
        is_cut = len(every) > len(incidents)
        sides.append(side_of(explained, run.events(asked), labels, is_cut=is_cut))
    return sides
