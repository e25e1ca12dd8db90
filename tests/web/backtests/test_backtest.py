"""Back-tests over stored history: what they find, and that they leave nothing behind."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from optria.core.roles import Role
from optria.db.session import Database
from tests import factories
from tests.backtest.stored_days import PERIOD_S, bump, quiet, store, yesterday
from tests.web.house import House, build

URL = "/api/config/backtests"
FAULT_H = 15.0


SEEN = "public.user_sessions"
"""Changes with every request: when somebody was last there."""


@pytest.fixture
async def plant(database: Database) -> House:
    """A house whose worker commits nothing and reads what was committed."""
    return await build(database)


@asynccontextmanager
async def working(house: House) -> AsyncGenerator[None]:
    """The worker runs, as the server has it."""
    worker = asyncio.ensure_future(house.app.state.back_tests.run())
    yield
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def a_day(house: House) -> datetime:
    """A stored day of the own pump: bearing trouble at 15:00 below the limit in force, judged by people.

    Another incident was confirmed at 04:00, when the signals are quiet, and one that nobody has judged.
    """
    start = yesterday()
    vibration, pressure = quiet(24, 2.2, 0.05, 1), quiet(24, 5.0, 0.02, 2)
    bump(vibration, FAULT_H, 40, 3.6)
    series = {house.own.vibration.id: vibration, house.own.pressure.id: pressure}
    await store(house.database, house.own.tenant.id, start, series)
    async with house.database.transaction(house.own.tenant.id) as tx:
        for hours, cause in ((FAULT_H, "Bearing Fault"), (4.0, "Seal Leak"), (8.0, None)):
            begun = start + timedelta(hours=hours, minutes=1)
            values = {"status": "CLOSED", "confirmed_cause": cause, "start_time": begun, "end_time": begun}
            await factories.incident(tx, house.own.asset, **values)
    return start


def period(start: datetime) -> dict[str, object]:
    return {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}


def limit(house: House, value: float, severity: str = "CRITICAL", **more: object) -> dict[str, object]:
    scope = {"asset_type": "Pump", "metric": "vibration", "direction": "high"}
    return {"thresholds": [{**scope, "limit_value": value, "severity": severity, **more}]}


async def finished(browser: httpx.AsyncClient, job: str) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while True:
            answer = (await browser.get(f"{URL}/{job}")).json()
            if answer["state"] not in ("waiting", "running"):
                return dict(answer)
            await asyncio.sleep(0.1)


async def contents(url: str) -> dict[str, tuple[int, int]]:
    """Of every table of the catalogue: how many rows, and a sum over what they hold."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class"
            " JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r'"
            " AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg_toast%'"
        )
        count = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {} t"
        return {name: tuple(await connection.fetchrow(count.format(name))) for (name,) in names}
    finally:
        await connection.close()


BEARING = {
    "name": "Vibration alone",
    "root_cause_category": "Bearing Fault",
    "confidence": 0.9,
    "pattern": {"asset_types": ["Pump"], "all": [{"metric": "vibration", "direction": "high"}]},
}


async def limit_id(house: House) -> int:
    async with house.client(Role.TENANT_ADMIN) as admin:
        return int((await admin.get("/api/config/thresholds")).json()["items"][0]["id"])


async def run(house: House, browser: httpx.AsyncClient, body: Mapping[str, object]) -> dict[str, Any]:
    """Start a back-test and wait for its end."""
    async with working(house):
        answer = await browser.post(URL, json=body)
        assert answer.status_code == 202, answer.text
        done = await finished(browser, answer.json()["id"])
    assert done["state"] == "done", done
    result: dict[str, Any] = done["result"]
    return result


@pytest.mark.clause("A12", "W1")
async def test_a_rule_over_a_stored_day_says_what_it_would_have_made_and_leaves_nothing(
    plant: House, fresh_database: str
) -> None:
    start = await a_day(plant)
    async with plant.database.bus.subscribe() as bus, plant.client(Role.OPTIMIZATION_ENGINEER) as browser:
        await browser.get(URL)
        before = await contents(fresh_database)
        body = {**period(start), "draft": {"rules": [BEARING]}}
        result = await run(plant, browser, body)
        after = await contents(fresh_database)
        assert len(before) > 40
        assert {name: rows[0] for name, rows in after.items()} == {n: rows[0] for n, rows in before.items()}
        assert {name for name, rows in after.items() if rows != before[name]} <= {SEEN}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await bus.get()
    now, draft = result["now"], result["draft"]
    (unexplained,) = [one for one in now["incidents"] if one["verdict"] == "hit"]
    (hit,) = [one for one in draft["incidents"] if one["verdict"] == "hit"]
    assert (unexplained["cause"], hit["cause"]) == ("Other", "Bearing Fault")
    assert (hit["by"], hit["is_cause_right"]) == ("detectors", True)
    assert hit["order_at"] is not None
    assert hit["delay_s"] < 600
    assert (now["summary"]["causes_right"], draft["summary"]["causes_right"]) == (0, 1)
    assert (draft["summary"]["hits"], draft["summary"]["misses"]) == (1, 1)
    assert {label["cause"]: label["met_draft"] for label in result["labels"]} == {
        "Bearing Fault": True,
        "Seal Leak": False,
    }
    assert result["samples"] == 2 * 86_400 // PERIOD_S


