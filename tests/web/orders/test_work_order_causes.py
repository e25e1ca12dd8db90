"""The causes to choose from at an order, and their correction: who may, what is taught, what is audited."""

import pytest
from sqlalchemy import select

from optria.blackbox.analyses import store_analysis
from optria.core.causes import NO_FAULT
from optria.core.messages import Message
from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.db.identity import AuditLog
from optria.db.learning import CauseConfirmation
from optria.db.work import WorkOrderRow
from tests import factories
from tests.analyses import analysis
from tests.web.house import House
from tests.web.ordering import ORDERS, stored


async def analysed(house: House, **values: object) -> WorkOrderRow:
    """An order whose incident has an analysis that says Bearing Fault."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset)
        await store_analysis(tx, incident, analysis("Bearing Fault", 0.7), house.own.asset.code)
    row = await stored(house, incident_id=str(incident.id), status="in_progress", **values)
    async with house.database.transaction(house.own.tenant.id) as tx:
        kept = await tx.session.get_one(IncidentRow, incident.id)
        kept.auto_work_order_id = row.id
    return row


async def confirmations(house: House) -> list[CauseConfirmation]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return list(await tx.session.scalars(select(CauseConfirmation).order_by(CauseConfirmation.id)))


async def test_what_the_analysis_said_comes_first_and_false_alarms_are_apart(house: House) -> None:
    row = await analysed(house)
    async with house.client(Role.ENGINEER) as browser:
        told = (await browser.get(f"{ORDERS}/{row.id}/causes")).json()
    first, *rest = told["suggestions"]
    assert (first["label"], first["code"], first["origin"]) == ("Bearing Fault", "BEARING_FAULT", "analysis")
    assert first["probability"] == pytest.approx(0.7)
    assert first["label_ar"] == "عطل في المحمل"
    labels = [one["label"] for one in rest]
    assert "Pump Cavitation" in labels
    assert "Other" not in labels
    assert len(set(labels)) == len(labels)
    assert told["no_fault"]["code"] == "NO_FAULT_FOUND"


async def test_what_was_found_on_such_assets_comes_next(house: House) -> None:
    for cause in ("Coupling worn", "Coupling worn", "Seal Leak"):
        done = await analysed(house)
        async with house.client(Role.ENGINEER) as browser:
            await browser.post(f"{ORDERS}/{done.id}/complete", json={"actual_cause": cause})
    row = await analysed(house)
    async with house.client(Role.ENGINEER) as browser:
        told = (await browser.get(f"{ORDERS}/{row.id}/causes")).json()["suggestions"]
    assert [(one["label"], one["origin"], one["confirmed"]) for one in told[:3]] == [
        ("Bearing Fault", "analysis", 0),
        ("Coupling worn", "asset_type", 2),
        ("Seal Leak", "asset_type", 1),
    ]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("bearing fault", "Bearing Fault"),
        ("SEAL_LEAK", "Seal Leak"),
        ("Loose foundation", "Loose foundation"),
    ],
)
async def test_a_cause_is_kept_under_its_own_name(house: House, written: str, kept: str) -> None:
    row = await analysed(house)
    async with house.client(Role.ENGINEER) as browser:
        answer = await browser.post(f"{ORDERS}/{row.id}/complete", json={"actual_cause": written})
    assert answer.json()["work_order"]["actual_cause"] == kept
    (found,) = await confirmations(house)
    assert found.cause == kept


async def test_version_1_may_leave_the_cause_out(house: House) -> None:
    row = await analysed(house)
    async with house.client(Role.ENGINEER) as browser:
        answer = await browser.post(f"{ORDERS}/{row.id}/complete?actual_hours=2")
    assert answer.status_code == 200
    (found,) = await confirmations(house)
    assert (found.cause, found.is_fault, float(found.labour_hours or 0)) == (None, True, 2.0)


@pytest.mark.parametrize("close", [False, True])
async def test_a_better_word_is_learned_and_audited(house: House, close: bool) -> None:
    row = await analysed(house)
    there = f"{ORDERS}/{row.id}"
    async with house.client(Role.ENGINEER) as browser:
        await browser.post(f"{there}/complete", json={"actual_cause": "Seal Leak", "downtime_hours": 4})
        if close:
            await browser.post(f"{there}/close")
        body = {"actual_cause": "Shaft Misalignment", "downtime_hours": 5}
        answer = await browser.post(f"{there}/cause", json=body)
        told = (await browser.get(there)).json()
    assert answer.json()["work_order"]["actual_cause"] == "Shaft Misalignment"
    assert told["history"][0]["body"] == "Cause corrected: Seal Leak → Shaft Misalignment"
    assert told["may_correct_cause"]
    (found,) = await confirmations(house)
    assert (found.cause, found.corrections, float(found.downtime_hours or 0)) == (
        "Shaft Misalignment",
        1,
        5.0,
    )
    async with house.database.transaction(house.own.tenant.id) as tx:
        named = select(AuditLog.action, AuditLog.new_values).where(AuditLog.action.like("%cause%"))
        assert (await tx.session.execute(named.order_by(AuditLog.id))).all() == [
            ("work_order_cause_confirmed", {"actual_cause": "Seal Leak"}),
            ("work_order_cause_corrected", {"actual_cause": "Shaft Misalignment"}),
        ]


async def test_nothing_is_corrected_before_it_is_said(house: House) -> None:
    row = await analysed(house)
    async with house.client(Role.ENGINEER) as browser:
        early = await browser.post(f"{ORDERS}/{row.id}/cause", json={"actual_cause": "Seal Leak"})
        empty = await browser.post(f"{ORDERS}/{row.id}/cause", json={"actual_cause": "  "})
    assert (early.status_code, empty.status_code) == (422, 422)
    assert await confirmations(house) == []


async def test_a_stale_correction_is_a_conflict(house: House) -> None:
    row = await analysed(house)
    async with house.client(Role.ENGINEER) as browser:
        await browser.post(f"{ORDERS}/{row.id}/complete", json={"actual_cause": "Seal Leak"})
        stale = await browser.post(f"{ORDERS}/{row.id}/cause", json={"actual_cause": "Other", "version": 1})
    assert stale.status_code == 409


async def test_taking_work_up_again_withdraws_what_it_taught(house: House) -> None:
    row = await analysed(house)
    async with house.client(Role.ENGINEER) as browser:
        await browser.post(f"{ORDERS}/{row.id}/complete", json={"actual_cause": "Seal Leak"})
        await browser.post(f"{ORDERS}/{row.id}/reopen")
        order = (await browser.get(f"{ORDERS}/{row.id}")).json()
    (found,) = await confirmations(house)
    assert found.is_withdrawn
    assert order["completed_at"] is None


@pytest.mark.parametrize(("cause", "asked"), [("Seal Leak", True), (NO_FAULT, False)])
async def test_closing_corrective_work_has_the_asset_learned_anew(
    house: House, cause: str, asked: bool
) -> None:
    row = await analysed(house, work_type="corrective")
    async with house.database.bus.subscribe() as messages, house.client(Role.ENGINEER) as browser:
        await browser.post(f"{ORDERS}/{row.id}/complete", json={"actual_cause": cause})
        await browser.post(f"{ORDERS}/{row.id}/close")
        house.database.bus.publish(Message(house.own.tenant.id, "rca", "end", ""))
        seen = [await messages.get()]
        while seen[-1].kind != "end":
            seen.append(await messages.get())
    about = [message.asset_id for message in seen if message.topic == "baselines"]
    assert about == ([house.own.asset.id] if asked else [])


async def test_the_page_asks_for_the_cause_and_offers_what_was_said(house: House) -> None:
    row = await analysed(house)
    async with house.client(Role.ENGINEER) as browser:
        english = (await browser.get(f"/work-orders?id={row.id}")).text
        arabic = (await browser.get(f"/work-orders?id={row.id}&lang=ar")).text
    assert 'name="actual_cause" value="Bearing Fault" required' in english
    assert 'name="actual_cause" value="No Fault Found" required' in english
    assert "لا يوجد عطل" in arabic
    assert "style=" not in english
