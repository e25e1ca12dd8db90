"""Who gets an order."""

from datetime import UTC, datetime, timedelta

import pytest

from optria.core.roles import Role
from optria.db.identity import User
from optria.db.session import Tx
from optria.db.work import OnCallShift
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
