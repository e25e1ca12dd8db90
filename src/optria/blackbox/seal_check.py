"""Is a recording still what was sealed? Hashes it anew and names what differs."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select

from optria.blackbox.sealing import content_of, events_of, hashes, seal_of, stored_samples, tags_of
from optria.blackbox.seals import GENESIS, heading_of, sample_hash, seal_hash, unpacked_times
from optria.db.blackbox import IncidentRow
from optria.db.seals import SealRow
from optria.db.session import Tx
from optria.streams.recent import Series


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was sealed.

    ``kind``: "samples_changed", "samples_gone" (``count`` of them), "event_changed", "event_gone",
    "heading_changed" (the incident's number or window, or the seal's own columns), or "chain_broken" (the
    seal before it is gone or is another).
    """

    kind: str
    tag: int | None = None
    event_id: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class SealCheck:
    """What a check of a seal found; ``late_samples`` and ``late_events`` came for the window after it."""

    seal: SealRow
    sha256: str
    differences: tuple[Difference, ...]
    late_samples: int
    late_events: int

    @property
    def is_intact(self) -> bool:
        """Whether everything that was sealed is still there and the same."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class _TagCheck:
    row: dict[str, object]
    late: int
    difference: Difference | None


async def check_seal(tx: Tx, incident: IncidentRow) -> SealCheck | None:
    """Hash the recording as it is stored now and compare it with its seal; None where it has none."""
    seal = await seal_of(tx, incident)
    if seal is None:
        return None
    sealed, sealed_events = content_of(seal)
    tags = [int(str(row["tag"])) for row in sealed]
    now = await stored_samples(tx, incident, {*tags, *await tags_of(tx, incident)})
    checks = await asyncio.to_thread(lambda: [_check_tag(row, now) for row in sealed])
    events = hashes(await events_of(tx, incident))
    heading = heading_of(incident, seal.sequence, seal.previous_sha256, seal.sealed_at)
    kept = {key: events[key] for key in sealed_events if key in events}
    sha256 = seal_hash(heading, [check.row for check in checks], kept)
    found = [check.difference for check in checks if check.difference]
    found += _event_differences(sealed_events, events)
    if not found and sha256 != seal.sha256:
        found.append(Difference("heading_changed"))
    found += await _chain_differences(tx, seal)
    new_tags = sum(len(now[tag]) for tag in now if tag not in tags)
    return SealCheck(
        seal,
        sha256,
        tuple(found),
        sum(check.late for check in checks) + new_tags,
        len(events.keys() - sealed_events.keys()),
    )


def _check_tag(sealed: Mapping[str, object], now: Mapping[int, Series]) -> _TagCheck:
    """The samples of the sealed times, hashed anew; the others are late."""
    tag, count = int(str(sealed["tag"])), int(str(sealed["count"]))
    stored = now.get(tag, Series.empty())
    try:
        known = np.isin(stored.time, unpacked_times(str(sealed["times"])))
    except ValueError:
        return _TagCheck({**sealed, "sha256": ""}, 0, Difference("samples_changed", tag))
    again = Series(stored.time[known], stored.value[known], stored.quality[known])
    row = {"tag": tag, "count": len(again), "sha256": sample_hash(again)}
    gone = count - len(again)
    changed = row["sha256"] != sealed["sha256"]
    difference = Difference("samples_gone", tag, count=gone) if gone > 0 else None
    if difference is None and changed:
        difference = Difference("samples_changed", tag)
    return _TagCheck(row, len(stored) - len(again), difference)


def _event_differences(sealed: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Difference]:
    for key, sha256 in sealed.items():
        if key not in now:
            yield Difference("event_gone", event_id=key)
        elif now[key] != sha256:
            yield Difference("event_changed", event_id=key)


async def _chain_differences(tx: Tx, seal: SealRow) -> list[Difference]:
    if seal.sequence == 1:
        return [] if seal.previous_sha256 == GENESIS else [Difference("chain_broken")]
    query = select(SealRow.sha256).where(
        SealRow.tenant_id == seal.tenant_id, SealRow.sequence == seal.sequence - 1
    )
    before = await tx.session.scalar(query)
    return [] if before == seal.previous_sha256 else [Difference("chain_broken")]
