"""An asset is learned anew on the word of those who run analyses, and of nobody else."""

import pytest
from sqlalchemy import select

from optria.core.messages import Message
from optria.core.roles import Role
from optria.db.blackbox import EventRow, IncidentRow
from optria.db.identity import AuditLog
from optria.db.learning import CauseConfirmation
from tests import factories
from tests.web.house import House

INCIDENTS = "/api/blackbox/incidents"


async def opened(house: House, **values: object) -> IncidentRow:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.incident(tx, house.own.asset, **values)


async def asked_for(house: House, path: str, body: object = None) -> tuple[int, list[int | None]]:
    """The answer, and the assets that the stream was asked to learn anew."""
    async with (
        house.database.bus.subscribe() as messages,
        house.client(Role.OPTIMIZATION_ENGINEER) as browser,
    ):
        answer = await browser.post(path, json=body)
        house.database.bus.publish(Message(house.own.tenant.id, "rca", "end", ""))
        seen = [await messages.get()]
        while seen[-1].kind != "end":
            seen.append(await messages.get())
    return answer.status_code, [one.asset_id for one in seen if one.topic == "baselines"]


async def test_an_asset_is_learned_anew_and_that_is_written_down(house: House) -> None:
    asset = house.own.asset
    status, asked = await asked_for(house, f"/api/assets/{asset.id}/rebaseline")
    assert (status, asked) == (200, [asset.id])
    async with house.database.transaction(house.own.tenant.id) as tx:
        actions = (await tx.session.scalars(select(AuditLog.action))).all()
        events = (await tx.session.scalars(select(EventRow.event_category))).all()
    assert "asset_rebaselined" in actions
    assert "CONFIG_CHANGE" in events


@pytest.mark.clause("G6")
async def test_who_may_not_run_analyses_may_not_ask_for_it(house: House) -> None:
    path = f"/api/assets/{house.own.asset.id}/rebaseline"
    for role in (Role.ENGINEER, Role.VIEWER):
        async with house.client(role) as browser:
            assert (await browser.post(path)).status_code == 403
    async with house.client(house.other.users[Role.TENANT_ADMIN]) as browser:
        assert (await browser.post(path)).status_code == 404


async def test_a_false_incident_is_closed_and_its_asset_learned_anew(house: House) -> None:
    incident = await opened(house)
    body = {"actual_cause": "no fault found", "note": "Other crude since Monday."}
    there = f"{INCIDENTS}/{incident.id}/close-and-rebaseline"
    assert await asked_for(house, there, body) == (200, [house.own.asset.id])
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await tx.session.get_one(IncidentRow, incident.id)
        (found,) = (await tx.session.scalars(select(CauseConfirmation))).all()
        changed = select(AuditLog.new_values).where(AuditLog.action == "incident_changed")
        (told,) = (await tx.session.scalars(changed)).all()
    assert (told or {})["confirmed_cause"] == "No Fault Found"
    assert (row.status, row.resolution) == ("CLOSED", "Other crude since Monday.")
    assert (found.is_fault, found.cause, found.work_order_id) == (False, None, None)


async def test_without_a_word_nothing_is_taught(house: House) -> None:
    incident = await opened(house)
    assert (await asked_for(house, f"{INCIDENTS}/{incident.id}/close-and-rebaseline"))[0] == 200
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert (await tx.session.scalars(select(CauseConfirmation))).all() == []


async def test_unfinished_work_comes_first(house: House) -> None:
    incident = await opened(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.order(tx, house.own.asset, incident_id=str(incident.id))
    status, asked = await asked_for(house, f"{INCIDENTS}/{incident.id}/close-and-rebaseline")
    assert (status, asked) == (409, [])


async def test_a_cause_said_at_the_incident_teaches_too(house: House) -> None:
    incident = await opened(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        for cause in ("seal leak", "Bearing Fault"):
            await browser.put(f"{INCIDENTS}/{incident.id}", json={"confirmed_cause": cause})
    async with house.database.transaction(house.own.tenant.id) as tx:
        (found,) = (await tx.session.scalars(select(CauseConfirmation))).all()
    assert (found.cause, found.corrections) == ("Bearing Fault", 1)
