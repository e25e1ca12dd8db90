"""An incident from anchor or event to its end, on a real database."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from optria.blackbox import incidents
from optria.core.errors import NotFound
from optria.core.event import Event, Severity
from optria.core.incident import Anchor, Contribution
from optria.db.blackbox import AnalysisRow, EventRow, IncidentEvent, IncidentRow, RcaRule
from optria.db.identity import User
from optria.db.work import NotificationRow, WorkOrderRow
from optria.kit import clock
from tests.blackbox.conftest import SmallPlant


def anchor(asset_id: int, probability: float = 0.97, mode: str = "process", ago_s: float = 20) -> Anchor:
    time = clock.now() - timedelta(seconds=ago_s)
    return Anchor(asset_id, time, 2.4, probability, (Contribution(1, 2.4, time),), "level", mode)


def critical(asset_id: int, ago_s: float = 5, severity: Severity = Severity.CRITICAL) -> Event:
    return Event(
        clock.now() - timedelta(seconds=ago_s),
        severity,
        "ALERT",
        "Vibration above 7.1 mm/s",
        asset_id,
        payload={"metric": "vibration", "value": 8.2, "limit": 7.1, "direction": "high"},
    )


async def rows(small: SmallPlant, table: Any) -> list[Any]:
    async with small.database.transaction(small.tenant_id) as tx:
        return list((await tx.session.execute(select(table))).scalars().all())


async def go(small: SmallPlant) -> None:
    """What a recorder does, once."""
    recorder = small.recorder()
    await recorder.do_due()


async def opened(small: SmallPlant, *things: Anchor | Event) -> list[Any]:
    recorder = small.recorder()
    for thing in things:
        if isinstance(thing, Anchor):
            recorder.anchor(small.tenant_id, thing)
        else:
            recorder.event(small.tenant_id, thing)
    await recorder.drain()
    await recorder.do_due()
    return await rows(small, IncidentRow)


@pytest.mark.clause("G1", "V1", "V2", "O1", "O2", "O3", "O4", "O5", "A28", "N5")
async def test_a_critical_event_runs_the_whole_chain(small: SmallPlant) -> None:
    (incident,) = await opened(small, critical(small.pumps[0]))
    assert incident.event_story
    assert incident.event_story_ar
    assert sum(incident.root_cause_scores.values()) == pytest.approx(1, abs=1e-9)
    assert incident.recommended_actions[0]["priority"] == 1
    assert incident.financial_impact_estimate["total_estimated_cost"] > 0
    assert incident.carbon_impact_estimate["carbon_kg"] > 0
    assert incident.rca_status == "COMPLETED"


@pytest.mark.clause("G4", "W2", "W3", "W9", "V3", "V4", "V5", "N2", "N5")
async def test_its_order_goes_to_an_engineer_of_the_tenant_who_is_told(small: SmallPlant) -> None:
    (incident,) = await opened(small, critical(small.pumps[1]))
    (order,) = await rows(small, WorkOrderRow)
    assert (order.asset_id, order.tenant_id) == (small.pumps[1], small.tenant_id)
    assert order.assigned_to in small.engineers
    (notice,) = await rows(small, NotificationRow)
    assert (notice.user_id, notice.entity_id) == (order.assigned_to, str(order.id))
    assert incident.auto_work_order_id == order.id


@pytest.mark.clause("G1", "A5", "C5")
async def test_an_anchor_of_the_detectors_runs_it_too(small: SmallPlant) -> None:
    set_by_detector = anchor(small.pumps[0])
    (incident,) = await opened(small, set_by_detector)
    assert incident.start_time == set_by_detector.time
    assert len(await rows(small, WorkOrderRow)) == 1


@pytest.mark.clause("W1")
async def test_a_faint_anomaly_gets_an_incident_and_no_order(small: SmallPlant) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(update(RcaRule).values(is_active=False))
    (incident,) = await opened(small, anchor(small.tank, probability=0.2))
    assert Severity.parse(incident.severity) < Severity.MAJOR
    assert await rows(small, WorkOrderRow) == []


@pytest.mark.clause("W1", "N2")
async def test_a_second_look_makes_no_second_order_and_tells_nobody_again(small: SmallPlant) -> None:
    (incident,) = await opened(small, critical(small.pumps[0]))
    await small.recorder().run_for_incident(small.tenant_id, incident.id)
    assert len(await rows(small, WorkOrderRow)) == 1
    assert len(await rows(small, NotificationRow)) == 1
    assert [row.revision for row in await rows(small, AnalysisRow)] == [1, 2]


@pytest.mark.clause("A28")
async def test_the_final_analysis_revises_the_same_incident_and_order(small: SmallPlant) -> None:
    (incident,) = await opened(small, critical(small.pumps[0]))
    assert clock.now() < incident.next_pass_at < incident.window_end
    await make_past(small, incident.id, timedelta(hours=1))
    await go(small)
    (after,) = await rows(small, IncidentRow)
    finals = [row.is_final for row in await rows(small, AnalysisRow)]
    assert finals == [False, True]
    assert after.dedup_key is None
    assert after.end_time is not None
    assert after.next_pass_at is None
    assert len(await rows(small, WorkOrderRow)) == 1


async def test_while_the_window_is_open_the_analysis_is_repeated(small: SmallPlant) -> None:
    (incident,) = await opened(small, critical(small.pumps[0]))
    async with small.database.transaction(small.tenant_id) as tx:
        row = await tx.session.get_one(IncidentRow, incident.id)
        row.anchored_at = clock.now() - timedelta(minutes=11)
        row.next_pass_at = clock.now() - timedelta(seconds=1)
    await go(small)
    (after,) = await rows(small, IncidentRow)
    assert [row.is_final for row in await rows(small, AnalysisRow)] == [False, False]
    assert after.next_pass_at > after.window_end


async def test_an_incident_grows_graver_with_the_fault_and_then_gets_its_order(small: SmallPlant) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(update(RcaRule).values(is_active=False))
    (incident,) = await opened(small, anchor(small.tank, probability=0.3))
    assert await rows(small, WorkOrderRow) == []
    small.watch.probabilities[small.tank] = 0.9
    await due_now(small, incident.id)
    await go(small)
    (graver,) = await rows(small, IncidentRow)
    assert (incident.severity, graver.severity) == ("MINOR", "MAJOR")
    assert len(await rows(small, WorkOrderRow)) == 1
    small.watch.probabilities[small.tank] = 0.1
    await due_now(small, incident.id)
    await go(small)
    (faded,) = await rows(small, IncidentRow)
    assert faded.severity == "MAJOR"


async def test_an_anomaly_that_goes_on_keeps_its_incident_open(small: SmallPlant) -> None:
    (incident,) = await opened(small, anchor(small.pumps[0]))
    small.watch.active.add(small.pumps[0])
    await make_past(small, incident.id, timedelta(hours=1))
    await go(small)
    (after,) = await rows(small, IncidentRow)
    assert after.dedup_key is not None
    assert after.next_pass_at > clock.now()
    small.watch.active.clear()
    await due_now(small, incident.id)
    await go(small)
    (ended,) = await rows(small, IncidentRow)
    assert ended.dedup_key is None
    assert len(await rows(small, AnalysisRow)) == 2


async def test_later_anchors_of_the_asset_join_its_open_incident(small: SmallPlant) -> None:
    await opened(small, anchor(small.pumps[0]))
    (incident,) = await opened(small, anchor(small.pumps[0], ago_s=1))
    assert incident.occurrences == 2


async def test_a_process_neighbour_joins_and_a_stranger_does_not(small: SmallPlant) -> None:
    incidents = await opened(small, anchor(small.pumps[0]), anchor(small.pumps[2]), anchor(small.tank))
    assert sorted(incident.root_asset_id for incident in incidents) == sorted([small.pumps[0], small.tank])
    first = next(incident for incident in incidents if incident.root_asset_id == small.pumps[0])
    assert first.impact_scope["assets"] == [small.pumps[0], small.pumps[2]]


async def test_an_incident_is_followed_as_it_spreads(small: SmallPlant) -> None:
    spread = [anchor(small.pumps[0]), anchor(small.pumps[1]), anchor(small.pumps[3])]
    (incident,) = await opened(small, *spread)
    assert incident.impact_scope["assets"] == [small.pumps[0], small.pumps[1], small.pumps[3]]


async def test_a_neighbour_far_away_or_much_later_is_an_incident_of_its_own(
    small: SmallPlant,
) -> None:
    incidents = await opened(small, anchor(small.pumps[0]), anchor(small.pumps[3]))
    assert len(incidents) == 2
    late = await opened(small, anchor(small.pumps[1], ago_s=-900))
    assert len(late) == 3


async def test_a_critical_event_lifts_the_incident_it_joins(small: SmallPlant) -> None:
    (before,) = await opened(small, anchor(small.pumps[0], probability=0.4))
    (after,) = await opened(small, critical(small.pumps[0]))
    assert (before.severity, after.severity) == ("MINOR", "CRITICAL")
    (order,) = await rows(small, WorkOrderRow)
    assert order.asset_id == small.pumps[0]


@pytest.mark.clause("A5")
async def test_of_several_critical_events_the_earliest_is_the_anchor(small: SmallPlant) -> None:
    early, late = critical(small.pumps[0], ago_s=60), critical(small.pumps[0], ago_s=2)
    (incident,) = await opened(small, early, late)
    assert incident.start_time == early.time
    roles = [row.role for row in await rows(small, IncidentEvent)]
    assert sorted(roles) == ["CAUSE", "SYMPTOM"]


async def test_events_below_critical_are_stored_and_open_nothing(small: SmallPlant) -> None:
    assert await opened(small, critical(small.pumps[0], severity=Severity.MAJOR)) == []
    assert len(await rows(small, EventRow)) == 1


@pytest.mark.clause("I4", "D7")
async def test_the_analysis_uses_the_sensor_data(small: SmallPlant) -> None:
    small.sensors.shifted, small.sensors.shifted_at = {"vibration": 3.0}, clock.now() - timedelta(seconds=60)
    (incident,) = await opened(small, anchor(small.pumps[0]))
    assert max(incident.root_cause_scores, key=incident.root_cause_scores.get) == "Bearing Fault"


@pytest.mark.clause("A12")
async def test_a_rule_added_as_a_row_counts_at_once(small: SmallPlant) -> None:
    small.sensors.shifted, small.sensors.shifted_at = {"vibration": 3.0}, clock.now() - timedelta(seconds=60)
    (incident,) = await opened(small, anchor(small.pumps[0]))
    async with small.database.transaction(small.tenant_id) as tx:
        tx.session.add(
            RcaRule(
                tenant_id=small.tenant_id,
                name="Loose foundation",
                root_cause_category="LOOSE_FOUNDATION",
                confidence=1,
                pattern={"all": [{"metric": "vibration", "direction": "high"}]},
            )
        )
    await small.recorder().run_for_incident(small.tenant_id, incident.id)
    (after,) = await rows(small, IncidentRow)
    assert "Loose Foundation" not in incident.root_cause_scores
    assert after.root_cause_scores["Loose Foundation"] > 0


async def test_what_a_stopped_process_left_is_finished_by_the_next(small: SmallPlant) -> None:
    died = small.recorder()
    died.anchor(small.tenant_id, anchor(small.pumps[0]))
    await died.drain()
    assert await rows(small, WorkOrderRow) == []
    await go(small)
    assert len(await rows(small, WorkOrderRow)) == 1


async def test_two_processes_share_the_work_and_do_it_once(small: SmallPlant) -> None:
    one, other = small.recorder(), small.recorder()
    for recorder in (one, other):
        for asset in (small.pumps[0], small.tank):
            recorder.anchor(small.tenant_id, anchor(asset))
    await asyncio.gather(one.drain(), other.drain())
    await asyncio.gather(one.do_due(), other.do_due(), one.do_due(), other.do_due())
    assert len(await rows(small, IncidentRow)) == 2
    assert len(await rows(small, WorkOrderRow)) == len(await rows(small, NotificationRow)) == 2


async def test_an_incident_that_cannot_be_analysed_is_left_after_five_tries(small: SmallPlant) -> None:
    incidents = await opened(small, anchor(small.pumps[0]), anchor(small.tank))
    broken = next(incident for incident in incidents if incident.root_asset_id == small.tank)
    async with small.database.transaction(small.tenant_id) as tx:
        statement = update(IncidentRow).where(IncidentRow.id == broken.id)
        await tx.session.execute(statement.values(root_asset_id=None))
    for _ in range(6):
        await due_now(small, broken.id)
        await go(small)
    dead = next(row for row in await rows(small, IncidentRow) if row.id == broken.id)
    assert (dead.attempts, dead.rca_status) == (5, "FAILED")
    assert "names no asset" in dead.last_error


async def test_an_event_that_the_database_refuses_holds_up_nobody(small: SmallPlant) -> None:
    bad = replace(critical(small.pumps[0], severity=Severity.MAJOR), source_system="x" * 400)
    recorder = small.recorder()
    for event in (bad, critical(small.tank, severity=Severity.MINOR), critical(small.pumps[0])):
        recorder.event(small.tenant_id, event)
    recorder.anchor(small.tenant_id, anchor(small.tank))
    await recorder.drain()
    assert recorder.inbox.counts["events_refused"] == 1
    assert not recorder.inbox
    assert len(await rows(small, IncidentRow)) == 2


async def test_an_incident_that_was_closed_is_analysed_to_the_end_but_orders_nothing(
    small: SmallPlant,
) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(update(RcaRule).values(is_active=False))
    (incident,) = await opened(small, anchor(small.tank, probability=0.3))
    async with small.database.transaction(small.tenant_id) as tx:
        row = await incidents.find(tx, incident.id, lock=True)
        await incidents.set_status(tx, row, "CLOSED", small.engineers[0])
    small.watch.probabilities[small.tank] = 1.0
    await make_past(small, incident.id, timedelta(hours=1))
    await go(small)
    (after,) = await rows(small, IncidentRow)
    assert [row.is_final for row in await rows(small, AnalysisRow)] == [False, True]
    assert (after.severity, await rows(small, WorkOrderRow)) == ("MINOR", [])


async def test_who_wants_an_order_does_not_join_a_run_that_makes_none(small: SmallPlant) -> None:
    incident_id = await small.recorder().run_for_asset(small.tenant_id, small.pumps[0])
    async with small.database.transaction(small.tenant_id) as tx:
        (await incidents.find(tx, incident_id, lock=True)).severity = "CRITICAL"
    recorder = small.recorder()
    await asyncio.gather(
        recorder.run_for_incident(small.tenant_id, incident_id, order=False),
        recorder.run_for_incident(small.tenant_id, incident_id, order=True),
    )
    assert len(await rows(small, WorkOrderRow)) == 1


async def test_whoever_waits_runs_it_when_the_first_was_cancelled(small: SmallPlant) -> None:
    (incident,) = await opened(small, anchor(small.pumps[0]))
    recorder = small.recorder()
    first = asyncio.create_task(recorder.run_for_incident(small.tenant_id, incident.id))
    await asyncio.sleep(0)
    second = asyncio.create_task(recorder.run_for_incident(small.tenant_id, incident.id))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert len(await rows(small, AnalysisRow)) == 2


@pytest.mark.clause("N6", "D4")
async def test_an_asset_is_analysed_on_demand(small: SmallPlant) -> None:
    small.sensors.shifted, small.sensors.shifted_at = {"vibration": 5.0}, clock.now() - timedelta(seconds=300)
    incident_id = await small.recorder().run_for_asset(small.tenant_id, small.pumps[2], small.engineers[0])
    (incident,) = await rows(small, IncidentRow)
    assert (incident.id, incident.root_asset_id) == (incident_id, small.pumps[2])
    assert incident.event_story
    assert incident.root_cause_scores
    assert incident.recommended_actions


async def test_a_check_that_finds_nothing_says_so_and_is_over(small: SmallPlant) -> None:
    await small.recorder().run_for_asset(small.tenant_id, small.pumps[2], small.engineers[0])
    (incident,) = await rows(small, IncidentRow)
    assert incident.title == "Nothing abnormal on P-103"
    assert "was checked on request" in incident.event_story
    assert (incident.status, incident.severity, incident.dedup_key) == ("RESOLVED", "INFO", None)
    assert (incident.financial_impact_estimate, incident.next_pass_at) == ({}, None)
    assert await rows(small, WorkOrderRow) == []


@pytest.mark.clause("A6")
async def test_on_demand_it_is_anchored_where_the_detectors_saw_it_begin(small: SmallPlant) -> None:
    small.watch.anchors[small.pumps[0]] = anchor(small.pumps[0], ago_s=400)
    await small.recorder().run_for_asset(small.tenant_id, small.pumps[0])
    (incident,) = await rows(small, IncidentRow)
    assert incident.start_time == small.watch.anchors[small.pumps[0]].time


@pytest.mark.clause("A6")
async def test_on_demand_the_z_score_finds_what_no_detector_said(small: SmallPlant) -> None:
    began = clock.now() - timedelta(seconds=300)
    small.sensors.shifted, small.sensors.shifted_at = {"vibration": 5.0}, began
    await small.recorder().run_for_asset(small.tenant_id, small.pumps[0])
    (incident,) = await rows(small, IncidentRow)
    assert abs(incident.start_time - began) < timedelta(seconds=5)


async def test_asking_for_an_unknown_asset_says_so(small: SmallPlant) -> None:
    with pytest.raises(NotFound, match="no asset 4711"):
        await small.recorder().run_for_asset(small.tenant_id, 4711)


async def test_many_who_ask_at_once_wait_for_one_run(small: SmallPlant) -> None:
    (incident,) = await opened(small, anchor(small.pumps[0]))
    recorder = small.recorder()
    await asyncio.gather(*(recorder.run_for_incident(small.tenant_id, incident.id) for _ in range(20)))
    assert len(await rows(small, AnalysisRow)) == 2


@pytest.mark.clause("G4", "W9")
async def test_users_of_another_tenant_see_and_get_nothing(small: SmallPlant) -> None:
    await opened(small, critical(small.pumps[0]))
    async with small.database.platform("test") as tx:
        other = (
            (await tx.session.execute(select(User).where(User.tenant_id != small.tenant_id))).scalars().one()
        )
    async with small.database.transaction(other.tenant_id or 0) as tx:
        for table in (IncidentRow, WorkOrderRow, NotificationRow, AnalysisRow, EventRow):
            assert (await tx.session.execute(select(table))).scalars().all() == []


async def make_past(small: SmallPlant, incident_id: Any, age: timedelta) -> None:
    """Move an incident's window back, so that it has closed."""
    async with small.database.transaction(small.tenant_id) as tx:
        row = await tx.session.get_one(IncidentRow, incident_id)
        row.window_start, row.window_end = _earlier(row.window_start, age), _earlier(row.window_end, age)
        row.next_pass_at = clock.now() - timedelta(seconds=1)


def _earlier(time: datetime | None, age: timedelta) -> datetime:
    assert time is not None
    return time - age


async def due_now(small: SmallPlant, incident_id: Any) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        row = await tx.session.get_one(IncidentRow, incident_id)
        if row.rca_status != "FAILED":
            row.next_pass_at = clock.now() - timedelta(seconds=1)