async def test_a_lower_limit_would_have_alarmed_and_made_a_graver_incident(plant: House) -> None:
    start, in_force = await a_day(plant), await limit_id(plant)
    body = {
        "start": (start + timedelta(hours=14)).isoformat(),
        "end": (start + timedelta(hours=17)).isoformat(),
        "asset_ids": [plant.own.asset.id],
        "draft": limit(plant, 5.0, replaces_id=in_force),
    }
    async with plant.client(Role.TENANT_ADMIN) as browser:
        result = await run(plant, browser, body)
    now, draft = result["now"], result["draft"]
    assert (now["summary"]["alarms"], draft["summary"]["alarms"]) == (0, 1)
    assert [one["severity"] for one in draft["incidents"]].count("CRITICAL") == 1
    assert "CRITICAL" not in [one["severity"] for one in now["incidents"]]


async def test_a_period_without_history_says_so(plant: House) -> None:
    async with plant.client(Role.TENANT_ADMIN) as browser, working(plant):
        answer = await browser.post(URL, json=period(yesterday()))
        done = await finished(browser, answer.json()["id"])
    assert done["state"] == "failed"
    assert "No history is stored" in str(done["problem"])


async def test_one_at_a_time_and_cancelled_on_request(house: House) -> None:
    body = period(yesterday())
    async with house.client(Role.TENANT_ADMIN) as browser:
        first = (await browser.post(URL, json=body)).json()
        assert first["state"] == "waiting"
        assert (await browser.post(URL, json=body)).status_code == 409
        assert (await browser.delete(f"{URL}/{first['id']}")).status_code == 204
        assert (await browser.get(f"{URL}/{first['id']}")).json()["state"] == "cancelled"
        assert (await browser.delete(f"{URL}/{first['id']}")).status_code == 204
        assert (await browser.get(f"{URL}/{first['id']}")).status_code == 404


async def test_another_tenants_back_test_is_not_there(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        job = (await browser.post(URL, json=period(yesterday()))).json()["id"]
    async with house.client(house.other.users[Role.TENANT_ADMIN]) as stranger:
        assert (await stranger.get(f"{URL}/{job}")).status_code == 404
        assert (await stranger.delete(f"{URL}/{job}")).status_code == 404
        assert (await stranger.get(URL)).json() == {"items": [], "total": 0}


@pytest.mark.clause("G6")
@pytest.mark.parametrize("role", [Role.ENGINEER, Role.VIEWER])
async def test_who_may_not_run_analyses_may_not_run_these(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        assert (await browser.post(URL, json=period(yesterday()))).status_code == 403


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"end": "2020-01-01T00:00:00Z"}, 422),
        ({"start": "2026-01-01T00:00:00Z"}, 422),
        ({"end": "2199-01-01T00:00:00Z"}, 422),
        ({"asset_ids": [2_000_000_000]}, 404),
        ({"draft": {"rules": [BEARING | {"root_cause_category": "Other"}]}}, 422),
        ({"draft": {"rules": [BEARING | {"replaces_id": 2_000_000_000}]}}, 404),
        ({"draft": {"without_rules": [2_000_000_000]}}, 404),
        ({"draft": {"detectors": [{"detector": "LocalOutlierFactor"}]}}, 422),
        ({"draft": {"detectors": [{"detector": "ZScore"}, {"detector": "ZScore"}]}}, 409),
        ({"draft": {"policy": {"min_probability": 2}}}, 422),
        ({"draft": {"sensitivity": 2}}, 422),
    ],
)
async def test_a_draft_is_checked_as_what_it_drafts(
    house: House, change: dict[str, object], status: int
) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(URL, json=period(yesterday()) | change)
    assert answer.status_code == status, answer.text
