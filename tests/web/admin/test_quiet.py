"""People shelve alarms and plan maintenance, see it listed, and take it back."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.identity import AuditLog
from optria.kit import clock
from tests.web.house import House

SHELVINGS = "/api/alarms/shelvings"
WINDOWS = "/api/alarms/maintenance"


async def shelved(browser: httpx.AsyncClient, house: House, **values: object) -> httpx.Response:
    asked = {"asset_id": house.own.asset.id, "hours": 4, "reason": "Transmitter under repair."}
    return await browser.post(SHELVINGS, json=asked | values)


async def planned(browser: httpx.AsyncClient, house: House, **values: object) -> httpx.Response:
    now = clock.now()
    asked = {
        "asset_ids": [house.own.asset.id],
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=2)).isoformat(),
        "reason": "Bearing exchange.",
    }
    return await browser.post(WINDOWS, json=asked | values)


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.OPTIMIZATION_ENGINEER, Role.TENANT_ADMIN])
async def test_an_engineer_shelves_and_everybody_reads_who_and_why(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        made = await shelved(browser, house)
        assert made.status_code == 201, made.text
        [listed] = (await browser.get(SHELVINGS)).json()["shelvings"]
        page = (await browser.get("/admin/alarms/shelved")).text
        asset_page = (await browser.get(f"/assets/{house.own.asset.id}")).text
    assert (listed["state"], listed["suppressed"]) == ("active", 0)
    assert listed["shelved_by"] == house.own.users[role].id
    for text in (page, asset_page):
        assert "Transmitter under repair." in text
        assert f'data-post="{SHELVINGS}/{listed["id"]}"' in text


async def test_shelving_ends_by_a_person_once(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        row = (await shelved(browser, house)).json()
        assert (await shelved(browser, house)).status_code == 409
        assert (await browser.delete(f"{SHELVINGS}/{row['id']}")).status_code == 204
        assert (await browser.delete(f"{SHELVINGS}/{row['id']}")).status_code == 409
        assert (await browser.get(SHELVINGS)).json()["shelvings"] == []
        [past] = (await browser.get(SHELVINGS, params={"active": False})).json()["shelvings"]
        page = (await browser.get("/admin/alarms/shelved")).text
    assert past["state"] == "taken_back"
    assert "taken off the shelf" in page
    async with house.database.transaction(house.own.tenant.id) as tx:
        deeds = (await tx.session.scalars(select(AuditLog.action).order_by(AuditLog.id))).all()
    assert [deed for deed in deeds if "shelved" in deed] == ["alarms_shelved", "alarms_unshelved"]


async def test_only_administrators_shelve_what_is_critical(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        refused = await shelved(browser, house, includes_critical=True)
        assert "Only administrators shelve those" in (await browser.get("/admin/alarms/shelved")).text
    assert refused.status_code == 403
    assert "tenant administrators" in refused.text
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await shelved(browser, house, includes_critical=True)).json()["includes_critical"] is True


async def test_nobody_shelves_for_longer_than_the_policy_lets_them(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = await shelved(browser, house, hours=25)
    assert refused.status_code == 422
    assert "at most 24 hours" in refused.text


async def test_an_administrator_says_for_how_long_alarms_are_shelved_at_most(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        policy = await browser.put("/api/config/work-order-policy", json={"longest_shelving_hours": 36})
        shown = (await browser.get("/rules/work-orders")).text
        offered = (await browser.get("/admin/alarms/shelved")).text
        refused = await shelved(browser, house, hours=37)
        taken = await shelved(browser, house, hours=36)
    assert policy.json()["longest_shelving_hours"] == 36
    assert 'name="longest_shelving_hours" type="number" value="36"' in shown
    assert "36 hours" in offered
    assert "at most 36 hours" in refused.text
    assert taken.status_code == 201, taken.text


@pytest.mark.parametrize(
    "values", [{"reason": "  "}, {"hours": 0}, {"mapping_id": 999_999}, {"asset_id": 999_999}]
)
async def test_what_cannot_be_shelved_is_refused(house: House, values: dict[str, object]) -> None:
    async with house.client(Role.ENGINEER) as browser:
        assert (await shelved(browser, house, **values)).status_code in (404, 422)


async def test_maintenance_is_planned_listed_and_ended(house: House) -> None:
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        made = await planned(browser, house)
        assert made.status_code == 201, made.text
        row = made.json()
        page = (await browser.get("/admin/alarms/maintenance")).text
        asset_page = (await browser.get(f"/assets/{house.own.asset.id}")).text
        trends = (await browser.get(f"/api/assets/{house.own.asset.id}/trends")).text
        assert (await browser.delete(f"{WINDOWS}/{row['id']}")).status_code == 204
        over = (await browser.get("/admin/alarms/maintenance")).text
    assert (row["state"], row["assets"]) == ("active", [house.own.asset.code])
    assert "Bearing exchange." in page
    assert "Bearing exchange." in asset_page
    assert "Bearing exchange." in trends
    assert "ended by a person" in over
    assert "every asset is watched" in over


async def test_a_window_is_of_one_site_and_of_time_to_come(house: House) -> None:
    gone = clock.now() - timedelta(hours=3)
    past = {"starts_at": gone.isoformat(), "ends_at": (gone + timedelta(hours=1)).isoformat()}
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await planned(browser, house, **past)).status_code == 422
        assert (await planned(browser, house, asset_ids=[])).status_code == 422
        assert (await planned(browser, house, asset_ids=[house.other.asset.id])).status_code == 404
        whole = await planned(browser, house, asset_ids=[], site_id=house.own.asset.site_id)
    assert whole.json()["asset_ids"] == []


async def test_an_engineer_reads_windows_and_plans_none(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        assert (await planned(browser, house)).status_code == 403
        page = (await browser.get("/admin/alarms/maintenance")).text
    assert "administrators plan maintenance" in page
    assert 'data-dialog="maintenance"' not in page
