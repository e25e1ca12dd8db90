"""An incident is priced with the cost of an hour that was in force when it happened."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from optria.blackbox import references
from optria.db.plant import CostReference
from optria.rca.impact import cost_reference
from tests import factories
from tests.blackbox.conftest import SmallPlant

BEGAN = datetime(2026, 5, 1, tzinfo=UTC)
RAISED = datetime(2026, 9, 1, tzinfo=UTC)


def cost(amount: int, approved_at: datetime | None, ended_at: datetime | None = None) -> CostReference:
    row = CostReference(cost_per_hour=Decimal(amount), approved_at=approved_at, ended_at=ended_at)
    row.is_active, row.source, row.asset_type = ended_at is None, f"plan {amount}", "Separator"
    return row


async def priced(small: SmallPlant, at: datetime, *rows: CostReference) -> list[tuple[int, bool]]:
    asset = small.plant.asset(small.tank)
    assert asset is not None
    async with small.database.transaction(small.tenant_id) as tx:
        for row in rows:
            row.tenant_id = small.tenant_id
            tx.session.add(row)
        await tx.session.flush()
        known = await references.load(tx, asset, at)
    return [(int(c.cost_per_hour), c.came_later) for c in known["cost_references"] if "plan" in c.source]


@pytest.mark.clause("A22", "I8")
async def test_the_cost_that_was_replaced_still_prices_what_happened_under_it(small: SmallPlant) -> None:
    rows = cost(5000, BEGAN, RAISED), cost(9000, RAISED)
    assert await priced(small, RAISED - timedelta(days=1), *rows) == [(5000, False), (9000, True)]
    assert await priced(small, RAISED + timedelta(days=1)) == [(9000, False)]


@pytest.mark.clause("A22", "I8")
async def test_a_cost_that_came_later_is_marked_and_a_retired_one_is_gone(small: SmallPlant) -> None:
    early = BEGAN - timedelta(days=1)
    assert await priced(small, early, cost(5000, BEGAN, RAISED), cost(9000, RAISED)) == [(9000, True)]
    assert await priced(small, RAISED) == [(9000, False)]


async def test_a_proposal_and_one_turned_down_never_count(small: SmallPlant) -> None:
    waiting, refused = cost(1, None), cost(2, None, RAISED)
    waiting.is_active, waiting.proposed_by = False, 1
    assert await priced(small, BEGAN, waiting, refused) == []


async def test_one_without_a_date_was_always_in_force(small: SmallPlant) -> None:
    assert await priced(small, BEGAN - timedelta(days=4000), cost(5000, None)) == [(5000, False)]


@pytest.mark.clause("I8", "O4")
async def test_it_is_told_who_approved_it(small: SmallPlant) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        user = await factories.user(tx, small.tenant_id, full_name="Layla Haddad")
        row = cost(5000, BEGAN)
        row.approved_by, row.asset_type, row.tenant_id = user.id, None, small.tenant_id
        row.asset_id = small.tank
        tx.session.add(row)
        await tx.session.flush()
        asset = small.plant.asset(small.tank)
        assert asset is not None
        known = await references.load(tx, asset, RAISED)
    found = cost_reference(known["cost_references"], asset)
    assert found is not None
    assert (found.id, found.approved_by, found.approved_at) == (row.id, "Layla Haddad", BEGAN)
