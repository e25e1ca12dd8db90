"""The twin over HTTP: condition, incidents, live values, series."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from optria.core.roles import Role
from optria.core.tag import Quality, Sample, SampleBatch
from optria.db.partitions import ensure_partitions
from optria.db.session import Database
from optria.kit import clock
from optria.streams import history
from tests import factories
from tests.web.house import House, build


async def _summary(house: House, role: Role = Role.TENANT_ADMIN) -> Any:
    async with house.client(role) as browser:
        answer = await browser.get("/api/twins/summary")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.clause("D1")
async def test_health_and_risk_follow_the_detector(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.score(tx, house.own.asset, health_score=95, failure_probability=0.02)
    before = (await _summary(house))["assets"][0]
    house.own.stream.anchoring.known[house.own.asset.id] = (3.0, 0.9)
    after = (await _summary(house))["assets"][0]
    assert (before["health"], before["failure_probability"], before["status"]) == (95.0, 0.02, "normal")
    assert (after["health"], after["failure_probability"], after["status"]) == (25.0, 0.9, "critical")
    assert after["risk_index"] == 67.5


async def test_an_asset_nobody_scored_is_unknown(house: House) -> None:
    found = (await _summary(house))["assets"][0]
    assert (found["health"], found["status"]) == (None, "unknown")


@pytest.mark.clause("D2")
async def test_the_worst_active_incident_is_named(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset, severity="MINOR")
        worst = await factories.incident(tx, house.own.asset, severity="CRITICAL")
        await factories.incident(tx, house.own.asset, severity="CRITICAL", status="CLOSED")
    found = (await _summary(house))["assets"][0]
    assert found["has_open_incident"] is True
    assert found["open_incident_id"] == str(worst.id)


async def test_an_incident_is_named_at_every_asset_it_has_reached(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        reached = await factories.asset(tx, house.own.site)
        scope = {"assets": [house.own.asset.id, reached.id]}
        far = await factories.incident(tx, house.own.asset, severity="CRITICAL", impact_scope=scope)
    found = {asset["id"]: asset["open_incident_id"] for asset in (await _summary(house))["assets"]}
    assert found == {house.own.asset.id: str(far.id), reached.id: str(far.id)}
    async with house.database.transaction(house.own.tenant.id) as tx:
        near = await factories.incident(tx, reached, severity="MINOR")
    found = {asset["id"]: asset["open_incident_id"] for asset in (await _summary(house))["assets"]}
    assert found[reached.id] == str(near.id)


async def test_an_engineer_sees_assigned_incidents_only(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset)
    assert (await _summary(house, Role.ENGINEER))["assets"][0]["has_open_incident"] is False
    async with house.database.transaction(house.own.tenant.id) as tx:
        mine = await factories.incident(tx, house.own.asset, assigned_to=house.user(Role.ENGINEER).id)
    assert (await _summary(house, Role.ENGINEER))["assets"][0]["open_incident_id"] == str(mine.id)


@pytest.mark.clause("D6", "D7")
async def test_latest_values_come_from_the_mapped_signals(house: House) -> None:
    house.own.stream.put(house.sample(3.25))
    summary = await _summary(house)
    found = summary["assets"][0]
    assert found["live_values"]["vibration"]["value"] == 3.25
    assert found["live_values"]["vibration"]["unit"] == "mm/s"
    assert "pressure" not in found["live_values"]
    assert found["data_sources"] == {"opcua": True, "pi": False, "external_sql": False, "demo": False}
    assert summary["stats"]["live_assets"] == 1


async def test_old_values_are_no_live_data(house: House) -> None:
    house.own.stream.put(house.sample(3.25, age_s=60))
    assert (await _summary(house))["stats"] == {
        "total_assets": 1,
        "live_assets": 0,
        "disconnected": 1,
        "critical": 0,
        "warning": 0,
        "normal": 0,
    }


async def test_the_summary_takes_three_statements_however_many_assets(house: House) -> None:
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "set_config" not in statement and "user_sessions" not in statement:
            statements.append(statement)

    engine = house.database.engine.sync_engine
    await house.token(house.user(Role.TENANT_ADMIN))
    event.listen(engine, "before_cursor_execute", count)
    try:
        first = len((await _summary(house))["assets"])
        for_one = [s for s in statements if s.lstrip().startswith("SELECT")]
        async with house.database.transaction(house.own.tenant.id) as tx:
            for _ in range(25):
                await factories.asset(tx, house.own.site)
        statements.clear()
        second = len((await _summary(house))["assets"])
        for_many = [s for s in statements if s.lstrip().startswith("SELECT")]
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert (first, second) == (1, 26)
    assert len(for_one) == len(for_many) <= 3


async def test_assets_are_filtered(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        pumps = (await browser.get("/api/twins/assets?asset_type=Pump")).json()
        valves = (await browser.get("/api/twins/assets?asset_type=Valve")).json()
    assert (pumps["total"], valves["total"]) == (1, 0)
    assert valves["filters"]["asset_types"] == ["Pump"]


@pytest.mark.parametrize(("role", "sees_story"), [(Role.TENANT_ADMIN, True), (Role.VIEWER, False)])
async def test_recent_incidents_by_role(house: House, role: Role, sees_story: bool) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset, event_story="what happened")
    async with house.client(role) as browser:
        answer = (await browser.get(f"/api/twins/assets/{house.own.asset.id}")).json()
    incident = answer["recent_incidents"][0]
    assert ("event_story" in incident) is sees_story
    assert incident["title"]


async def test_a_series_joins_history_and_memory(database: Database) -> None:
    house = await build(database)
    own, now = house.own, clock.now()
    old = [
        Sample(own.vibration.id, now - timedelta(minutes=30 - m), float(m), Quality.GOOD) for m in range(5)
    ]
    async with database.transaction(own.tenant.id) as tx:
        await ensure_partitions(tx.session, old[0].source_time.date(), 2)
        await history.write(tx, SampleBatch.of(old))
    own.stream.put(old[-1], house.sample(9.0, quality=Quality.UNCERTAIN))
    path = f"/api/twins/assets/{own.asset.id}/metrics/vibration/series"
    async with house.client(Role.VIEWER) as browser:
        whole = (await browser.get(path)).json()
        some = (await browser.get(path, params={"limit": 2})).json()
        until = (now - timedelta(minutes=28)).isoformat()
        early = (await browser.get(path, params={"to_time": until})).json()
    assert [point["value"] for point in whole["points"]] == [0, 1, 2, 3, 4, 9]
    assert whole["points"][-1]["quality"] == "uncertain"
    assert [point["value"] for point in some["points"]] == [4, 9]
    assert (some["total_points"], some["more"], whole["more"]) == (2, True, False)
    assert [point["value"] for point in early["points"]] == [0, 1, 2]


async def test_of_a_long_span_little_more_is_read_than_asked(database: Database) -> None:
    house = await build(database)
    own, now = house.own, clock.now()
    hours = [-70.0, -49.9, -20.0, -2.0, -1.0, -0.1]
    samples = [Sample(own.vibration.id, now + timedelta(hours=hour), hour, Quality.GOOD) for hour in hours]
    async with database.transaction(own.tenant.id) as tx:
        await ensure_partitions(tx.session, samples[0].source_time.date(), 5)
        await history.write(tx, SampleBatch.of(samples))
    starts: list[datetime] = []

    def read(*call: Any) -> None:
        if "FROM history_chunks" in call[2]:
            starts.append(min(value for value in call[3] if isinstance(value, datetime)))

    event.listen(database.engine.sync_engine, "before_cursor_execute", read)
    path = f"/api/twins/assets/{own.asset.id}/metrics/vibration/series"
    span = {"from_time": (now - timedelta(days=30)).isoformat()}
    async with house.client(Role.VIEWER) as browser:
        newest = (await browser.get(path, params={**span, "limit": 2})).json()
        furthest = min(starts)
        whole = (await browser.get(path, params=span)).json()
    assert [point["value"] for point in newest["points"]] == [-1.0, -0.1]
    assert now - furthest < timedelta(hours=12)
    assert [point["value"] for point in whole["points"]] == hours
    assert (newest["more"], whole["more"]) == (True, False)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from_time=2026-01-02T00:00:00Z&to_time=2026-01-01T00:00:00Z", 422),
        ("from_time=2020-01-01T00:00:00Z", 422),
        ("from_time=yesterday", 422),
        ("limit=0", 422),
        ("from_time=0001-01-01T00:00:00%2B14:00&to_time=0001-01-02T00:00:00", 422),
    ],
)
async def test_a_span_that_makes_no_sense_is_refused(house: House, query: str, status: int) -> None:
    path = f"/api/twins/assets/{house.own.asset.id}/metrics/vibration/series?{query}"
    async with house.client(Role.VIEWER) as browser:
        assert (await browser.get(path)).status_code == status


async def test_an_unknown_metric_is_not_found(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        path = f"/api/twins/assets/{house.own.asset.id}/metrics/nothing/series"
        assert (await browser.get(path)).status_code == 404
