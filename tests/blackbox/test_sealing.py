"""Recordings are sealed once their window is over, and what is changed afterwards shows."""

import asyncio
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from optria.blackbox.seal_check import SealCheck, check_seal
from optria.blackbox.sealing import seal_due
from optria.blackbox.seals import packed_times, sample_hash, unpacked_times
from optria.core.tag import SampleBatch, to_micros
from optria.db.blackbox import EventRow, IncidentRow
from optria.db.identity import AuditLog
from optria.db.partitions import ensure_partitions
from optria.db.plant import AssetRow
from optria.db.seals import SealRow
from optria.kit import clock
from optria.streams import history
from optria.streams.recent import Series
from tests import factories
from tests.blackbox.conftest import SmallPlant

COUNT = 600


def samples(small: SmallPlant, tag: int, incident: IncidentRow, first: int = 0) -> SampleBatch:
    assert incident.window_start is not None
    start = to_micros(incident.window_start) + first * 1_000_000
    times = start + np.arange(COUNT, dtype=np.int64) * 1_000_000
    values = np.random.default_rng(tag).normal(2.2, 0.05, COUNT)
    return SampleBatch(np.full(COUNT, tag, np.int32), times, values, np.zeros(COUNT, np.uint8))


def tag_of(small: SmallPlant) -> int:
    return next(iter(small.plant.mappings_of(small.pumps[0]))).id


async def recorded(small: SmallPlant, over: timedelta = timedelta(minutes=5)) -> IncidentRow:
    """An incident whose window ended ``over`` ago, with samples and an event in it."""
    end = clock.now() - over
    async with small.database.transaction(small.tenant_id) as tx:
        asset = await tx.session.get_one(AssetRow, small.pumps[0])
        start = end - timedelta(minutes=30)
        row = await factories.incident(
            tx, asset, start_time=start, window_start=end - timedelta(hours=1), window_end=end
        )
        await factories.event(tx, asset, event_time=start, payload={"value": 8.25, "limit": 7.1})
        await ensure_partitions(tx.session, (end - timedelta(days=1)).date(), 3)
        await history.write(tx, samples(small, tag_of(small), row))
    return row


async def checked(small: SmallPlant, incident_id: UUID) -> SealCheck:
    async with small.database.transaction(small.tenant_id) as tx:
        found = await check_seal(tx, await tx.session.get_one(IncidentRow, incident_id))
    assert found is not None
    return found


async def kinds(small: SmallPlant, incident_id: UUID) -> list[str]:
    return [difference.kind for difference in (await checked(small, incident_id)).differences]


async def seals(small: SmallPlant) -> list[SealRow]:
    async with small.database.transaction(small.tenant_id) as tx:
        return list(await tx.session.scalars(select(SealRow).order_by(SealRow.sequence)))


async def test_a_recording_is_sealed_when_its_window_is_over(small: SmallPlant) -> None:
    incident = await recorded(small)
    assert await seal_due(small.database) == 1
    (seal,) = await seals(small)
    found = await checked(small, incident.id)
    assert found.is_intact
    assert found.sha256 == seal.sha256
    assert (found.late_samples, found.late_events) == (0, 0)
    counts = {row["tag"]: row["count"] for row in seal.content["samples"]}
    assert counts[tag_of(small)] == COUNT
    assert len(seal.content["events"]) == 1


async def test_an_open_window_and_late_samples_on_their_way_are_waited_for(small: SmallPlant) -> None:
    await recorded(small, over=timedelta(minutes=-5))
    await recorded(small, over=timedelta(seconds=20))
    assert await seal_due(small.database) == 0


async def test_the_recorder_seals_and_a_restart_seals_nothing_twice(small: SmallPlant) -> None:
    await recorded(small)
    await asyncio.gather(small.recorder().seal_closed(), small.recorder().seal_closed())
    await small.recorder().seal_closed()
    assert len(await seals(small)) == 1


