"""The live twin over the application: who gets it, and what its first HTML already says."""

import pytest

from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow
from optria.db.twin import TwinLayout
from tests import factories
from tests.web.house import House

PAGE = {"Accept": "text/html"}


async def page_of(house: House, role: Role, path: str = "/digital-twin") -> str:
    async with house.client(role) as client:
        answer = await client.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text[:400]
    return answer.text


@pytest.mark.clause("D1", "D2", "D3", "D6")
async def test_first_html_names_assets_values_incident_and_order(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset, root_cause_scores={"Bearing Fault": 1.0})
        order = await factories.order(tx, house.own.asset, incident_id=str(incident.id))
    house.own.stream.put(house.sample(8.0))
    html = await page_of(house, Role.TENANT_ADMIN)
    assert 'data-state="critical"' in html
    assert 'data-value="8.0"' in html
    assert f'data-live="v:site:{house.own.site.id}"' in html
    told_of = (
        house.own.asset.code,
        incident.incident_number,
        order.code,
        "Bearing fault, probability",
    )
    assert [told for told in told_of if told and told in html] == list(told_of)


async def test_a_viewer_reads_without_causes_orders_or_buttons_to_press(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset, root_cause_scores={"Bearing Fault": 1.0})
    html = await page_of(house, Role.VIEWER)
    panel = html[html.index("data-panel>") : html.index("</aside>")]
    assert "work order" not in panel.lower()
    assert "Your role" not in panel
    assert "btn" not in panel
    assert "probability" not in html
    assert 'href="/work-orders"' not in html


async def test_a_stored_drawing_is_drawn_with_live_blocks(house: House) -> None:
    tag = house.services.plants(house.own.tenant.id).mappings[0]
    drawing = {
        "title": "A drawn train",
        "symbols": [{"symbol": "pump", "asset": house.own.asset.code, "x": 50, "y": 50}],
        "values": [{"tag": tag.external_tag, "x": 10, "y": 10}],
    }
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add(
            TwinLayout(
                tenant_id=house.own.tenant.id,
                site_id=house.own.site.id,
                name="Process",
                config=drawing,
            )
        )
    html = await page_of(house, Role.ENGINEER, f"/digital-twin/{house.own.site.code}")
    assert "A drawn train" in html
    assert f'class="eq" href="?asset={house.own.asset.code}"' in html
    assert f'data-tag="{tag.id}"' in html


async def test_without_a_site_the_one_with_most_assets_is_shown(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        larger = await factories.site(tx, house.own.tenant.id, code="ZZ-LAST")
        for number in range(1, 4):
            await factories.asset(tx, larger, code=f"ZZ-{number}")
    assert f'data-live="v:site:{larger.id}"' in await page_of(house, Role.ENGINEER)
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.layout(tx, house.own.site)
    assert f'data-live="v:site:{house.own.site.id}"' in await page_of(house, Role.ENGINEER)


async def test_a_layout_of_another_format_leaves_the_cards(house: House) -> None:
    layout = TwinLayout(site_id=house.own.site.id, name="v1", config={"zones": []})
    async with house.database.transaction(house.own.tenant.id) as tx:
        layout.tenant_id = house.own.tenant.id
        tx.session.add(layout)
    html = await page_of(house, Role.ENGINEER, f"/digital-twin/{house.own.site.code}")
    assert "asset-card" in html
    assert "plant-svg" not in html


async def test_pages_need_a_sign_in_and_an_own_site(house: House) -> None:
    async with house.client() as client:
        away = await client.get("/digital-twin?asset=P-102B", headers=PAGE)
    assert (away.status_code, away.headers["location"]) == (
        303,
        "/login?next=%2Fdigital-twin%3Fasset%3DP-102B",
    )
    async with house.client(Role.ENGINEER) as client:
        unknown = await client.get("/digital-twin/NOWHERE", headers=PAGE)
    assert unknown.status_code == 404


async def _reached_asset(house: House, **incident: object) -> tuple[AssetRow, IncidentRow]:
    """An asset that the disturbance of an incident on the own asset has reached."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        asset = await factories.asset(tx, house.own.site)
        scope = {"assets": [house.own.asset.id, asset.id]}
        row = await factories.incident(tx, house.own.asset, impact_scope=scope, **incident)
    return asset, row


@pytest.mark.clause("D1", "D2")
async def test_an_asset_that_the_disturbance_has_reached_shows_the_incident(house: House) -> None:
    asset, row = await _reached_asset(house)
    html = await page_of(house, Role.TENANT_ADMIN, f"/digital-twin?asset={asset.code}")
    panel = html[html.index("data-panel>") : html.index("</aside>")]
    assert f'href="/blackbox/incidents/{row.id}"' in panel
    assert f'Spread from <bdi dir="ltr" class="">{house.own.asset.code}</bdi>' in panel
    assert "No active incident" not in panel


async def test_an_engineer_is_told_of_no_work_but_their_own(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset)
        await factories.order(tx, house.own.asset, incident_id=str(incident.id))
    html = await page_of(house, Role.ENGINEER)
    assert "No active incident assigned to you." in html
    assert "No open work order assigned to you." in html
    assert "No active incident.<" not in html


async def test_story_and_actions_are_arabic_on_an_arabic_page(house: House) -> None:
    actions = [{"action": "Grease it.", "action_ar": "شحّمها."}]
    story = {"event_story": "Vibration rose.", "event_story_ar": "ارتفع الاهتزاز."}
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset, recommended_actions=actions, **story)
    html = await page_of(house, Role.TENANT_ADMIN, "/digital-twin?lang=ar")
    assert [words in html for words in ("ارتفع الاهتزاز.", "شحّمها.")] == [True, True]
    assert [words in html for words in ("Vibration rose.", "Grease it.")] == [False, False]
