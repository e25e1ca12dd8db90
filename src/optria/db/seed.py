"""The demonstration tenant: people, plant, references, rules and past incidents."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from optria.core.catalogue import PlantCatalogue, TagEntry
from optria.core.roles import Role
from optria.db import demo, identity, plant, rota, twin, work
from optria.db.seed_history import past_rows
from optria.db.session import Database, Tx
from optria.db.starting_rules import starting_rules
from optria.kit import clock

TENANT_CODE = "ARAMCO_DEMO"


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    username: str
    password: str
    role: Role
    name: str
    name_ar: str


PEOPLE = (
    Person("demo@aramco.com", "demo_admin", "Demo2024!", Role.TENANT_ADMIN, "Demo Admin", "مدير العرض"),
    Person("engineer@aramco.com", "engineer", "Engineer2024!", Role.ENGINEER, "Layla Haddad", "ليلى حداد"),
    Person("engineer2@aramco.com", "engineer2", "Engineer2024!", Role.ENGINEER, "Samir Aziz", "سمير عزيز"),
    Person(
        "optimizer@aramco.com",
        "optimizer",
        "Optimizer2024!",
        Role.OPTIMIZATION_ENGINEER,
        "Rania Khalil",
        "رانيا خليل",
    ),
    Person("viewer@aramco.com", "viewer", "Viewer2024!", Role.VIEWER, "Omar Nasser", "عمر ناصر"),
)
OWNER = Person(
    "admin@optria.io", "admin", "OptriA2024!", Role.PLATFORM_OWNER, "Platform Owner", "مالك المنصة"
)


@dataclass(frozen=True, slots=True)
class SourceAddresses:
    """Configurations of the three demo connections, in the words of their connectors."""

    opcua: Mapping[str, object]
    pi: Mapping[str, object]
    sql: Mapping[str, object]


async def seed_demo(
    database: Database,
    catalogue: PlantCatalogue,
    addresses: SourceAddresses,
    hash_password: Callable[[str], str],
) -> int:
    """Make the demo tenant where it is missing, and point its connections at ``addresses``; its id."""
    async with database.platform("demo data") as tx:
        statement = select(identity.Tenant.id).where(identity.Tenant.code == TENANT_CODE)
        tenant_id = (await tx.session.execute(statement)).scalar_one_or_none()
        if tenant_id is None:
            tenant_id = await _tenant(tx, hash_password)
    async with database.transaction(tenant_id) as tx:
        if (await tx.session.execute(select(plant.AssetRow.id).limit(1))).scalar_one_or_none() is None:
            await _Seeder(tx, tenant_id, catalogue).run(addresses)
        else:
            await _point_at(tx, addresses)
    return tenant_id


async def _tenant(tx: Tx, hash_password: Callable[[str], str]) -> int:
    tenant = identity.Tenant(
        code=TENANT_CODE,
        name="ARAMCO Demo Tenant",
        name_ar="مستأجر أرامكو التجريبي",
        industry="Oil & Gas",
        settings={},
    )
    tx.session.add(tenant)
    await tx.session.flush()
    owner = await tx.session.execute(select(identity.User.id).where(identity.User.email == OWNER.email))
    people = [(tenant.id, person) for person in PEOPLE]
    if owner.scalar_one_or_none() is None:
        people.append((None, OWNER))  # type: ignore[arg-type]
    for tenant_id, person in people:
        tx.session.add(_user(tenant_id, person, hash_password))
    return tenant.id


def _user(tenant_id: int | None, person: Person, hash_password: Callable[[str], str]) -> identity.User:
    return identity.User(
        tenant_id=tenant_id,
        email=person.email,
        username=person.username,
        password_hash=hash_password(person.password),
        role=person.role,
        full_name=person.name,
        full_name_ar=person.name_ar,
    )


INTEGRATIONS = {"opcua": "Demo OPC-UA", "pi": "Demo PI System", "sql": "Demo SQL historian"}


async def _point_at(tx: Tx, addresses: SourceAddresses) -> None:
    """The simulator's addresses change with every start."""
    rows = (await tx.session.execute(select(plant.Integration))).scalars().all()
    for row in rows:
        if INTEGRATIONS.get(row.integration_type) == row.name:
            row.config = {**row.config, **dict(getattr(addresses, row.integration_type))}