async def test_seals_are_a_chain_and_stand_in_the_audit_log(small: SmallPlant) -> None:
    incidents = [await recorded(small), await recorded(small, over=timedelta(minutes=3))]
    await seal_due(small.database)
    first, second = await seals(small)
    assert (first.incident_id, second.incident_id) == (incidents[0].id, incidents[1].id)
    assert second.previous_sha256 == first.sha256
    async with small.database.transaction(small.tenant_id) as tx:
        written = await tx.session.scalars(select(AuditLog).where(AuditLog.action == "incident_sealed"))
        hashes = {(row.new_values or {})["sha256"] for row in written}
    assert hashes == {first.sha256, second.sha256}


async def test_a_changed_sample_is_found(small: SmallPlant) -> None:
    incident = await recorded(small)
    await seal_due(small.database)
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(text("UPDATE history_chunks SET value[3] = value[3] + 0.001"))
    found = await checked(small, incident.id)
    assert [(d.kind, d.tag) for d in found.differences] == [("samples_changed", tag_of(small))]
    assert found.sha256 != found.seal.sha256


async def test_removed_samples_are_counted(small: SmallPlant) -> None:
    incident = await recorded(small)
    await seal_due(small.database)
    async with small.database.transaction(small.tenant_id) as tx:
        gone = "DELETE FROM history_chunks WHERE t0 = (SELECT max(t0) FROM history_chunks) RETURNING dt"
        removed = len((await tx.session.execute(text(gone))).scalar_one())
    (difference,) = (await checked(small, incident.id)).differences
    assert (difference.kind, difference.count) == ("samples_gone", removed)


async def test_a_changed_and_a_removed_event_are_found(small: SmallPlant) -> None:
    incident, other = await recorded(small), await recorded(small, over=timedelta(hours=2))
    await seal_due(small.database)
    async with small.database.transaction(small.tenant_id) as tx:
        newest = select(EventRow.id).order_by(EventRow.event_time.desc()).limit(1)
        changed = update(EventRow).where(EventRow.id == newest.scalar_subquery())
        await tx.session.execute(changed.values(summary="Nothing happened"))
    assert await kinds(small, incident.id) == ["event_changed"]
    assert await kinds(small, other.id) == []
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(delete(EventRow))
    assert await kinds(small, incident.id) == ["event_gone"]


async def test_a_moved_window_is_found(small: SmallPlant) -> None:
    incident = await recorded(small)
    await seal_due(small.database)
    async with small.database.transaction(small.tenant_id) as tx:
        row = await tx.session.get_one(IncidentRow, incident.id)
        assert row.window_end is not None
        row.window_end += timedelta(seconds=1)
    assert await kinds(small, incident.id) == ["heading_changed"]


async def test_what_comes_late_is_counted_and_changes_nothing(small: SmallPlant) -> None:
    incident = await recorded(small)
    await seal_due(small.database)
    async with small.database.transaction(small.tenant_id) as tx:
        late = samples(small, tag_of(small), incident, first=COUNT)
        await history.write(tx, late)
        asset = await tx.session.get_one(AssetRow, small.pumps[0])
        await factories.event(tx, asset, event_time=incident.start_time + timedelta(seconds=1))
    found = await checked(small, incident.id)
    assert found.is_intact
    assert (found.late_samples, found.late_events) == (COUNT, 1)


async def test_the_serving_role_cannot_change_or_remove_a_seal(small: SmallPlant) -> None:
    await recorded(small)
    await seal_due(small.database)
    for statement in ("UPDATE incident_seals SET sha256 = ''", "DELETE FROM incident_seals"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with small.database.transaction(small.tenant_id) as tx:
                await tx.session.execute(text(statement))


def test_times_come_back_as_they_were() -> None:
    times = np.cumsum(np.random.default_rng(1).integers(1, 2_000_000, 500)) + 1_800_000_000_000_000
    assert unpacked_times(packed_times(times)).tolist() == times.tolist()
    assert unpacked_times(packed_times(np.empty(0, np.int64))).tolist() == []
    with pytest.raises(ValueError, match="no times"):
        unpacked_times("AAAA")


def test_the_hash_of_samples_is_fixed() -> None:
    one = Series(np.array([1], np.int64), np.array([2.0]), np.array([0], np.uint8))
    assert sample_hash(one) == "cf8319698e84db65e70e7e5184af81ca0b244018e1c3dbe1c9a880b6e921a565"
