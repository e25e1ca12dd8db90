"""The configuration is read from the engineer's role up, changed by administrators, and nobody else's."""

from collections.abc import Mapping
from typing import Final

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.base import TenantOwned
from optria.db.blackbox import EventRow, RcaRule
from optria.db.identity import AuditLog
from optria.db.plant import (
    CarbonFactor,
    ClockDrift,
    CostReference,
    DetectorSetting,
    DowntimeReference,
    IncidentWindow,
    MachineSpec,
    ThresholdRow,
)
from optria.web.shapes import Json
from tests.web.house import House
from tests.web.settings import ask, done, items

LISTS: Final = (
    "thresholds",
    "cost-references",
    "approval",
    "windows",
    "rules",
    "work-order-policy",
    "carbon-factors",
    "downtime-references",
    "machine-specs",
    "clock-drifts",
    "detectors",
)
NEW: Final[Mapping[str, tuple[str, type[TenantOwned], Json]]] = {
    "windows": ("PUT", IncidentWindow, {"before_minutes": 10, "after_minutes": 10}),
    "rules": (
        "POST",
        RcaRule,
        {
            "name": "Low flow",
            "root_cause_category": "Seal Leak",
            "pattern": {"all": [{"metric": "flow", "direction": "low"}]},
        },
    ),
    "carbon-factors": ("POST", CarbonFactor, {"energy_type": "steam", "factor_kg_per_kwh": 0.2}),
    "downtime-references": ("PUT", DowntimeReference, {"cause": "Seal Leak", "hours": 4}),
    "machine-specs": ("POST", MachineSpec, {"asset_type": "Pump", "spec": {}}),
    "clock-drifts": ("PUT", ClockDrift, {"source": "SCADA", "drift_s": 2}),
    "detectors": ("POST", DetectorSetting, {"detector": "ZScore"}),
    "thresholds": (
        "POST",
        ThresholdRow,
        {"metric": "flow", "direction": "low", "limit_value": 3, "severity": "MAJOR"},
    ),
    "cost-references": ("POST", CostReference, {"cost_per_hour": 100}),
}


@pytest.mark.parametrize("path", LISTS)
async def test_who_reads_it(house: House, path: str) -> None:
    for role in (Role.TENANT_ADMIN, Role.OPTIMIZATION_ENGINEER, Role.ENGINEER):
        assert (await ask(house, "GET", path, who=role)).status_code == 200
    assert (await ask(house, "GET", path, who=Role.VIEWER)).status_code == 403


@pytest.mark.parametrize("path", NEW)
async def test_who_changes_it(house: House, path: str) -> None:
    method, table, body = NEW[path]
    for role in (Role.OPTIMIZATION_ENGINEER, Role.ENGINEER, Role.VIEWER):
        assert (await ask(house, method, path, body, role)).status_code == 403
    async with house.database.transaction(house.own.tenant.id) as tx:
        before = len((await tx.session.scalars(select(table))).all())
    answer = await ask(house, method, path, body)
    assert answer.status_code == (201 if method == "POST" else 200)
    assert answer.json()["tenant_id"] == house.own.tenant.id
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert len((await tx.session.scalars(select(table))).all()) == before + 1


@pytest.mark.parametrize("path", NEW)
async def test_another_tenant_neither_sees_nor_reaches_it(house: House, path: str) -> None:
    method, _, body = NEW[path]
    row = await done(house, method, path, body)
    stranger = house.other.users[Role.TENANT_ADMIN]
    listed = (await ask(house, "GET", path, who=stranger)).json()["items"]
    assert [one for one in listed if one["id"] == row["id"]] == []
    before = await items(house, path)
    for verb, below in (
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("POST", "/approve"),
        ("POST", "/reject"),
        ("POST", "/retire"),
    ):
        sent: Json = {"reason": "Mine"} if below == "/reject" else {}
        answer = await ask(house, verb, f"{path}/{row['id']}{below}", sent or None, stranger)
        assert answer.status_code in (404, 405, 422), (verb, below)
    assert row["id"] in [one["id"] for one in before]
    assert await items(house, path) == before


@pytest.mark.parametrize("path", [path for path in NEW if path not in ("thresholds", "cost-references")])
async def test_every_change_is_audited_an_event_and_news(house: House, path: str) -> None:
    method, _, body = NEW[path]
    async with house.database.bus.subscribe() as told:
        row = await done(house, method, path, body)
        message = await told.get()
    assert (message.topic, message.entity_id) == ("configuration", str(row["id"]))
    async with house.database.transaction(house.own.tenant.id) as tx:
        (deed,) = (await tx.session.scalars(select(AuditLog))).all()
        (event,) = (await tx.session.scalars(select(EventRow))).all()
    assert (deed.entity_id, deed.user_id) == (row["id"], house.own.users[Role.TENANT_ADMIN].id)
    assert deed.new_values
    assert event.payload is not None
    assert event.payload["new"] == deed.new_values
    assert event.summary


async def test_only_an_administrator_says_who_approves(house: House) -> None:
    for role in (Role.OPTIMIZATION_ENGINEER, Role.ENGINEER, Role.VIEWER):
        assert (await ask(house, "PUT", "approval", {"four_eyes": False}, role)).status_code == 403
    assert (await ask(house, "PUT", "approval", {"four_eyes": None})).status_code == 422


async def test_a_platform_owner_says_whose_configuration_is_meant(house: House) -> None:
    body: Json = {"before_minutes": 10, "after_minutes": 10}
    for path in ("windows", "work-order-policy"):
        assert (await ask(house, "PUT", path, body, Role.PLATFORM_OWNER)).status_code == 422
    path = f"windows?tenant_id={house.other.tenant.id}"
    answer = await ask(house, "PUT", path, body, Role.PLATFORM_OWNER)
    assert answer.json()["tenant_id"] == house.other.tenant.id, answer.text
    assert (await ask(house, "GET", "windows")).json()["total"] == 0


HOSTILE: Final = ("\ud800", "\x00", "'; DROP TABLE thresholds; --", "<script>alert(1)</script>", "%s" * 40)


def hostile(value: object, text: str) -> object:
    """The same JSON with every text replaced."""
    if isinstance(value, dict):
        return {name: hostile(inner, text) for name, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner, text) for inner in value]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_text_breaks_it(house: House, text: str) -> None:
    taken = 0
    for path, (method, _, body) in NEW.items():
        for name, value in body.items():
            answer = await ask(house, method, path, body | {name: hostile(value, text)})
            assert answer.status_code in (200, 201, 409, 422), (path, name, answer.text)
            taken += answer.is_success
    assert taken > 5
    for path in LISTS:
        listed = await ask(house, "GET", path)
        assert listed.headers["content-type"] == "application/json"
