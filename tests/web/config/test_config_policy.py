"""The work-order policy over HTTP: from when on incidents get orders, how these begin, who is told."""

import pytest

from optria.core.event import Severity
from optria.core.roles import Role
from optria.core.work_order import WorkOrderPolicy, WorkOrderStatus
from optria.work.orders import load_policy
from tests.web.house import House
from tests.web.settings import change_events, deeds, done, refused

PATH = "work-order-policy"


async def policy(house: House) -> WorkOrderPolicy:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await load_policy(tx, house.own.tenant.id)


async def test_without_a_policy_the_default_is_shown(house: House) -> None:
    assert await done(house, "GET", PATH) == {
        "tenant_id": house.own.tenant.id,
        "min_severity": "MAJOR",
        "min_probability": 0.6,
        "initial_status": "open",
        "watchers": [],
        "verification_hours": 24.0,
        "rebaseline_when_closed": True,
        "longest_shelving_hours": 24.0,
    }


@pytest.mark.clause("W1", "W7")
async def test_the_policy_that_is_set_is_the_one_orders_are_made_by(house: House) -> None:
    admin = house.own.users[Role.TENANT_ADMIN].id
    await done(house, "PUT", PATH, {"min_severity": "MINOR", "watchers": [admin, admin]})
    shown = await done(house, "PUT", PATH, {"min_probability": 0.75, "initial_status": "pending_approval"})
    assert await policy(house) == WorkOrderPolicy(
        0.75, WorkOrderStatus.PENDING_APPROVAL, (admin,), Severity.MINOR
    )
    assert shown == await done(house, "GET", PATH)
    assert await deeds(house) == ["work_order_policy_changed"] * 2
    last = (await change_events(house))[-1]
    assert last.payload is not None
    assert (last.payload["old"]["initial_status"], last.payload["new"]["initial_status"]) == (
        "open",
        "pending_approval",
    )


async def test_a_watcher_is_one_who_may_see_orders(house: House) -> None:
    for unfit in (house.own.users[Role.VIEWER], house.other.users[Role.ENGINEER]):
        assert f"User {unfit.id}" in await refused(house, 422, "PUT", PATH, {"watchers": [unfit.id]})
    assert (await policy(house)).watchers == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_probability": 1.01},
        {"min_probability": -0.1},
        {"min_probability": None},
        {"min_severity": "GRAVE"},
        {"initial_status": "closed"},
        {"watchers": [0]},
        {"watchers": None},
        {"approval": True},
    ],
)
async def test_what_is_no_policy_is_refused(house: House, wrong: dict[str, object]) -> None:
    await refused(house, 422, "PUT", PATH, wrong)
