"""Notes of people on an incident, and the list of incidents by what is whose."""

from optria.core.roles import Role
from tests import factories
from tests.web.house import House


async def test_a_note_stands_in_the_timeline_with_its_writer(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        engineer = house.own.users[Role.ENGINEER].id
        row = await factories.incident(tx, house.own.asset, assigned_to=engineer)
    async with house.client(Role.ENGINEER) as browser:
        address = f"/api/blackbox/incidents/{row.id}/notes"
        assert (await browser.post(address, json={"text": "  "})).status_code == 422
        assert (await browser.post(address, json={"text": "<b>Load down</b> to 60 %"})).status_code == 200
        page = (await browser.get(f"/blackbox/incidents/{row.id}")).text
        events = (await browser.get(f"/api/blackbox/incidents/{row.id}/events")).json()["events"]
    assert "&lt;b&gt;Load down&lt;/b&gt; to 60 %" in page
    (note,) = [event for event in events if event["source_type"] == "NOTE"]
    assert note["payload"]["note"] == "<b>Load down</b> to 60 %"
    assert note["payload"]["by"]


async def test_notes_are_for_those_who_see_the_analysis(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(tx, house.own.asset)
    async with house.client(Role.VIEWER) as browser:
        answer = await browser.post(f"/api/blackbox/incidents/{row.id}/notes", json={"text": "Hello"})
    assert answer.status_code == 403


async def test_the_list_by_site_and_by_person(house: House) -> None:
    admin = house.own.users[Role.TENANT_ADMIN].id
    async with house.database.transaction(house.own.tenant.id) as tx:
        mine = await factories.incident(tx, house.own.asset, assigned_to=admin)
        other = await factories.incident(tx, house.own.asset)
    async with house.client(Role.TENANT_ADMIN) as browser:
        listed = (await browser.get("/blackbox/incidents?mine=true")).text
        here = (await browser.get(f"/blackbox/incidents?site={house.own.site.id}")).text
        elsewhere = (await browser.get("/blackbox/incidents?site=999999")).text
    assert str(mine.incident_number) in listed
    assert str(other.incident_number) not in listed
    assert str(other.incident_number) in here
    assert "No incident fits this filter" in elsewhere


async def test_an_engineer_without_incidents_is_told_what_would_be_here(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        page = (await browser.get("/blackbox/incidents")).text
    assert "No incident is assigned to you" in page
    assert "Run detection" not in page
