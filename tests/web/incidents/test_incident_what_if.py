"""What if, over the API: another distribution beside the present one, and no trace of it."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from optria.core.event import Severity
from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.db.plant import ThresholdRow
from tests.web.black_box import detected, install, priced, ruled, vibrate
from tests.web.house import House

TABLES = ("incident_analyses", "blackbox_events", "blackbox_incidents", "work_orders", "notifications")


@pytest.fixture
async def incident(house: House) -> IncidentRow:
    await priced(house)
    await ruled(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        limit = ThresholdRow(tenant_id=house.own.tenant.id, asset_id=house.own.asset.id, metric="vibration")
        limit.direction, limit.limit_value, limit.severity = "high", 7.1, Severity.MAJOR.name
        tx.session.add(limit)
    vibrate(house)
    return await detected(house, install(house))


@pytest.fixture
async def engineer(house: House, incident: IncidentRow) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        yield browser


def path(incident: IncidentRow) -> str:
    return f"/api/blackbox/incidents/{incident.id}/what-if"


async def knobs(browser: httpx.AsyncClient, incident: IncidentRow) -> Any:
    return (await browser.get(path(incident))).json()


async def test_the_knobs_are_what_plays_a_part(engineer: httpx.AsyncClient, incident: IncidentRow) -> None:
    told = await knobs(engineer, incident)
    assert told["temperature"]["value"] > 0
    assert told["tags"]
    assert told["rules"]
    for knob in (*told["rules"], *told["limits"]):
        assert knob["low"] <= knob["value"] <= knob["high"]
        assert knob["step"] > 0


async def test_the_page_of_a_platform_owner_asks_in_the_tenant_of_the_incident(
    house: House, incident: IncidentRow
) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        page = (await browser.get(f"/blackbox/incidents/{incident.id}")).text
        (address,) = re.findall(r'data-what-if="([^"]+)"', page)
        answer = await browser.post(address, json={"temperature": 0.5})
    assert answer.status_code == 200, answer.text


async def test_without_a_change_it_is_the_analysis_as_it_is(
    engineer: httpx.AsyncClient, incident: IncidentRow
) -> None:
    told = (await engineer.post(path(incident), json={})).json()
    assert told["before"] == told["after"]
    assert told["evidence"] == []
    assert sum(cause["after"] for cause in told["causes"]) == pytest.approx(1.0)


async def test_a_rule_left_out_moves_the_distribution(
    engineer: httpx.AsyncClient, incident: IncidentRow
) -> None:
    rules = [
        {"rule_id": rule["rule_id"], "confidence": 0} for rule in (await knobs(engineer, incident))["rules"]
    ]
    told = (await engineer.post(path(incident), json={"rules": rules})).json()
    assert told["before"]["root_cause_scores"] != told["after"]["root_cause_scores"]
    assert told["evidence"]
    assert all(row["after"] == pytest.approx(row["before"] + row["change"]) for row in told["evidence"])
    assert told["cost_change"] == pytest.approx(
        told["after"]["total_estimated_cost"] - told["before"]["total_estimated_cost"]
    )
    assert told["took_ms"] > 0


async def test_nothing_comes_of_it(house: House, engineer: httpx.AsyncClient, incident: IncidentRow) -> None:
    before = await counted(house), (await engineer.get(f"/api/blackbox/incidents/{incident.id}")).json()
    body = {"anchor_shift_s": 60, "temperature": 0.3, "without_tags": [house.own.vibration.id]}
    assert (await engineer.post(path(incident), json=body)).status_code == 200
    after = await counted(house), (await engineer.get(f"/api/blackbox/incidents/{incident.id}")).json()
    assert before == after


async def counted(house: House) -> dict[str, int]:
    async with house.database.platform("count") as tx:
        return {
            table: (await tx.session.execute(text(f"select count(*) from {table}"))).scalar_one()
            for table in TABLES
        }


@pytest.mark.parametrize(
    "body",
    [
        {"rules": [{"rule_id": 99999, "confidence": 0.5}]},
        {"without_tags": [99999]},
        {"without_incidents": ["BB-9999"]},
        {"limits": [{"metric": "flow", "direction": "high", "limit": 1}]},
        {"temperature": 0},
        {"anchor_shift_s": 1e9},
        {"unknown": 1},
    ],
)
async def test_what_makes_no_sense_is_refused(
    engineer: httpx.AsyncClient, incident: IncidentRow, body: dict[str, object]
) -> None:
    assert (await engineer.post(path(incident), json=body)).status_code == 422


async def test_it_is_for_those_who_may_read_the_analysis(house: House, incident: IncidentRow) -> None:
    for role, status in ((Role.VIEWER, 403), (Role.TENANT_ADMIN, 200)):
        async with house.client(role) as browser:
            assert (await browser.post(path(incident), json={})).status_code == status
            assert (await browser.get(path(incident))).status_code == status
    async with house.client(Role.TENANT_ADMIN) as browser:
        strange = f"/api/blackbox/incidents/{uuid4()}/what-if"
        assert (await browser.post(strange, json={})).status_code == 404
