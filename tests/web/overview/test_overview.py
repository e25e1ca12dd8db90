"""The overview: figures from what is stored, and no more than a role may see."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, text

from optria.core.roles import Role
from optria.kit import clock
from optria.web.overview.overview_reading import STEPS, read_coverage
from optria.web.overview.periods import period_of
from tests import factories
from tests.web.house import House


async def overview(house: House, role: Role, period: str = "24h") -> dict[str, Any]:
    async with house.client(role) as browser:
        answer = await browser.get(f"/api/overview?period={period}")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def page(house: House, role: Role, period: str = "24h") -> str:
    async with house.client(role) as browser:
        answer = await browser.get(f"/dashboard?period={period}")
    assert answer.status_code == 200
    return answer.text


def ordered(begun: datetime, seconds: float, cost: int = 1000) -> Mapping[str, object]:
    return {
        "start_time": begun,
        "anchored_at": begun,
        "ordered_at": begun + timedelta(seconds=seconds),
        "auto_work_order_created": True,
        "financial_impact_estimate": {"total_estimated_cost": cost, "currency": "USD"},
        "carbon_impact_estimate": {"carbon_kg": 40.5},
        "root_cause_scores": {"Bearing Fault": 0.7},
    }


async def test_figures_are_those_of_the_stored_incidents(house: House) -> None:
    now = clock.now()
    async with house.database.transaction(house.own.tenant.id) as tx:
        for seconds, cost in ((1.0, 1000), (2.0, 3000), (3.0, 500)):
            await factories.incident(
                tx, house.own.asset, severity="MAJOR", **ordered(now - timedelta(hours=2), seconds, cost)
            )
        old = now - timedelta(days=3)
        await factories.incident(
            tx, house.own.asset, status="CLOSED", end_time=old, **ordered(old, 90.0, 9_999)
        )
        await factories.order(tx, house.own.asset, priority="high", due_at=now - timedelta(hours=1))
        await factories.order(tx, house.own.asset, priority="low", status="pending_approval")
        await factories.order(tx, house.own.asset, priority="low", status="closed")
    seen = await overview(house, Role.TENANT_ADMIN)
    assert (seen["active"], seen["begun"], seen["unresolved"]) == (3, 3, 3)
    assert seen["latency"]["median_s"] == 2.0
    assert Decimal(seen["at_risk"][0]["amount"]) == 4500
    assert seen["at_risk_assets"][0]["code"] == house.own.asset.code
    assert Decimal(seen["carbon_kg"]) == Decimal("121.5")
    assert sum(step["amount"] for step in seen["steps"]) == pytest.approx(121.5)
    assert (seen["orders"]["count"], seen["orders"]["overdue"], seen["orders"]["to_approve"]) == (2, 1, 1)
    assert [row[0] for row in seen["orders"]["by_priority"]] == ["high", "low"]
    site, asset = seen["units"]
    assert (site["is_site"], site["severity"], site["open_orders"]) == (True, "major", 2)
    assert asset["code"] == house.own.asset.code
    assert len(asset["marks"]) == 3
    week = await overview(house, Role.TENANT_ADMIN, "7d")
    assert (week["active"], week["begun"], week["latency"]["count"]) == (3, 4, 4)


async def test_a_viewer_reads_no_money_causes_or_orders(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(
            tx,
            house.own.asset,
            title=f"Bearing Fault on {house.own.asset.code}",
            **ordered(clock.now() - timedelta(hours=1), 2.0, 77_750),
        )
        await factories.order(tx, house.own.asset)
    seen = await overview(house, Role.VIEWER)
    assert (seen["active"], seen["latency"], seen["orders"], seen["carbon_kg"]) == (1, None, None, None)
    assert seen["at_risk"] == seen["at_risk_assets"] == []
    assert all(not unit["risk"] and not unit["open_orders"] for unit in seen["units"])
    html = await page(house, Role.VIEWER)
    for secret in ("Bearing Fault", "77,750", "Money at risk", "Open work orders", "Alarm to order"):
        assert secret not in html
    assert "Money at risk" in await page(house, Role.TENANT_ADMIN)


async def test_an_engineer_counts_what_is_assigned_to_them(house: House) -> None:
    begun = clock.now() - timedelta(hours=1)
    engineer = house.user(Role.ENGINEER)
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset, assigned_to=engineer.id, **ordered(begun, 2.0))
        await factories.incident(tx, house.own.asset, **ordered(begun, 2.0))
        await factories.order(tx, house.own.asset)
    seen = await overview(house, Role.ENGINEER)
    assert (seen["active"], seen["orders"]["count"]) == (1, 0)
    assert "1 active incident of yours" in await page(house, Role.ENGINEER)


async def test_a_calm_plant_says_how_much_is_watched(house: House) -> None:
    html = await page(house, Role.OPTIMIZATION_ENGINEER)
    assert "No active incidents" in html
    assert "2 signals are being watched." in html
    assert "No work order was made from an incident in the last 24 hours." in html


async def test_a_calm_plant_names_the_last_incident(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset, status="CLOSED", incident_number="INC-2026-00007")
    html = await page(house, Role.OPTIMIZATION_ENGINEER)
    assert "The last one was" in html
    assert "INC-2026-00007" in html


async def test_nothing_of_another_tenant_is_counted(house: House) -> None:
    async with house.database.transaction(house.other.tenant.id) as tx:
        await factories.incident(tx, house.other.asset, **ordered(clock.now(), 2.0))
        await factories.order(tx, house.other.asset)
    seen = await overview(house, Role.TENANT_ADMIN)
    assert (seen["active"], seen["orders"]["count"]) == (0, 0)
    assert {unit["code"] for unit in seen["units"]} == {house.own.site.code}


async def test_a_platform_owner_sees_every_tenant(house: House) -> None:
    codes = {unit["code"] for unit in (await overview(house, Role.PLATFORM_OWNER))["units"]}
    assert {house.own.site.code, house.other.site.code} <= codes
    assert "Overview" in await page(house, Role.PLATFORM_OWNER)


async def test_the_number_of_statements_does_not_grow(house: House) -> None:
    counted: list[int] = []
    await house.token(house.user(Role.TENANT_ADMIN))

    def count(*_: object) -> None:
        counted[-1] += 1

    engine = house.database.engine.sync_engine
    for _ in range(2):
        async with house.database.transaction(house.own.tenant.id) as tx:
            for _ in range(4):
                asset = await factories.asset(tx, await factories.site(tx, house.own.tenant.id))
                await factories.incident(tx, asset, **ordered(clock.now() - timedelta(hours=1), 2.0))
                await factories.order(tx, asset)
        counted.append(0)
        event.listen(engine, "before_cursor_execute", count)
        try:
            await page(house, Role.TENANT_ADMIN)
        finally:
            event.remove(engine, "before_cursor_execute", count)
    assert counted[0] == counted[1] > 0


async def test_steps_without_stored_data_are_known(house: House) -> None:
    period = period_of("24h", clock.now())
    tag = house.own.vibration.id
    async with house.database.transaction(house.own.tenant.id) as tx:
        day = text("SELECT optria_ensure_history_partitions(:first, 3)")
        await tx.session.execute(day, {"first": period.start.date()})
        insert = text(
            "INSERT INTO history_chunks (tenant_id, tag_id, t0, dt, value, quality)"
            " VALUES (:tenant, :tag, :t0, '{0}', '{1}', '{0}')"
        )
        for hours in (1, 5):
            moment = period.end - timedelta(hours=hours, minutes=1)
            await tx.session.execute(insert, {"tenant": house.own.tenant.id, "tag": tag, "t0": moment})
        known = await read_coverage(tx, {7: [tag], 8: []}, period)
    assert [i for i, has in enumerate(known[7]) if has] == [STEPS - 21, STEPS - 5]
    assert not any(known[8])
