"""The answers have at least the keys of version 1, with values of the same kinds, from real requests."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from optria.core.roles import Role
from optria.db.base import Base
from optria.db.blackbox import IncidentRow
from optria.db.identity import User
from optria.db.plant import CarbonFactor, CostModel, Integration, MachineSpec
from optria.db.session import Database
from optria.db.work import WorkOrderRow
from tests import factories
from tests.web.black_box import detected, install, priced, vibrate
from tests.web.house import House, build, fits

SHAPES: Final[dict[str, object]] = json.loads((Path(__file__).parent / "v1_shapes.json").read_text("utf-8"))
OUT_OF_SCOPE: Final = ("GET /api/integrations/onboarding/progress",)
"""The onboarding wizard."""
IN_SCOPE: Final = tuple(route for route in SHAPES if route not in OUT_OF_SCOPE)

OWN_NAMES: Final = {
    "root_cause_scores": "a cause",
    "severity_distribution": "a severity",
    "cost_per_asset_family": "a family",
    "criticality_thresholds": "a criticality",
    "production_value_per_site": "a site",
}
"""Objects whose keys are data: what is compared is the kind of their values."""
QUANTITIES: Final = (
    "financial_impact_estimate",
    "carbon_impact_estimate",
    "financial_impact",
    "carbon_impact",
)
"""Measured amounts: version 1 answered 8 or 8.0 for the same, so a whole number is a number here."""
OF_SOME_FIELDS: Final = ("default", "placeholder")
"""What the description of a setting has where there is something to say."""
FREE: Final = ("config",)
"""Objects that are stored as they were sent."""
TOLD_TWICE: Final = (
    "matched_rules",
    "contributing_factors",
    "timeline_summary",
    "statistics",
)
"""Of an incident's ``rca_summary`` version 1 stored the short form or, after ``/rca``, that of its answer,
as its example of a change shows. Ours stays the short one; the answer to ``/rca`` has the long one."""
CHANGED: Final = "PUT /api/blackbox/incidents/{incident_id}"


@dataclass(frozen=True)
class World:
    """A house in which everything has happened that an answer can tell of."""

    house: House
    incident: IncidentRow
    order: WorkOrderRow
    source: Integration
    demo: Integration
    assignee: User


@pytest.fixture
async def world(rolled_back: Database, tmp_path: Path) -> World:
    house = await build(rolled_back, home=tmp_path)
    own = house.own
    await priced(house)
    vibrate(house)
    recorder = install(house)
    async with house.database.transaction(own.tenant.id) as tx:
        await factories.score(tx, own.asset)
        await factories.event(tx, own.asset)
        await factories.layout(tx, own.site)
        tx.session.add_all(_references(own.tenant.id))
        url = f"sqlite:///{_sql_source(tmp_path)}"
        source = await factories.integration(
            tx, own.tenant.id, integration_type="sql", config={"endpoint_url": url}
        )
        demo = await factories.integration(tx, own.tenant.id, integration_type="demo", config={})
    incident = await detected(house, recorder)
    async with house.database.transaction(own.tenant.id) as tx:
        order = await tx.session.get(WorkOrderRow, incident.auto_work_order_id)
        assert order is not None
        assignee = await tx.session.get(User, order.assigned_to)
        assert assignee is not None
    return World(house, incident, order, source, demo, assignee)


def _sql_source(folder: Path) -> Path:
    path = folder / "plant.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE plant_readings (tag TEXT, value REAL, quality INT, source_time TEXT)")
        database.execute("INSERT INTO plant_readings VALUES ('P-1.TT', 41.5, 0, '2026-07-01 13:00:00')")
    database.close()
    return path


def _references(tenant_id: int) -> list[Base]:
    """What an analysis prices an incident by."""
    model = CostModel(
        tenant_id=tenant_id,
        name="Budget",
        default_downtime_cost_per_hour=25000,
        cost_per_asset_family={"pump": 8000},
        criticality_thresholds={"high": 70},
    )
    factor = CarbonFactor(tenant_id=tenant_id, energy_type="electricity", factor_kg_per_kwh=Decimal("0.57"))
    spec = {"typical_power_kw": 90, "energy_type": "electricity", "document": "Manual", "checklist_page": 22}
    return [model, factor, MachineSpec(tenant_id=tenant_id, asset_type="Pump", spec=spec)]


def _address(world: World, route: str) -> tuple[str, str]:
    """The method and the path of a route, with the ids of the world for those of version 1's examples."""
    method, path = route.split(" ")
    own = world.house.own
    ids = {
        "/api/tenants/1": own.tenant.id,
        "/assets/1": own.asset.id,
        "/{incident_id}": world.incident.id,
        "/work-orders/1": world.order.id,
        "/integrations/1": world.source.id,
        "/integrations/3": world.demo.id,
    }
    for example, ours in ids.items():
        head, found, tail = path.partition(example)
        if found:
            return method, f"{head}{example.rpartition('/')[0]}/{ours}{tail}"
    return method, path


