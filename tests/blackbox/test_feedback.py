"""What finished work teaches, on a real database: once, correctable, and never across tenants."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from optria.blackbox import calibrating, feedback, references
from optria.blackbox.case_loader import load_case
from optria.core.causes import NO_FAULT
from optria.core.work_order import WorkOrderStatus
from optria.db.blackbox import IncidentRow
from optria.db.identity import Tenant
from optria.db.learning import CauseCalibration, CauseConfirmation
from optria.rca.case import Case
from optria.work import orders
from tests.blackbox import loop
from tests.blackbox.conftest import SmallPlant


async def case_of(small: SmallPlant, incident_id: object) -> Case:
    async with small.database.transaction(small.tenant_id) as tx:
        row = await tx.session.get_one(IncidentRow, incident_id)
        return await load_case(tx, row, small.plant, small.sensors)


@pytest.mark.clause("I2", "I5")
async def test_a_confirmed_cause_is_history_of_the_next_analysis(small: SmallPlant) -> None:
    first = await loop.strike(small, small.pumps[0])
    await loop.complete(small, first, "Shaft Misalignment")
    await loop.move_back(small, timedelta(days=3))
    second = await loop.strike(small, small.pumps[0])
    case = await case_of(small, second)
    assert [(past.cause, past.id) for past in case.history] == [("Shaft Misalignment", str(first))]
    scores = (await loop.incident(small, second)).root_cause_scores or {}
    before = (await loop.incident(small, first)).root_cause_scores or {}
    assert scores["Shaft Misalignment"] > before.get("Shaft Misalignment", 0.0)


async def test_what_was_said_is_kept_beside_what_was_found(small: SmallPlant) -> None:
    found = await loop.strike(small, small.pumps[0])
    await loop.complete(small, found, "Bearing Fault", 7.5)
    (row,) = await loop.confirmations(small)
    scores = (await loop.incident(small, found)).root_cause_scores
    assert (row.cause, row.is_fault, row.is_effective, row.asset_type) == (
        "Bearing Fault",
        True,
        True,
        "Pump",
    )
    assert (row.downtime_hours, row.labour_hours) == (Decimal("7.5"), Decimal(3))
    assert row.ordered_said is not None
    assert row.ordered_said["scores"] == {label: p for label, p in (scores or {}).items() if p}
    assert row.lead_until == "work"
    assert row.lead_s == pytest.approx(300, abs=60)


async def test_saying_it_twice_teaches_once_and_saying_otherwise_corrects(small: SmallPlant) -> None:
    found = await loop.strike(small, small.pumps[0])
    await loop.complete(small, found, "Bearing Fault")
    await loop.say(small, found, "Bearing Fault")
    (again,) = await loop.confirmations(small)
    assert again.corrections == 0
    await loop.say(small, found, "Seal Leak")
    (row,) = await loop.confirmations(small)
    assert (row.cause, row.corrections) == ("Seal Leak", 1)
    assert (await loop.incident(small, found)).confirmed_cause == "Seal Leak"
    async with small.database.transaction(small.tenant_id) as tx:
        fitted = await calibrating.current(tx, small.tenant_id)
    assert fitted is not None
    assert fitted.cases == 1
    assert fitted.factor > 1.0


async def test_a_false_incident_teaches_no_pattern(small: SmallPlant) -> None:
    found = await loop.strike(small, small.pumps[0])
    await loop.complete(small, found, NO_FAULT)
    (row,) = await loop.confirmations(small)
    assert (row.cause, row.is_fault) == (None, False)
    await loop.move_back(small, timedelta(days=3))
    assert (await case_of(small, await loop.strike(small, small.pumps[0]))).history == ()


async def test_completing_without_a_cause_is_kept_as_such(small: SmallPlant) -> None:
    found = await loop.strike(small, small.pumps[0])
    await loop.complete(small, found, None)
    (row,) = await loop.confirmations(small)
    assert (row.cause, row.is_fault) == (None, True)
    assert (await loop.incident(small, found)).confirmed_cause is None


async def test_work_that_is_taken_up_again_unteaches_until_it_is_done(small: SmallPlant) -> None:
    found = await loop.strike(small, small.pumps[0])
    order_id = await loop.complete(small, found, "Seal Leak")
    async with small.database.transaction(small.tenant_id) as tx:
        order = await orders.find(tx, order_id, lock=True)
        incidents = await feedback.lock_incidents_of(tx, order)
        await orders.move(tx, order, WorkOrderStatus.IN_PROGRESS, small.engineers[0])
        await feedback.unlearn(tx, incidents, order)
    (withdrawn,) = await loop.confirmations(small)
    assert withdrawn.is_withdrawn
    assert (await loop.incident(small, found)).confirmed_cause is None
    await loop.complete(small, found, "Bearing Fault")
    (row,) = await loop.confirmations(small)
    assert (row.is_withdrawn, row.cause) == (False, "Bearing Fault")


async def test_the_final_analysis_joins_what_was_confirmed_before_it(small: SmallPlant) -> None:
    found = await loop.strike(small, small.pumps[0])
    await loop.complete(small, found, "Bearing Fault")
    (early,) = await loop.confirmations(small)
    async with small.database.transaction(small.tenant_id) as tx:
        row = await tx.session.get_one(IncidentRow, found)
        row.window_end, row.next_pass_at = loop.minutes_ago(2), loop.minutes_ago(1)
    await small.recorder().do_due()
    (late,) = await loop.confirmations(small)
    assert (early.final_said or {})["final"] is False
    assert (late.final_said or {})["final"] is True
    assert late.ordered_said == early.ordered_said


async def test_the_factor_of_confirmed_orders_is_that_of_the_next_analysis(small: SmallPlant) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        tx.session.add(CauseCalibration(tenant_id=small.tenant_id, factor=1.6, cases=40))
    case = await case_of(small, await loop.strike(small, small.pumps[0]))
    assert case.calibration == 1.6


async def test_downtime_is_what_confirmed_orders_took(small: SmallPlant) -> None:
    for hours in (4, 6, 11):
        await loop.complete(small, await loop.strike(small, small.pumps[0]), "Bearing Fault", hours)
        await loop.move_back(small, timedelta(days=3))
    pump = small.plant.asset(small.pumps[0])
    assert pump is not None
    async with small.database.transaction(small.tenant_id) as tx:
        (known,) = (await references.load(tx, pump, loop.minutes_ago(0)))["downtime_history"]
    assert (known.cause, known.asset_type, known.count) == ("Bearing Fault", "Pump", 3)
    assert (known.low_h, known.mean_h, known.high_h) == (Decimal("4.40"), Decimal("7.00"), Decimal("10.00"))
    assert len(known.orders) == 3


async def test_another_tenant_sees_and_learns_nothing_of_it(small: SmallPlant) -> None:
    await loop.complete(small, await loop.strike(small, small.pumps[0]), "Seal Leak")
    async with small.database.platform("test") as tx:
        other = (await tx.session.scalars(select(Tenant.id).where(Tenant.id != small.tenant_id))).first()
    assert other is not None
    async with small.database.transaction(other) as tx:
        counted = select(func.count()).select_from(CauseConfirmation)
        assert (await tx.session.execute(counted)).scalar_one() == 0
        assert await calibrating.factor(tx, other) == 1.0
