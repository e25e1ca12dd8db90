"""Orders made from incidents and by hand, and their moves."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from sqlalchemy import select

from optria.core.asset import Asset
from optria.core.errors import Invalid, NotFound
from optria.core.roles import Role
from optria.core.work_order import WorkOrderPolicy, WorkOrderStatus
from optria.db.blackbox import IncidentRow
from optria.db.delivery import Delivery
from optria.db.identity import Tenant
from optria.db.session import Database, Tx
from optria.db.work import NotificationRow, WorkOrderHistory, WorkOrderRow
from optria.work import delivery_channels, orders
from optria.work.incident_orders import Ordered, create_from_incident
from tests import factories
from tests.analyses import analysis

PUMP = Asset(1, "P-101", "Export pump", "Pump", None)


async def plant(tx: Tx, severity: str = "CRITICAL") -> IncidentRow:
    assert tx.tenant_id is not None
    site = await factories.site(tx, tx.tenant_id)
    asset = await factories.asset(tx, site, code="P-101")
    await factories.user(tx, tx.tenant_id, Role.ENGINEER)
    return await factories.incident(tx, asset, severity=severity)


async def ordered(tx: Tx, incident: IncidentRow, policy: WorkOrderPolicy | None = None) -> Ordered:
    return await create_from_incident(tx, incident, analysis(), PUMP, policy or WorkOrderPolicy())


@pytest.mark.clause("W2", "W3", "W4", "W6", "W7", "W8")
async def test_an_incident_makes_an_order(tx: Tx) -> None:
    incident = await plant(tx)
    order = (await ordered(tx, incident)).order
    assert (order.asset_id, order.tenant_id) == (incident.root_asset_id, incident.tenant_id)
    assert order.title == "Bearing Fault detected on Pump P-101"
    assert (order.priority, order.status, order.source) == ("emergency", "open", "BLACKBOX_AUTO")
    assert incident.auto_work_order_id == order.id


@pytest.mark.clause("W5")
async def test_the_description_holds_story_and_actions(tx: Tx) -> None:
    order = (await ordered(tx, await plant(tx))).order
    wanted = analysis()
    assert order.description is not None
    assert wanted.story in order.description
    for action in wanted.actions:
        assert f"{action.priority}. {action.action}" in order.description


@pytest.mark.clause("W7")
async def test_the_policy_may_ask_for_approval_first(tx: Tx) -> None:
    policy = WorkOrderPolicy(initial_status=WorkOrderStatus.PENDING_APPROVAL)
    assert (await ordered(tx, await plant(tx), policy)).order.status == "pending_approval"


@pytest.mark.clause("W1", "N2")
async def test_a_second_run_amends_the_one_order_and_tells_nobody_twice(tx: Tx) -> None:
    incident = await plant(tx)
    first = await ordered(tx, incident)
    second = await create_from_incident(
        tx, incident, analysis("Pump Cavitation", 0.8, provisional=False), PUMP, WorkOrderPolicy()
    )
    assert (first.created, second.created) == (True, False)
    assert second.order.id == first.order.id
    assert second.order.title == "Pump Cavitation detected on Pump P-101"
    assert len((await tx.session.execute(select(WorkOrderRow))).scalars().all()) == 1
    assert len((await tx.session.execute(select(NotificationRow))).scalars().all()) == 1


@pytest.mark.clause("N2", "N5", "V5")
async def test_the_assignee_and_the_watchers_are_told_once_each(tx: Tx) -> None:
    incident = await plant(tx)
    watcher = await factories.user(tx, tx.tenant_id, Role.TENANT_ADMIN)
    engineer_id = (
        await ordered(tx, incident, WorkOrderPolicy(watchers=(watcher.id, watcher.id)))
    ).order.assigned_to
    told = (await tx.session.execute(select(NotificationRow.user_id))).scalars().all()
    assert set(told) == {engineer_id, watcher.id}
    assert len(told) == 2
    notices = [message for message in tx.outgoing if message.topic == "notify"]
    assert {message.user_id for message in notices} == set(told)


@pytest.mark.clause("W9", "V4")
async def test_another_tenants_engineer_is_never_chosen(
    rolled_back: Database, new_tenant: Callable[[], Awaitable[int]]
) -> None:
    other, own = await new_tenant(), await new_tenant()
    async with rolled_back.platform("test") as everywhere:
        stranger = await factories.user(everywhere, other, Role.ENGINEER)
    async with rolled_back.transaction(own) as tx:
        incident = await plant(tx)
        order = (await ordered(tx, incident, WorkOrderPolicy(watchers=(stranger.id,)))).order
        told = (await tx.session.execute(select(NotificationRow.user_id))).scalars().all()
    assert order.assigned_to is not None
    assert stranger.id not in (order.assigned_to, *told)


async def test_a_watcher_who_may_not_see_orders_is_not_told(tx: Tx) -> None:
    incident = await plant(tx)
    viewer = await factories.user(tx, tx.tenant_id, Role.VIEWER)
    gone = await factories.user(tx, tx.tenant_id, Role.TENANT_ADMIN, is_active=False)
    await ordered(tx, incident, WorkOrderPolicy(watchers=(viewer.id, gone.id, 987_654)))
    told = (await tx.session.execute(select(NotificationRow.user_id))).scalars().all()
    assert not {viewer.id, gone.id, 987_654} & set(told)


@pytest.mark.clause("N4")
async def test_the_seam_for_email_and_sms_queues_a_delivery(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mail:
        async def send(self, *_: object) -> None: ...

    incident = await plant(tx)
    tenant = await tx.session.get_one(Tenant, tx.tenant_id)
    tenant.settings = {"channels": ["email", "pigeon"]}
    monkeypatch.setitem(delivery_channels.CHANNELS, "email", Mail())
    await ordered(tx, incident)
    queued = (await tx.session.execute(select(Delivery))).scalars().all()
    assert [(row.channel, row.status) for row in queued] == [("email", "pending")]


async def test_legal_moves_are_stamped_and_recorded(tx: Tx) -> None:
    order = (await ordered(tx, await plant(tx))).order
    await orders.move(tx, order, WorkOrderStatus.IN_PROGRESS, order.assigned_to)
    await orders.complete(tx, order, order.assigned_to or 0, Decimal("2.5"), "BEARING_FAULT", Decimal(4))
    assert order.started_at is not None
    assert order.completed_at is not None
    assert (order.status, order.actual_hours, order.downtime_hours) == (
        "completed",
        Decimal("2.5"),
        Decimal(4),
    )
    kinds = (await tx.session.execute(select(WorkOrderHistory.kind))).scalars().all()
    assert sorted(kinds) == ["created", "moved", "moved"]


async def test_illegal_moves_are_refused_in_words(tx: Tx) -> None:
    order = (await ordered(tx, await plant(tx))).order
    with pytest.raises(Invalid, match="open cannot become closed"):
        await orders.move(tx, order, WorkOrderStatus.CLOSED, None)


async def test_orders_go_only_to_users_of_the_tenant(tx: Tx) -> None:
    order = (await ordered(tx, await plant(tx))).order
    with pytest.raises(Invalid, match="not an active user"):
        await orders.assign(tx, order, 999_999, None)


async def test_an_unknown_order_is_not_found(tx: Tx) -> None:
    with pytest.raises(NotFound, match="no work order"):
        await orders.find(tx, 987_654)


async def test_orders_do_not_go_to_those_who_cannot_work_on_them(tx: Tx) -> None:
    order = (await ordered(tx, await plant(tx))).order
    viewer = await factories.user(tx, tx.tenant_id, Role.VIEWER)
    with pytest.raises(Invalid, match="does not work on orders"):
        await orders.assign(tx, order, viewer.id, None)


async def test_an_order_can_be_taken_from_whoever_has_it(tx: Tx) -> None:
    order = (await ordered(tx, await plant(tx))).order
    orders.unassign(tx, order, order.assigned_to or 0)
    assert (order.assigned_to, order.version) == (None, 2)


async def test_a_line_that_the_checklist_does_not_have_is_not_ticked(tx: Tx) -> None:
    order = (await ordered(tx, await plant(tx))).order
    lines = len(order.checklist or [])
    orders.tick(tx, order, 1, lines - 1, done=True)
    assert (order.checklist or [])[-1]["done"] is True
    with pytest.raises(Invalid, match=f"has {lines} lines"):
        orders.tick(tx, order, 1, lines, done=True)


async def test_a_locked_order_is_as_others_have_left_it(database: Database) -> None:
    async with database.platform("test") as tx:
        tenant = (await factories.tenant(tx)).id
    async with database.transaction(tenant) as tx:
        order_id = (
            await orders.create_manual(tx, tenant, 1, {"title": "Look at the seal", "code": "WO-1"})
        ).id
    async with database.transaction(tenant) as tx:
        seen = await orders.find(tx, order_id)
        async with database.transaction(tenant) as other:
            theirs = await orders.find(other, order_id, lock=True)
            await orders.move(other, theirs, WorkOrderStatus.IN_PROGRESS, None)
        assert seen.status == "open"
        locked = await orders.find(tx, order_id, lock=True)
        assert locked.status == "in_progress"
