"""Who gets an order."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from optria.core.roles import Role
from optria.db.identity import User
from optria.db.rota import OnCallMember, OnCallRotation, OnCallShift
from optria.db.session import Tx
from optria.work import assignment
from tests import factories

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


async def shift(tx: Tx, user: User, start: datetime, hours: float, site_id: int | None = None) -> None:
    tx.session.add(
        OnCallShift(
            tenant_id=tx.tenant_id,
            user_id=user.id,
            site_id=site_id,
            starts_at=start,
            ends_at=start + timedelta(hours=hours),
        )
    )
    await tx.session.flush()


async def rotation(tx: Tx, *users: User, site_id: int | None = None, **values: Any) -> None:
    """A weekly rotation that began six hours before NOW."""
    defaults: dict[str, Any] = {
        "name": "Mechanics",
        "time_zone": "Asia/Riyadh",
        "starts_on": date(2026, 11, 22),
        "handover_at": time(6),
        "shift_days": 7,
    }
    row = OnCallRotation(tenant_id=tx.tenant_id, site_id=site_id, **defaults | values)
    tx.session.add(row)
    await tx.session.flush()
    tx.session.add_all(
        OnCallMember(tenant_id=tx.tenant_id, rotation_id=row.id, position=position, user_id=user.id)
        for position, user in enumerate(users)
    )
    await tx.session.flush()


async def picked(tx: Tx, site_id: int | None = None) -> int | None:
    assert tx.tenant_id is not None
    user = await assignment.pick(tx, tx.tenant_id, site_id, NOW)
    return user.id if user else None


@pytest.mark.clause("W9", "W11")
async def test_the_first_engineer_is_taken_when_nobody_is_on_call(tx: Tx) -> None:
    await factories.user(tx, tx.tenant_id, Role.TENANT_ADMIN)
    await factories.user(tx, tx.tenant_id, Role.VIEWER)
    first = await factories.user(tx, tx.tenant_id, Role.ENGINEER)
    await factories.user(tx, tx.tenant_id, Role.ENGINEER)
    assert await picked(tx) == first.id


@pytest.mark.clause("W9")
async def test_an_optimization_engineer_will_do(tx: Tx) -> None:
    optimizer = await factories.user(tx, tx.tenant_id, Role.OPTIMIZATION_ENGINEER)
    assert await picked(tx) == optimizer.id


@pytest.mark.clause("W11")
async def test_whoever_is_on_call_goes_first(tx: Tx) -> None:
    await factories.user(tx, tx.tenant_id)
    on_call = await factories.user(tx, tx.tenant_id)
    await shift(tx, on_call, NOW - timedelta(hours=1), 12)
    assert await picked(tx) == on_call.id


@pytest.mark.clause("W11")
async def test_a_shift_ends_when_it_ends(tx: Tx) -> None:
    first = await factories.user(tx, tx.tenant_id)
    tired = await factories.user(tx, tx.tenant_id)
    await shift(tx, tired, NOW - timedelta(hours=12), 12)
    assert await picked(tx) == first.id


@pytest.mark.clause("W11")
async def test_the_shift_of_the_site_goes_before_the_shift_of_all(tx: Tx) -> None:
    assert tx.tenant_id is not None
    site = await factories.site(tx, tx.tenant_id)
    everywhere = await factories.user(tx, tx.tenant_id)
    there = await factories.user(tx, tx.tenant_id)
    await shift(tx, everywhere, NOW - timedelta(hours=1), 12)
    await shift(tx, there, NOW - timedelta(hours=2), 12, site.id)
    assert await picked(tx, site.id) == there.id
    assert await picked(tx) == everywhere.id


@pytest.mark.clause("W10")
async def test_a_tenant_admin_takes_it_where_there_is_no_engineer(tx: Tx) -> None:
    admin = await factories.user(tx, tx.tenant_id, Role.TENANT_ADMIN)
    assert await picked(tx) == admin.id


@pytest.mark.clause("W10")
async def test_nobody_is_assigned_where_nobody_can_do_it(tx: Tx) -> None:
    await factories.user(tx, tx.tenant_id, Role.VIEWER)
    assert await picked(tx) is None


@pytest.mark.clause("W9")
async def test_inactive_users_are_skipped_even_on_call(tx: Tx) -> None:
    gone = await factories.user(tx, tx.tenant_id, is_active=False)
    here = await factories.user(tx, tx.tenant_id)
    await shift(tx, gone, NOW - timedelta(hours=1), 12)
    assert await picked(tx) == here.id


@pytest.mark.clause("W9", "W11")
async def test_a_shift_of_someone_who_is_no_engineer_any_more_does_not_count(tx: Tx) -> None:
    promoted = await factories.user(tx, tx.tenant_id, Role.TENANT_ADMIN)
    here = await factories.user(tx, tx.tenant_id)
    await shift(tx, promoted, NOW - timedelta(hours=1), 12)
    assert await picked(tx) == here.id


@pytest.mark.clause("W11")
async def test_the_rotation_says_who_is_on_call(tx: Tx) -> None:
    await factories.user(tx, tx.tenant_id)
    second, third = [await factories.user(tx, tx.tenant_id) for _ in range(2)]
    await rotation(tx, second, third)
    assert await picked(tx) == second.id


@pytest.mark.clause("W11")
async def test_a_rotation_hands_over_by_its_own_clock(tx: Tx) -> None:
    """NOW is 09:00 UTC: the handover at 04:00 of New York is just due, the one at 04:01 is not."""
    first, second = [await factories.user(tx, tx.tenant_id) for _ in range(2)]
    site = await factories.site(tx, tx.tenant_id or 0)
    daily: dict[str, Any] = {
        "time_zone": "America/New_York",
        "starts_on": date(2026, 11, 21),
        "shift_days": 1,
    }
    await rotation(tx, first, second, **daily, handover_at=time(4))
    await rotation(tx, first, second, site_id=site.id, **daily, handover_at=time(4, 1))
    assert (await picked(tx), await picked(tx, site.id)) == (second.id, first.id)


@pytest.mark.clause("W11")
async def test_what_goes_before_what(tx: Tx) -> None:
    """Shift of the site, shift of all, rotation of the site, rotation of all, first engineer."""
    assert tx.tenant_id is not None
    site = await factories.site(tx, tx.tenant_id)
    people = [await factories.user(tx, tx.tenant_id) for _ in range(5)]
    assert await picked(tx, site.id) == people[0].id
    await rotation(tx, people[1])
    assert await picked(tx, site.id) == people[1].id
    await rotation(tx, people[2], site_id=site.id)
    assert await picked(tx, site.id) == people[2].id
    await shift(tx, people[3], NOW - timedelta(hours=1), 2)
    assert await picked(tx, site.id) == people[3].id
    await shift(tx, people[4], NOW - timedelta(hours=1), 2, site.id)
    assert await picked(tx, site.id) == people[4].id


@pytest.mark.clause("W9", "W11")
async def test_the_next_in_turn_stands_in_for_one_who_is_not_active(tx: Tx) -> None:
    await factories.user(tx, tx.tenant_id)
    gone = await factories.user(tx, tx.tenant_id, is_active=False)
    stand_in = await factories.user(tx, tx.tenant_id, Role.OPTIMIZATION_ENGINEER)
    await rotation(tx, gone, stand_in)
    assert await picked(tx) == stand_in.id


@pytest.mark.parametrize("values", [{"is_active": False}, {"starts_on": date(2026, 11, 23)}])
async def test_a_rotation_that_is_paused_or_not_begun_says_nothing(tx: Tx, values: dict[str, Any]) -> None:
    first, second = [await factories.user(tx, tx.tenant_id) for _ in range(2)]
    await rotation(tx, second, **values)
    assert await picked(tx) == first.id
