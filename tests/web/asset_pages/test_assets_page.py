"""The register of assets: what it shows of each, to whom, and what it says where there is nothing."""

from datetime import timedelta

import pytest

from optria.core.roles import Role
from optria.core.tag import Quality
from optria.db.plant import AssetRow, SiteRow
from optria.kit import clock
from tests import factories
from tests.web.house import House

MAY_MANAGE = {Role.TENANT_ADMIN}


async def page_of(house: House, role: Role, path: str = "/assets") -> str:
    async with house.client(role) as browser:
        answer = await browser.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text[:400]
    return answer.text


def row_of(html: str, asset: AssetRow) -> str:
    start = html.index(f'data-key="asset-{asset.id}"')
    return html[start : html.index("</tr>", start)]


@pytest.mark.clause("G10")
@pytest.mark.parametrize("role", Role)
async def test_everybody_reads_the_register_and_admins_change_it(house: House, role: Role) -> None:
    html = await page_of(house, role)
    assert house.own.asset.code in html
    assert ('data-dialog="asset"' in html) == (role in MAY_MANAGE)
    assert (house.other.asset.code in html) == (role is Role.PLATFORM_OWNER)


async def test_a_line_has_the_figures_of_the_asset(house: House) -> None:
    own = house.own
    own.stream.anchoring.known[own.asset.id] = (1.0, 0.25)
    own.stream.put(house.sample(2.5))
    async with house.database.transaction(own.tenant.id) as tx:
        incident = await factories.incident(tx, own.asset, root_cause_scores={"Bearing Fault": 1.0})
        await factories.order(tx, own.asset)
    line = row_of(await page_of(house, Role.TENANT_ADMIN), own.asset)
    assert ">80" in line  # health at the limit
    assert "1.000" not in line
    assert ">1.00" in line  # the score over the limit
    assert f'href="/blackbox/incidents/{incident.id}"' in line
    assert f'href="/work-orders?view=list&amp;asset={own.asset.id}"' in line
    assert "1 / 2" in line  # of two mapped signals one is fresh


async def test_what_is_not_known_is_no_figure(house: House) -> None:
    line = row_of(await page_of(house, Role.VIEWER), house.own.asset)
    assert line.count("not known yet") == 2
    assert "0 / 2" in line
    assert "data-since" not in line


async def test_old_and_bad_values_are_not_fresh(house: House) -> None:
    house.own.stream.put(house.sample(2.5, age_s=120.0))
    line = row_of(await page_of(house, Role.VIEWER), house.own.asset)
    assert "0 / 2" in line
    assert "stale-age" in line
    house.own.stream.put(house.sample(2.5, quality=Quality.BAD))
    assert "0 / 2" in row_of(await page_of(house, Role.VIEWER), house.own.asset)


async def test_a_viewer_is_told_of_no_order_and_no_cause(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset, root_cause_scores={"Bearing Fault": 1.0})
        await factories.order(tx, house.own.asset)
    html = await page_of(house, Role.VIEWER)
    assert "Open orders" not in html
    assert "Bearing" not in html.split("<main", 1)[1]


async def test_filters_leave_what_fits(house: House) -> None:
    own = house.own
    async with house.database.transaction(own.tenant.id) as tx:
        tank = await factories.asset(tx, own.site, code="T-900", name="Crude tank", asset_type="Tank")
        await factories.incident(tx, tank)
    for query, found in [
        ("?type=tank", {"T-900"}),
        ("?q=crude", {"T-900"}),
        ("?q=%25", set()),
        ("?state=incident", {"T-900"}),
        ("?state=silent", {"T-900", own.asset.code}),
        (f"?site={own.site.code}&type=Pump", {own.asset.code}),
        ("?site=NOWHERE", set()),
    ]:
        html = (await page_of(house, Role.ENGINEER, f"/assets{query}")).split("<main", 1)[1]
        shown = {code for code in ("T-900", own.asset.code) if f'">{code}</bdi>' in html}
        # An engineer sees only incidents that are theirs.
        assert shown == (set() if query == "?state=incident" else found), query
        assert ("No asset fits this filter" in html) == (not shown), query
    html = await page_of(house, Role.TENANT_ADMIN, "/assets?state=incident")
    assert ">T-900<" in html
    assert own.asset.code not in html.split("<dialog", 1)[0].split("<main", 1)[1]


async def test_assets_stand_under_their_sites(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        second = await factories.site(tx, house.own.tenant.id, code="ZZ-2", name="Second plant")
        asset = await factories.asset(tx, second, code="AA-1")
    html = await page_of(house, Role.ENGINEER)
    places = [html.index(mark) for mark in (f'data-key="asset-{house.own.asset.id}"', "Second plant</bdi>")]
    assert places == sorted(places)
    assert html.index(f'data-key="asset-{asset.id}"') > places[1]


async def test_a_tenant_without_assets_is_told_the_next_step(house: House) -> None:
    async with house.database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        admin = await factories.user(tx, tenant.id, Role.TENANT_ADMIN)
        viewer = await factories.user(tx, tenant.id, Role.VIEWER)
    house.app.state.services.pipelines.pop(tenant.id, None)
    async with house.client(admin) as browser:
        html = (await browser.get("/assets")).text
        assert "No sites yet" in html
        assert 'data-dialog="site"' in html
        assert 'data-dialog="asset"' not in html
        await browser.post("/api/assets/sites", json={"code": "P-1", "name": "Plant"})
        html = (await browser.get("/assets")).text
        assert "No assets yet" in html
        assert 'data-dialog="asset"' in html
    async with house.client(viewer) as browser:
        html = (await browser.get("/assets")).text
    assert "A tenant admin adds sites and assets here." in html
    assert "data-dialog" not in html


async def test_what_is_out_of_use_can_be_taken_back(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        old = await factories.asset(tx, house.own.site, code="OLD-1", is_active=False)
        closed: SiteRow = await factories.site(tx, house.own.tenant.id, code="GONE", is_active=False)
    html = await page_of(house, Role.TENANT_ADMIN)
    assert f'data-post="/api/assets/{old.id}"' in html
    assert f'data-post="/api/assets/sites/{closed.id}"' in html
    assert "OLD-1" not in await page_of(house, Role.ENGINEER)


async def test_a_platform_owner_writes_in_a_named_tenant_only(house: House) -> None:
    html = await page_of(house, Role.PLATFORM_OWNER)
    assert "Choose a tenant" in html
    html = await page_of(house, Role.PLATFORM_OWNER, f"/assets?tenant_id={house.own.tenant.id}")
    assert f'data-post-to="/api/assets/?tenant_id={house.own.tenant.id}"' in html


async def test_the_age_is_that_of_the_newest_value(house: House) -> None:
    moment = clock.now() - timedelta(seconds=30)
    house.own.stream.put(house.sample(2.5, age_s=30.0))
    line = row_of(await page_of(house, Role.VIEWER), house.own.asset)
    since = int(line.split('data-since="', 1)[1].split('"', 1)[0])
    assert abs(since - moment.timestamp() * 1000) < 5_000
