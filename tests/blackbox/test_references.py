"""The references of an analysis are those that were in force when the incident happened."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from optria.blackbox import references
from optria.blackbox.case_loader import load_case
from optria.blackbox.references import References
from optria.db.plant import AssetRow, CarbonFactor, CostModel
from optria.rca.impact import carbon_factor
from tests import factories
from tests.blackbox.conftest import SmallPlant

SPRING, AUTUMN = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)


def factor(kg: str, valid_from: date | None, **changes: bool) -> CarbonFactor:
    return CarbonFactor(energy_type="steam", factor_kg_per_kwh=Decimal(kg), valid_from=valid_from, **changes)


def model(cost: int, valid_from: datetime | None = None, valid_to: datetime | None = None) -> CostModel:
    return CostModel(
        name=f"model {cost}",
        default_downtime_cost_per_hour=Decimal(cost),
        cost_per_asset_family={"heat_exchanger": cost + 1},
        valid_from=valid_from,
        valid_to=valid_to,
    )


async def loaded(
    small: SmallPlant, at: datetime, rows: Sequence[CarbonFactor | CostModel] = ()
) -> References:
    asset = small.plant.asset(small.tank)
    assert asset is not None
    async with small.database.transaction(small.tenant_id) as tx:
        for row in rows:
            row.tenant_id = small.tenant_id
            tx.session.add(row)
        await tx.session.flush()
        return await references.load(tx, asset, at)


def steam(known: References) -> list[Decimal]:
    return [f.factor_kg_per_kwh for f in known["carbon_factors"] if f.energy_type == "steam"]


@pytest.mark.clause("A25", "I7")
async def test_a_carbon_factor_counts_from_the_day_it_came_into_force(small: SmallPlant) -> None:
    rows = [
        factor("0.30000", None),
        factor("0.20000", date(2026, 3, 1)),
        factor("0.10000", date(2026, 10, 2)),
        factor("0.90000", date(2026, 2, 1), is_active=False),
    ]
    known = await loaded(small, AUTUMN, rows)
    assert steam(known) == [Decimal("0.2"), Decimal("0.3")]
    assert steam(await loaded(small, SPRING)) == [Decimal("0.2"), Decimal("0.3")]
    assert steam(await loaded(small, SPRING.replace(year=2025))) == [Decimal("0.3")]
    later = await loaded(small, datetime(2026, 10, 2, tzinfo=UTC))
    assert steam(later) == [Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]


def models(known: References) -> list[tuple[int, str | None]]:
    return [(int(c.cost_per_hour), c.asset_type) for c in known["cost_references"] if "model" in c.source]


@pytest.mark.clause("A22", "I8")
async def test_a_cost_model_counts_only_while_it_is_valid(small: SmallPlant) -> None:
    rows = [
        model(500, SPRING, AUTUMN),
        model(700, AUTUMN.replace(hour=1)),
        model(100, None, SPRING.replace(year=2025)),
    ]
    assert models(await loaded(small, SPRING, rows)) == [(501, "Heat Exchanger"), (500, None)]
    assert models(await loaded(small, AUTUMN)) == [(501, "Heat Exchanger"), (500, None)]
    assert models(await loaded(small, AUTUMN.replace(hour=2)))[-1] == (700, None)
    assert models(await loaded(small, SPRING.replace(month=1))) == []
    assert models(await loaded(small, SPRING.replace(year=2024)))[-1] == (100, None)


@pytest.mark.clause("A25", "I7")
async def test_an_incident_is_weighed_with_the_factor_of_its_own_time(small: SmallPlant) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        for kg, begin in (("0.40000", date(2026, 1, 1)), ("0.10000", date(2026, 6, 1))):
            row = factor(kg, begin)
            row.energy_type, row.tenant_id = "electricity", small.tenant_id
            tx.session.add(row)
        tank = await tx.session.get_one(AssetRow, small.tank)
        incident = await factories.incident(tx, tank, start_time=SPRING, anchored_at=SPRING)
        case = await load_case(tx, incident, small.plant, small.sensors)
    used = carbon_factor(case)
    assert used is not None
    assert used.factor_kg_per_kwh == Decimal("0.4")
