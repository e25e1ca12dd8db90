"""Samples that come late: an open incident is analysed with them, a sealed one stays what it was."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from optria.blackbox.sealing import seal
from optria.core.incident import Anchor, Contribution
from optria.db.blackbox import AnalysisRow, IncidentRow
from optria.kit import clock
from optria.streams.late import Late
from tests.blackbox.conftest import SmallPlant


def anchor(asset_id: int) -> Anchor:
    time = clock.now() - timedelta(seconds=20)
    return Anchor(asset_id, time, 2.4, 0.97, (Contribution(1, 2.4, time),), "level", "process")


def late(asset_id: int, ago_s: float = 60, samples: int = 7) -> Late:
    time = clock.now() - timedelta(seconds=ago_s)
    return Late(asset_id, time, time + timedelta(seconds=10), samples)


async def opened(small: SmallPlant) -> IncidentRow:
    """An incident that was analysed and has some time until it is analysed again."""
    recorder = small.recorder()
    recorder.anchor(small.tenant_id, anchor(small.pumps[0]))
    await recorder.drain()
    await recorder.do_due()
    return await the_one(small)


async def the_one(small: SmallPlant) -> IncidentRow:
    async with small.database.transaction(small.tenant_id) as tx:
        return (await tx.session.scalars(select(IncidentRow))).one()


async def change(small: SmallPlant, **values: object) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(update(IncidentRow).values(**values))


async def revisions(small: SmallPlant) -> int:
    async with small.database.transaction(small.tenant_id) as tx:
        return (await tx.session.execute(select(func.count()).select_from(AnalysisRow))).scalar_one()


async def after(small: SmallPlant, *told: Late) -> int:
    """What a recorder does with late samples; the analyses that were made."""
    before, recorder = await revisions(small), small.recorder()
    for each in told:
        recorder.late(small.tenant_id, each)
    await recorder.reanalyse_late()
    await recorder.do_due()
    return await revisions(small) - before


async def test_late_samples_of_its_asset_bring_the_analysis_forward_once(small: SmallPlant) -> None:
    incident = await opened(small)
    assert incident.next_pass_at is not None
    assert incident.next_pass_at > clock.now()
    assert await after(small, late(small.pumps[0]), late(small.pumps[0], 30)) == 1
    assert (await the_one(small)).rca_status == "COMPLETED"
    assert await after(small) == 0


async def test_those_of_a_neighbour_that_the_incident_has_reached_do_too(small: SmallPlant) -> None:
    await opened(small)
    recorder = small.recorder()
    recorder.anchor(small.tenant_id, anchor(small.pumps[1]))
    await recorder.drain()
    await recorder.do_due()
    assert await after(small, late(small.pumps[1])) == 1


async def test_other_assets_and_other_times_do_not(small: SmallPlant) -> None:
    incident = await opened(small)
    assert incident.window_start is not None
    before = (clock.now() - incident.window_start).total_seconds() + 600
    assert await after(small, late(small.tank), late(small.pumps[0], before)) == 0
    assert (await the_one(small)).next_pass_at == incident.next_pass_at


async def test_also_after_the_final_analysis_while_it_is_not_sealed(small: SmallPlant) -> None:
    await opened(small)
    await _end_the_window(small)
    recorder = small.recorder()
    await recorder.do_due()
    assert await after(small) == 0, "the final analysis is there"
    assert await after(small, late(small.pumps[0], 3000)) == 1


async def test_a_sealed_or_resolved_one_is_left_alone(small: SmallPlant) -> None:
    incident = await opened(small)
    await change(small, status="RESOLVED")
    assert await after(small, late(small.pumps[0])) == 0
    await change(small, status="OPEN")
    async with small.database.transaction(small.tenant_id) as tx:
        await seal(tx, incident.id)
    assert await after(small, late(small.pumps[0])) == 0


async def test_what_could_not_be_committed_is_kept(small: SmallPlant) -> None:
    await opened(small)
    recorder = small.recorder()
    recorder.late(small.tenant_id, late(small.pumps[0]))
    noted = recorder._late._noted[small.tenant_id][small.pumps[0]]
    recorder.late(small.tenant_id, late(small.pumps[0], 90, 3))
    both = recorder._late._noted[small.tenant_id][small.pumps[0]]
    assert both.samples == noted.samples + 3
    assert both.first < noted.first


async def _end_the_window(small: SmallPlant) -> None:
    """As if the anchor had been set an hour ago."""
    back: timedelta = timedelta(hours=1)
    row = await the_one(small)
    anchor_json = dict(row.anchor or {})
    anchor_json["time"] = (datetime.fromisoformat(anchor_json["time"]) - back).isoformat()
    assert row.window_start is not None
    assert row.window_end is not None
    assert row.anchored_at is not None
    await change(
        small,
        anchor=anchor_json,
        start_time=row.start_time - back,
        anchored_at=row.anchored_at - back,
        window_start=row.window_start - back,
        window_end=row.window_end - back,
        next_pass_at=clock.now(),
    )