class _Seeder:
    """Fills an empty tenant in one transaction."""

    def __init__(self, tx: Tx, tenant_id: int, catalogue: PlantCatalogue) -> None:
        self.tx, self.tenant_id, self.catalogue = tx, tenant_id, catalogue
        self.sites: dict[str, int] = {}
        self.assets: dict[str, int] = {}
        self.users: dict[str, int] = {}

    async def run(self, addresses: SourceAddresses) -> None:
        await self._people()
        await self._plant()
        await self._sources(addresses)
        self._limits()
        self._references()
        self._rules()
        self._drawings()
        self._rota()
        self._add(work.WorkOrderPolicyRow(watchers=[self.users["demo_admin"]]))
        for row in past_rows(self.assets, self.users["engineer"]):
            self._add(row)
        for prefix in ("INC", "WO-BB"):
            self._add(work.Counter(name=f"{prefix}-{clock.now().year}", value=0))

    def _add(self, row: Any) -> None:
        row.tenant_id = self.tenant_id
        self.tx.session.add(row)

    async def _people(self) -> None:
        rows = await self.tx.session.execute(select(identity.User.username, identity.User.id))
        self.users = dict(rows.all())

    async def _plant(self) -> None:
        sites = {
            s.code: plant.SiteRow(
                code=s.code, name=s.name, name_ar=s.name_ar, location=s.location, site_type="plant"
            )
            for s in self.catalogue.sites
        }
        for site in sites.values():
            self._add(site)
        await self.tx.session.flush()
        self.sites = {code: row.id for code, row in sites.items()}
        await self._assets()
        for link in self.catalogue.links:
            self._add(
                plant.AssetLink(
                    source_asset_id=self.assets[link.source], target_asset_id=self.assets[link.target]
                )
            )

    async def _assets(self) -> None:
        rows = {
            a.code: plant.AssetRow(
                code=a.code,
                name=a.name,
                name_ar=a.name_ar,
                asset_type=a.asset_type,
                site_id=self.sites[a.site],
                criticality=a.criticality,
                extra_data={"typical_power_kw": a.typical_power_kw},
            )
            for a in self.catalogue.assets
        }
        for row in rows.values():
            self._add(row)
        await self.tx.session.flush()
        self.assets = {code: row.id for code, row in rows.items()}

    async def _sources(self, addresses: SourceAddresses) -> None:
        rows = {
            kind: plant.Integration(
                name=name,
                integration_type=kind,
                config=dict(getattr(addresses, kind)),
                status="active",
            )
            for kind, name in INTEGRATIONS.items()
        }
        for row in rows.values():
            self._add(row)
        await self.tx.session.flush()
        for tag in self.catalogue.tags:
            self._add(self._mapping(tag, rows[tag.source].id))

    def _mapping(self, tag: TagEntry, integration_id: int) -> plant.MappingRow:
        return plant.MappingRow(
            integration_id=integration_id,
            asset_id=self.assets[tag.asset],
            external_tag=tag.name,
            internal_metric_name=tag.metric,
            unit=tag.unit,
            range_low=tag.low,
            range_high=tag.high,
            normal_low=tag.normal_low,
            normal_high=tag.normal_high,
            decimals=tag.decimals,
            scan_s=tag.scan_s,
            description=tag.description,
        )

    def _limits(self) -> None:
        for tag in self.catalogue.tags:
            for direction, limit, severity in limits_of(tag):
                self._add(
                    plant.ThresholdRow(
                        asset_id=self.assets[tag.asset],
                        metric=tag.metric,
                        direction=direction,
                        limit_value=limit,
                        unit=tag.unit,
                        severity=severity,
                        approved_by=self.users["demo_admin"],
                        approved_at=clock.now(),
                    )
                )

    def _references(self) -> None:
        data = demo.read("references")
        for asset in self.catalogue.assets:
            spec = {**data["specs"][asset.asset_type], "typical_power_kw": asset.typical_power_kw}
            self._add(plant.MachineSpec(asset_id=self.assets[asset.code], spec=spec))
        for cause, hours in data["downtime_h"].items():
            self._add(
                plant.DowntimeReference(
                    cause=cause, hours=Decimal(str(hours)), source="OREDA-style planning values"
                )
            )
        self._costs(data)
        for energy_type, entry in data["carbon_kg_per_kwh"].items():
            self._add(
                plant.CarbonFactor(
                    energy_type=energy_type,
                    factor_kg_per_kwh=Decimal(str(entry["factor"])),
                    source=entry["source"],
                    valid_from=date.fromisoformat(entry["valid_from"]),
                )
            )

    def _costs(self, data: Mapping[str, Any]) -> None:
        costs = data["cost_per_hour_sar"]
        for code, cost in costs["assets"].items():
            if code not in self.assets:
                continue
            self._add(_cost(cost, f"{code}, client approved", asset_id=self.assets[code]))
        for asset_type, cost in costs["asset_types"].items():
            self._add(_cost(cost, f"{asset_type} class, client approved", asset_type=asset_type))
        self._add(_cost(costs["default"], "tenant default, client approved"))
        self._add(
            plant.CostModel(
                name="Demo cost model",
                default_downtime_cost_per_hour=Decimal(costs["default"]),
                risk_appetite="medium",
                cost_per_asset_family=data["cost_families"],
                criticality_thresholds={"critical": 90, "high": 70, "medium": 50, "low": 30},
                currency="SAR",
            )
        )

    def _rules(self) -> None:
        for rule in starting_rules(self.tenant_id):
            self._add(rule)

    def _drawings(self) -> None:
        for code, site_id in self.sites.items():
            name = f"drawing_{code.lower().replace('-', '_')}"
            if not demo.exists(name):
                continue
            drawing = demo.read(name)
            self._add(
                twin.TwinLayout(
                    site_id=site_id,
                    name=drawing.get("name", code),
                    config=drawing,
                    is_default=True,
                )
            )

    def _rota(self) -> None:
        """Two engineers by turns, 12 hours each, for a quarter."""
        today = clock.now().replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=1)
        for turn in range(180):
            start = today + timedelta(hours=12 * turn)
            user = self.users["engineer" if turn % 2 == 0 else "engineer2"]
            self._add(rota.OnCallShift(user_id=user, starts_at=start, ends_at=start + timedelta(hours=12)))


