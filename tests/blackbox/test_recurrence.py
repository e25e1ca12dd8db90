"""A fix that did not hold reopens its order; another fault, another asset or another day makes a new one."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from optria.blackbox.lingering import lingering
from optria.core.causes import NO_FAULT
from optria.core.incident import Anchor
from optria.core.roles import Role
from optria.db.blackbox import EventRow, IncidentEvent, IncidentRow, RcaRule
from optria.db.work import NotificationRow, WorkOrderHistory, WorkOrderPolicyRow, WorkOrderRow
from tests import factories
from tests.blackbox import loop
from tests.blackbox.conftest import SmallPlant


async def count_of_orders(small: SmallPlant) -> int:
    async with small.database.transaction(small.tenant_id) as tx:
        counted = select(func.count()).select_from(WorkOrderRow)
        return (await tx.session.execute(counted)).scalar_one()


@pytest.mark.parametrize("close", [False, True])
async def test_what_comes_back_reopens_the_order(small: SmallPlant, close: bool) -> None:
    first = await loop.strike(small, small.pumps[0])
    order_id = await loop.complete(small, first, "Seal Leak", close=close)
    await loop.move_back(small, timedelta(hours=2))
    second = await loop.strike(small, small.pumps[0])
    order, came_back = await loop.order(small, order_id), await loop.incident(small, second)
    assert await count_of_orders(small) == 1
    assert (order.status, order.not_effective_count, order.completed_at) == ("open", 1, None)
    assert order.actual_cause is None
    assert (came_back.recurrence_of, came_back.auto_work_order_id) == (first, order_id)
    assert order.due_at is not None
    (row,) = await loop.confirmations(small)
    assert (row.is_effective, row.cause) == (False, "Seal Leak")
    assert (await loop.incident(small, first)).confirmed_cause is None


async def test_it_is_told_and_written_down(small: SmallPlant) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        planner = (await factories.user(tx, small.tenant_id, Role.OPTIMIZATION_ENGINEER)).id
    first = await loop.strike(small, small.pumps[0])
    order_id = await loop.complete(small, first, "Seal Leak")
    await loop.move_back(small, timedelta(hours=2))
    second = await loop.strike(small, small.pumps[0])
    order = await loop.order(small, order_id)
    async with small.database.transaction(small.tenant_id) as tx:
        told = select(NotificationRow.user_id).where(
            NotificationRow.notification_type == "WORK_ORDER_REOPENED"
        )
        assert set(await tx.session.scalars(told)) == {order.assigned_to, planner}
        lines = select(WorkOrderHistory.body).where(WorkOrderHistory.kind == "reopened")
        (line,) = (await tx.session.scalars(lines)).all()
        events = select(EventRow).where(EventRow.source_system == "OPTRIA_WORKORDER")
        (event,) = (await tx.session.scalars(events)).all()
        linked = select(IncidentEvent.incident_id).where(IncidentEvent.event_id == event.id)
        assert set(await tx.session.scalars(linked)) == {first, second}
    assert line.startswith("Fix not effective: INC-")
    assert "2.0 h after completion; confirmed cause was Seal Leak" in line
    assert event.summary is not None
    assert event.summary.startswith("Fix not effective")


async def test_a_second_look_tells_nobody_again_and_makes_no_order(small: SmallPlant) -> None:
    first = await loop.strike(small, small.pumps[0])
    await loop.complete(small, first, "Seal Leak")
    await loop.move_back(small, timedelta(hours=2))
    second = await loop.strike(small, small.pumps[0])
    await small.recorder().run_for_incident(small.tenant_id, second)
    async with small.database.transaction(small.tenant_id) as tx:
        told = select(func.count()).where(NotificationRow.notification_type == "WORK_ORDER_REOPENED")
        assert (await tx.session.execute(told)).scalar_one() == 1
    assert await count_of_orders(small) == 1


async def test_the_cause_that_the_second_fix_finds_holds_for_both(small: SmallPlant) -> None:
    first = await loop.strike(small, small.pumps[0])
    await loop.complete(small, first, "Seal Leak")
    await loop.move_back(small, timedelta(hours=2))
    second = await loop.strike(small, small.pumps[0])
    await loop.complete(small, second, "Bearing Fault")
    causes = [(await loop.incident(small, one)).confirmed_cause for one in (first, second)]
    assert causes == ["Bearing Fault", "Bearing Fault"]
    assert [(row.cause, row.is_effective) for row in await loop.confirmations(small)] == [
        ("Seal Leak", False),
        ("Bearing Fault", True),
    ]


async def test_after_the_verification_period_it_is_new(small: SmallPlant) -> None:
    first = await loop.strike(small, small.pumps[0])
    order_id = await loop.complete(small, first, "Seal Leak")
    await loop.move_back(small, timedelta(hours=25))
    await loop.strike(small, small.pumps[0])
    assert await count_of_orders(small) == 2
    assert (await loop.order(small, order_id)).status == "completed"
    assert (await loop.confirmations(small))[0].is_effective


@pytest.mark.parametrize(("hours", "orders"), [(0.0, 2), (1.0, 2), (48.0, 1)])
async def test_the_period_is_the_tenants(small: SmallPlant, hours: float, orders: int) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        tx.session.add(WorkOrderPolicyRow(tenant_id=small.tenant_id, verification_hours=hours))
    await loop.complete(small, await loop.strike(small, small.pumps[0]), "Seal Leak")
    await loop.move_back(small, timedelta(hours=30 if hours > 24 else 2))
    await loop.strike(small, small.pumps[0])
    assert await count_of_orders(small) == orders


async def test_another_asset_or_another_fault_is_new(small: SmallPlant) -> None:
    await loop.complete(small, await loop.strike(small, small.pumps[0]), "Seal Leak")
    await loop.move_back(small, timedelta(hours=2))
    await loop.complete(small, await loop.strike(small, small.tank), "Valve Leakage")
    assert await count_of_orders(small) == 2
    await loop.move_back(small, timedelta(hours=2))
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(update(RcaRule).values(is_active=False))
        await tx.session.execute(
            update(IncidentRow).values(
                pattern={"signature": {"temperature.level": 5.0}},
                root_cause_scores={"Valve Leakage": 1.0},
                anchor=None,
            )
        )
    await loop.strike(small, small.pumps[0])
    assert await count_of_orders(small) == 3


async def test_what_was_called_a_false_alarm_and_came_back_was_none(small: SmallPlant) -> None:
    order_id = await loop.complete(small, await loop.strike(small, small.pumps[0]), NO_FAULT)
    await loop.move_back(small, timedelta(hours=2))
    await loop.strike(small, small.pumps[0])
    (row,) = await loop.confirmations(small)
    assert (row.is_fault, row.is_effective) == (False, False)
    assert (await loop.order(small, order_id)).status == "open"


async def test_what_goes_on_after_the_work_comes_back_by_itself(small: SmallPlant) -> None:
    """The work ends the episode; values have five minutes to come back."""
    pump = small.pumps[0]
    first = await loop.strike(small, pump)
    await loop.complete(small, first, "Seal Leak")
    small.watch.active.add(pump)
    small.watch.anchors[pump] = Anchor(pump, loop.minutes_ago(5), 2.0, 0.9, (), "level")
    found = []
    for minutes in (2, 10):
        await loop.move_back(small, timedelta(minutes=minutes))
        async with small.database.platform("test") as tx:
            found.append([anchor.asset_id for _, anchor in await lingering(tx, small.watch.seen)])
    assert found == [[], [pump]]