def _body(world: World, route: str) -> object:
    """What version 1's examples were asked with: the fields that it needs."""
    own = world.house.own
    asset, began = own.asset.id, "2026-11-22T10:00:00Z"
    sources = {"source_system": "SCADA", "source_type": "ALARM", "event_category": "ALERT"}
    bodies: Mapping[str, object] = {
        "POST /api/auth/login": {"email": own.users[Role.ENGINEER].email, "password": factories.PASSWORD},
        "POST /api/blackbox/events": {**sources, "event_time": began, "asset_id": asset},
        "POST /api/blackbox/incidents": {"title": "Smoke", "start_time": began, "root_asset_id": asset},
        "PUT /api/blackbox/incidents/{incident_id}": {"status": "INVESTIGATING"},
        "POST /api/work-orders/": {"code": "WO-1", "title": "Look at the pump"},
        "PUT /api/work-orders/1": {"notes": "Seen"},
        "POST /api/notifications": {
            "user_id": own.users[Role.ENGINEER].id,
            "notification_type": "SYSTEM_MESSAGE",
            "title": "Hello",
        },
        "POST /api/integrations/mappings": {
            "integration_id": own.integration.id,
            "asset_id": asset,
            "external_tag": "P-1.TT-1",
            "internal_metric_name": "temperature",
        },
        "POST /api/twins/layouts": {"name": "Train"},
    }
    return bodies.get(route)


def _who(world: World, route: str) -> Role | User | None:
    """Who asks: the administrator, but for what only others have."""
    if route == "POST /api/auth/login" or route.startswith("GET /health"):
        return None
    if route == "GET /api/tenants/":
        return Role.PLATFORM_OWNER
    return world.assignee if route.startswith("GET /api/notifications") else Role.TENANT_ADMIN


async def _answer(world: World, route: str) -> httpx.Response:
    method, path = _address(world, route)
    async with world.house.client(_who(world, route)) as browser:
        return await browser.request(method, path, json=_body(world, route))


def _comparable(shape: Any, answer: Any, route: str) -> Any:
    """The shape with the names in the answer where names are data."""
    if isinstance(shape, list):
        first = answer[0] if isinstance(answer, list) and answer else None
        return [_comparable(each, first, route) for each in shape]
    if not isinstance(shape, Mapping):
        return shape
    given = answer if isinstance(answer, Mapping) else {}
    left_out = (*OF_SOME_FIELDS, *TOLD_TWICE) if route == CHANGED else OF_SOME_FIELDS
    kept = {key: each for key, each in shape.items() if key not in left_out}
    return {key: _named(key, each, given.get(key), route) for key, each in kept.items()}


def _named(key: str, shape: Any, answer: Any, route: str) -> Any:
    if key in FREE:
        return {}
    if key in OWN_NAMES and isinstance(shape, Mapping) and isinstance(answer, Mapping):
        return {name: kind for kind in list(shape.values())[:1] for name in answer}
    if key in QUANTITIES and isinstance(shape, Mapping):
        return {name: "float" if kind == "int" else kind for name, kind in shape.items()}
    return _comparable(shape, answer, route)


@pytest.mark.clause("G7", "G10")
async def test_every_answer_fits_version_1(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order in which version 1 was asked: an order is started before it is completed."""
    faults: dict[str, object] = {}
    for route in IN_SCOPE:
        answer = await _answer(world, route)
        if answer.status_code != 200:
            faults[route] = (answer.status_code, answer.text[:300])
            continue
        found = fits(_comparable(SHAPES[route], answer.json(), route), answer.json())
        if found:
            faults[route] = found
    with capsys.disabled():
        print(
            f"\n{len(IN_SCOPE) - len(faults)} of {len(IN_SCOPE)} answers fit version 1",
            *(f"{route}: {fault}" for route, fault in faults.items()),
            sep="\n",
        )
    assert faults == {}
    assert (len(SHAPES), len(IN_SCOPE)) == (61, 60)


def test_a_missing_key_and_a_wrong_kind_are_found() -> None:
    shape = {"id": "int", "assets": [{"name": "str"}]}
    assert fits(shape, {"id": "1", "assets": [{}]}) == [".id is str, not int", ".assets[].name is missing"]


def test_values_under_names_of_their_own_are_compared_too() -> None:
    shape = {"root_cause_scores": {"BEARING_FAULT": "float"}}
    for scores, faults in (
        ({"Other": 1.0}, []),
        ({"Other": "1"}, [".root_cause_scores.Other is str, not float"]),
    ):
        answer = {"root_cause_scores": scores}
        assert fits(_comparable(shape, answer, "GET /"), answer) == faults