def _cost(cost: int, source: str, **scope: Any) -> plant.CostReference:
    return plant.CostReference(
        cost_per_hour=Decimal(cost), currency="SAR", source=source, approved_at=clock.now(), **scope
    )


HIGH_METRICS = {
    "temperature",
    "bearing_temperature",
    "winding_temperature",
    "discharge_temperature",
    "approach_temperature",
    "coolant_temperature",
    "pressure",
    "level",
    "current",
    "current_imbalance",
    "differential_pressure",
    "flow",
}
LOW_METRICS = {"flow", "level", "pressure", "suction_pressure", "seal_level", "flush_pressure"}
VIBRATION_ZONES = ((4.5, "MAJOR"), (7.1, "CRITICAL"))
"""Zone boundaries of ISO 20816-3 for medium machines, mm/s RMS."""


def limits_of(tag: TagEntry) -> Iterator[tuple[str, float, str]]:
    """Operating limits of a tag as (direction, limit, severity), from its normal and engineering range."""
    width = tag.normal_high - tag.normal_low
    if tag.metric == "vibration":
        yield from (("high", limit, severity) for limit, severity in VIBRATION_ZONES)
        return
    for share, severity in ((0.6, "MINOR"), (1.3, "MAJOR")):
        high, low = tag.normal_high + share * width, tag.normal_low - share * width
        if tag.metric in HIGH_METRICS and high < tag.high:
            yield "high", round(high, 4), severity
        if tag.metric in LOW_METRICS and low > tag.low:
            yield "low", round(low, 4), severity
