"""A small plant in a database of its own: three pumps in a row, a tank apart, two engineers."""

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

import pytest

from optria.blackbox.recorder import Recorder
from optria.core.asset import PlantModel
from optria.core.roles import Role
from optria.db.blackbox import RcaRule
from optria.db.configuration import load_plant
from optria.db.plant import CarbonFactor, CostReference, DowntimeReference, MachineSpec
from optria.db.session import Database
from tests import factories
from tests.fakes.sensors import FakeSensors, FakeWatch

VIBRATION_RULE = {
    "name": "High vibration",
    "root_cause_category": "BEARING_FAULT",
    "confidence": Decimal("0.9"),
    "pattern": {"all": [{"metric": "vibration", "direction": "high"}]},
}


@dataclass(slots=True)
class SmallPlant:
    """``pumps`` are asset ids in the order of the flow; ``tank`` has no process link."""

    database: Database
    tenant_id: int
    plant: PlantModel
    pumps: list[int]
    tank: int
    engineers: list[int]
    sensors: FakeSensors = field(default_factory=FakeSensors)
    watch: FakeWatch = field(default_factory=FakeWatch)

    def recorder(self) -> Recorder:
        """A recorder as after a start: it knows only what is stored."""
        return Recorder(self.database, lambda _: self.plant, self.sensors, self.watch)


@pytest.fixture
async def small(database: Database) -> SmallPlant:
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
        other = await factories.tenant(tx)
        await factories.user(tx, other.id, Role.ENGINEER)
        engineers = [(await factories.user(tx, tenant_id, Role.ENGINEER)).id for _ in range(2)]
    async with database.transaction(tenant_id) as tx:
        site = await factories.site(tx, tenant_id)
        source = await factories.integration(tx, tenant_id)
        pumps = [await factories.asset(tx, site, code=f"P-10{n}", name=f"Pump {n}") for n in range(1, 5)]
        tank = await factories.asset(tx, site, code="T-9", asset_type="Tank")
        for upstream, downstream in pairwise(pumps):
            await factories.link(tx, upstream, downstream)
        for asset in [*pumps, tank]:
            await factories.mapping(tx, source, asset, internal_metric_name="vibration")
            await factories.mapping(tx, source, asset, internal_metric_name="power", unit="kW", normal_high=3)
        for row in (
            RcaRule(**VIBRATION_RULE),
            MachineSpec(spec={"checklist_page": 22, "typical_power_kw": 90}),
            CostReference(cost_per_hour=Decimal(8000), currency="SAR", asset_type="Pump"),
            DowntimeReference(cause="Bearing Fault", hours=Decimal(6)),
            CarbonFactor(energy_type="electricity", factor_kg_per_kwh=Decimal("0.56")),
        ):
            row.tenant_id = tenant_id
            tx.session.add(row)
    async with database.transaction(tenant_id) as tx:
        plant = await load_plant(tx, tenant_id)
    return SmallPlant(database, tenant_id, plant, [pump.id for pump in pumps], tank.id, engineers)
