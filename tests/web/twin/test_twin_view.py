"""What the page of the twin shows of a site, by who looks."""

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import event

from optria.core.errors import NotFound
from optria.core.roles import Role
from optria.web.sessions import Viewer
from optria.web.twin.twin_page_model import TwinPage
from optria.web.twin.twin_view import page_context
from tests import factories
from tests.web.house import House, Source


async def _page(house: House, role: Role, site: str | None = None, asset: str | None = None) -> TwinPage:
    user = house.user(role)
    viewer = Viewer(user.id, user.tenant_id, role, "", "", "en", uuid4())
    if user.tenant_id is None:
        async with house.database.platform("test") as tx:
            return await page_context(tx, house.services, viewer, site, asset)
    async with house.database.transaction(user.tenant_id) as tx:
        return await page_context(tx, house.services, viewer, site, asset)


async def _trouble(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(
            tx,
            house.own.asset,
            event_story="what happened",
            root_cause_scores={"Other": 0.2, "Bearing Fault": 0.8},
            recommended_actions=[{"action": "Grease it."}],
            financial_impact_estimate={"total_estimated_cost": 1200.5, "currency": "SAR"},
            carbon_impact_estimate={"carbon_kg": 12.5},
        )
        await factories.order(tx, house.own.asset, incident_id=str(incident.id), priority="low")
        await factories.order(
            tx, house.own.asset, priority="emergency", assigned_to=house.user(Role.ENGINEER).id
        )
        await factories.order(tx, house.own.asset, status="closed")


@pytest.mark.clause("D1", "D2", "D3", "D6")
async def test_an_asset_in_trouble(house: House) -> None:
    await _trouble(house)
    house.own.stream.put(house.sample(8.0))
    house.own.stream.anchoring.known[house.own.asset.id] = (2.0, 0.7)
    page = await _page(house, Role.TENANT_ADMIN)
    assert page.site.code == house.own.site.code
    asset = page.selected
    assert asset is not None
    assert (asset.health, asset.risk, asset.state) == (50.0, 0.7, "running")
    assert asset.incident is not None
    assert asset.incident.causes == (("Bearing Fault", 0.8), ("Other", 0.2))
    assert (str(asset.incident.financial_impact), asset.incident.currency) == ("1200.5", "SAR")
    assert [order.priority for order in asset.orders] == ["emergency", "low"]
    assert asset.incident_order is not None
    assert asset.incident_order.incident_id == asset.incident.id
    vibration = asset.signal("vibration")
    assert vibration is not None
    assert vibration.limits == (("critical", "high", 7.1),)
    assert (vibration.value, vibration.alarm_of(8.0)) == (8.0, "critical")
    assert any(value == 8.0 for _, value in vibration.history)
    assert page.connectors[0].state == "live"
    assert page.may_run_analysis


async def test_a_viewer_gets_the_summary(house: House) -> None:
    await _trouble(house)
    page = await _page(house, Role.VIEWER)
    assert page.selected is not None
    incident = page.selected.incident
    assert incident is not None
    assert incident.title
    assert (incident.story, incident.causes, incident.actions) == ("", (), ())
    assert incident.financial_impact is None
    assert page.selected.orders == ()
    assert [page.may_run_analysis, page.may_create_orders, page.may_see_causes] == [False] * 3


@pytest.mark.parametrize("role", list(Role))
async def test_a_viewer_reads_no_address_of_a_source(house: House, role: Role) -> None:
    lost = Source(1, "OPC UA", state="lost", last_error="No database answers at 10.1.2.3.")
    house.services = replace(house.services, links=lambda _tenant: [lost])
    (shown,) = (await _page(house, role, house.own.site.code)).connectors
    assert shown.state == "lost"
    assert (shown.last_error == lost.last_error) is (role is not Role.VIEWER)


async def test_an_engineer_gets_what_is_assigned(house: House) -> None:
    await _trouble(house)
    page = await _page(house, Role.ENGINEER)
    assert page.selected is not None
    assert page.selected.incidents == ()
    assert [order.priority for order in page.selected.orders] == ["emergency"]
    assert not page.may_create_orders


async def test_a_plant_that_says_nothing(house: House) -> None:
    asset = (await _page(house, Role.VIEWER)).assets[0]
    assert (asset.health, asset.state, asset.signals[0].value) == (None, "unknown", None)
    assert asset.signals[0].history == ()


async def test_the_site_with_a_drawing_comes_first(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        drawn = await factories.site(tx, house.own.tenant.id, code="ZZZ")
        await factories.layout(tx, drawn, config={"units": [1]})
    page = await _page(house, Role.VIEWER)
    assert (page.site.code, page.drawing, page.selected) == ("ZZZ", {"units": [1]}, None)
    named = await _page(house, Role.VIEWER, house.own.site.code, house.own.asset.code)
    assert named.selected is not None
    assert named.selected.code == house.own.asset.code


async def test_a_platform_owner_names_any_site(house: House) -> None:
    page = await _page(house, Role.PLATFORM_OWNER, house.other.site.code)
    assert [asset.id for asset in page.assets] == [house.other.asset.id]


async def test_another_tenants_site_does_not_exist(house: House) -> None:
    with pytest.raises(NotFound):
        await _page(house, Role.TENANT_ADMIN, house.other.site.code)


async def test_without_a_stream_the_page_still_stands(house: House) -> None:
    house.services = replace(house.services, pipelines={})
    page = await _page(house, Role.VIEWER)
    assert page.assets[0].signals[0].time_ms is None


@pytest.mark.parametrize(
    ("summary", "provisional"), [({"provisional": True}, True), ({"provisional": False}, False), ({}, False)]
)
async def test_an_analysis_is_provisional_until_its_window_has_closed(
    house: House, summary: dict[str, object], provisional: bool
) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset, rca_status="COMPLETED", rca_summary=summary)
    page = await _page(house, Role.TENANT_ADMIN)
    assert page.selected is not None
    assert page.selected.incident is not None
    assert page.selected.incident.provisional is provisional


async def test_money_of_an_unknown_currency_gets_none(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        cost = {"total_estimated_cost": 1200}
        incident = await factories.incident(tx, house.own.asset, financial_impact_estimate=cost)
        order = await factories.order(tx, house.own.asset, incident_id=str(incident.id))
    page = await _page(house, Role.TENANT_ADMIN)
    async with house.client(Role.TENANT_ADMIN) as browser:
        detail = (await browser.get(f"/api/work-orders/{order.id}")).json()
    assert page.selected is not None
    assert page.selected.incident is not None
    assert (page.selected.incident.currency, detail["incident"]["currency"]) == ("", "")


@pytest.mark.clause("D1", "D2")
async def test_an_incident_shows_on_its_root_and_on_what_it_has_reached(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        reached = await factories.asset(tx, house.own.site)
        away = await factories.asset(tx, house.own.site)
        scope = {"assets": [house.own.asset.id, reached.id]}
        row = await factories.incident(tx, house.own.asset, impact_scope=scope)
        await factories.incident(tx, away, status="CLOSED", impact_scope={"assets": [away.id, reached.id]})
    page = await _page(house, Role.TENANT_ADMIN)
    seen = {asset.id: asset for asset in page.assets}
    root, hit, calm = seen[house.own.asset.id], seen[reached.id], seen[away.id]
    assert ([i.id for i in root.incidents], root.reached_by) == ([str(row.id)], ())
    assert (hit.incident, [i.id for i in hit.reached_by]) == (None, [str(row.id)])
    assert hit.reached_by[0].root_code == house.own.asset.code
    assert (calm.incidents, calm.reached_by) == ((), ())


async def test_more_assets_take_no_more_statements(house: House) -> None:
    counted: list[int] = []

    def count(*_: object) -> None:
        counted[-1] += 1

    engine = house.database.engine.sync_engine
    for _ in range(2):
        async with house.database.transaction(house.own.tenant.id) as tx:
            more = [await factories.asset(tx, house.own.site) for _ in range(3)]
            scope = {"assets": [asset.id for asset in more]}
            await factories.incident(tx, house.own.asset, impact_scope=scope)
        counted.append(0)
        event.listen(engine, "before_cursor_execute", count)
        try:
            page = await _page(house, Role.TENANT_ADMIN)
        finally:
            event.remove(engine, "before_cursor_execute", count)
    assert len(page.assets) == 7
    assert counted[0] == counted[1] > 0
