"""The life of a work order: every status, every move, every role, expected from one table."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, update

from optria.core.roles import Role
from optria.core.work_order import VERBS, WorkOrderStatus
from optria.db.identity import AuditLog, User
from optria.db.work import WorkOrderHistory, WorkOrderRow
from optria.web.orders.work_order_detail import history
from optria.web.sessions import Viewer
from tests import factories
from tests.web.house import House
from tests.web.ordering import EDITORS, ORDERS, address, stored

WAITING, OPEN, RUNNING = "pending_approval", "open", "in_progress"
DONE, CLOSED, CANCELLED = "completed", "closed", "cancelled"
STATUSES: Final = (WAITING, OPEN, RUNNING, DONE, CLOSED, CANCELLED)
WORKERS: Final = (*EDITORS, Role.ENGINEER)


@dataclass(frozen=True)
class Rule:
    """From where, to where, by whom; ``to`` None stays where it is."""

    sources: tuple[str, ...]
    to: str | None
    roles: tuple[Role, ...]
    method: str = "POST"
    path: str = ""
    body: dict[str, Any] | None = None


LAW: Final = {
    "approve": Rule((WAITING,), OPEN, EDITORS, path="/approve"),
    "start": Rule((OPEN,), RUNNING, WORKERS, path="/start"),
    "pause": Rule((RUNNING,), OPEN, WORKERS, path="/pause"),
    "complete": Rule((OPEN, RUNNING), DONE, WORKERS, path="/complete"),
    "reopen": Rule((DONE,), RUNNING, WORKERS, path="/reopen"),
    "close": Rule((DONE,), CLOSED, WORKERS, path="/close"),
    "cancel": Rule((WAITING, OPEN, RUNNING), CANCELLED, EDITORS, path="/cancel"),
    "note": Rule(STATUSES, None, WORKERS, path="/notes", body={"body": "Seen."}),
    "tick": Rule(
        (WAITING, OPEN, RUNNING, DONE), None, WORKERS, path="/checklist", body={"index": 0, "done": True}
    ),
    "assign": Rule((WAITING, OPEN, RUNNING), None, EDITORS, path="/assign", body={"user_id": "engineer"}),
    "write notes": Rule((WAITING, OPEN, RUNNING, DONE), None, WORKERS, "PUT", body={"notes": "Greased."}),
    "rename": Rule((WAITING, OPEN, RUNNING, DONE), None, EDITORS, "PUT", body={"title": "Grease it"}),
}
"""What each deed needs: where from, where to, by whom."""


def body_of(rule: Rule, user_id: int) -> dict[str, Any] | None:
    return rule.body and {key: user_id if value == "engineer" else value for key, value in rule.body.items()}


def by_status(here: str, to: str) -> Rule | None:
    """The move that a new status stands for."""
    moves = (rule for rule in LAW.values() if rule.to == to and here in rule.sources)
    return next(moves, None)


def expected(here: str, rule: Rule, role: Role) -> tuple[int, str]:
    """(answer, status afterwards)"""
    if role not in rule.roles:
        return 403, here
    if here not in rule.sources:
        return 422, here
    return 200, rule.to or here


def expected_by_status(here: str, to: str, role: Role) -> tuple[int, str]:
    if role is Role.VIEWER:
        return 403, here
    if here == to:
        return 200, here
    rule = by_status(here, to)
    if rule is None:
        return 422, here
    return (200, to) if role in rule.roles else (403, here)


@dataclass(frozen=True)
class Desk:
    """One order of the engineer, put back to a status before each deed."""

    house: House
    row: WorkOrderRow

    async def put(self, status: str | None, assigned_to: int | None = None) -> None:
        engineer = self.house.own.users[Role.ENGINEER].id
        values = {
            "status": status,
            "assigned_to": assigned_to or engineer,
            "checklist": [{"text": "Grease", "text_ar": "", "done": False}],
        }
        async with self.house.database.transaction(self.house.own.tenant.id) as tx:
            await tx.session.execute(
                update(WorkOrderRow).where(WorkOrderRow.id == self.row.id).values(**values)
            )

    async def status(self) -> str | None:
        async with self.house.database.transaction(self.house.own.tenant.id) as tx:
            query = select(WorkOrderRow.status).where(WorkOrderRow.id == self.row.id)
            return await tx.session.scalar(query)

    async def do(self, browser: httpx.AsyncClient, rule: Rule) -> httpx.Response:
        engineer = self.house.own.users[Role.ENGINEER].id
        there = address(self.house, self.row, rule.path)
        return await browser.request(rule.method, there, json=body_of(rule, engineer))

    async def become(self, browser: httpx.AsyncClient, status: str) -> httpx.Response:
        return await browser.put(address(self.house, self.row), json={"status": status})


@pytest.fixture
async def desk(house: House) -> Desk:
    return Desk(house, await stored(house))


@pytest.mark.clause("G6", "V9", "W7")
@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("here", STATUSES)
async def test_every_deed_in_every_status_by_every_role(desk: Desk, here: str, role: Role) -> None:
    wrong: dict[str, object] = {}
    async with desk.house.client(role) as browser:
        for name, rule in LAW.items():
            await desk.put(here)
            answer = await desk.do(browser, rule)
            found = (answer.status_code, await desk.status())
            if found != expected(here, rule, role):
                wrong[name] = (found, expected(here, rule, role))
        for to in STATUSES:
            await desk.put(here)
            answer = await desk.become(browser, to)
            found = (answer.status_code, await desk.status())
            if found != expected_by_status(here, to, role):
                wrong[f"become {to}"] = (found, expected_by_status(here, to, role))
    assert wrong == {}


@pytest.mark.clause("G6")
@pytest.mark.parametrize("here", STATUSES)
async def test_an_order_of_a_colleague_or_of_another_tenant_does_not_exist(desk: Desk, here: str) -> None:
    """Routes that engineers may never use are refused before the order is looked up; PUT is open to them."""
    colleague = desk.house.own.users[Role.OPTIMIZATION_ENGINEER].id
    await desk.put(here, colleague)
    stranger = desk.house.other.users[Role.TENANT_ADMIN]
    for who, refused in ((Role.ENGINEER, 403), (stranger, 404)):
        async with desk.house.client(who) as browser:
            for name, rule in LAW.items():
                address_of = f"{ORDERS}/{desk.row.id}{rule.path}"
                answer = await browser.request(rule.method, address_of, json=body_of(rule, colleague))
                may = Role.ENGINEER in rule.roles or rule.method == "PUT"
                assert answer.status_code == (404 if may else refused), name
            assert (await browser.get(f"{ORDERS}/{desk.row.id}")).status_code == 404
    assert await desk.status() == here


@pytest.mark.parametrize("role", [*EDITORS, Role.ENGINEER])
@pytest.mark.parametrize("here", STATUSES)
async def test_what_an_order_offers_is_what_it_takes(desk: Desk, here: str, role: Role) -> None:
    offered = ("approve", "start", "complete", "close", "reopen", "pause", "cancel", "note", "assign")
    await desk.put(here)
    async with desk.house.client(role) as browser:
        may = (await browser.get(f"{ORDERS}/{desk.row.id}")).json()["may"]
    assert set(may) == {name for name in offered if expected(here, LAW[name], role)[0] == 200}


def test_the_table_says_what_the_law_of_moves_says() -> None:
    moves = {
        (WorkOrderStatus(here), WorkOrderStatus(rule.to))
        for rule in LAW.values()
        if rule.to
        for here in rule.sources
    }
    assert moves == {(here, verb.target) for verb in VERBS.values() for here in verb.sources}


@pytest.mark.parametrize("status", [None, "", "on hold"])
async def test_a_status_of_version_1_that_nobody_knows_counts_as_open(desk: Desk, status: str | None) -> None:
    for verb, after in (("start", RUNNING), ("complete", DONE), ("cancel", CANCELLED)):
        await desk.put(status)
        async with desk.house.client(Role.TENANT_ADMIN) as browser:
            may = (await browser.get(f"{ORDERS}/{desk.row.id}")).json()["may"]
            answer = await desk.do(browser, LAW[verb])
        assert verb in may
        assert (answer.status_code, await desk.status()) == (200, after)


VERSIONED: Final = {
    "start": LAW["start"],
    "complete": LAW["complete"],
    "cancel": LAW["cancel"],
    "note": LAW["note"],
    "tick": LAW["tick"],
    "assign": LAW["assign"],
    "rename": LAW["rename"],
}


@pytest.mark.parametrize("name", VERSIONED)
@pytest.mark.parametrize("by_header", [False, True])
async def test_a_change_based_on_an_older_version_says_the_current_one(
    desk: Desk, name: str, by_header: bool
) -> None:
    rule, row = VERSIONED[name], desk.row
    await desk.put(OPEN)
    body = body_of(rule, desk.house.own.users[Role.ENGINEER].id) or {}
    async with desk.house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(f"{ORDERS}/{row.id}/notes", json={"body": "meanwhile"})
        seen = await browser.get(f"{ORDERS}/{row.id}")

        async def change(version: int) -> httpx.Response:
            said: dict[str, Any] = {} if by_header else {"version": version}
            headers = {"If-Match": f'"{version}"'} if by_header else {}
            return await browser.request(
                rule.method, f"{ORDERS}/{row.id}{rule.path}", json=body | said, headers=headers
            )

        stale, fresh = await change(1), await change(2)
    assert (seen.headers["ETag"], seen.json()["version"]) == ('"2"', 2)
    assert (stale.status_code, stale.json()["version"]) == (409, 2)
    assert "version 2" in stale.json()["detail"]
    assert fresh.status_code == 200
    assert fresh.json()["work_order"]["version"] > 2


@pytest.mark.parametrize(
    ("header", "status"),
    [("*", 200), ("1", 200), ('W/"1"', 200), ('"7", "1"', 200), ('"7"', 409), ("soon", 422), ("", 422)],
)
async def test_what_if_match_may_say(desk: Desk, header: str, status: int) -> None:
    async with desk.house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(f"{ORDERS}/{desk.row.id}/start", headers={"If-Match": header})
    assert answer.status_code == status


async def test_a_stale_approval_is_a_conflict_before_it_is_a_wrong_move(desk: Desk) -> None:
    await desk.put(WAITING)
    async with desk.house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(f"{ORDERS}/{desk.row.id}/approve", json={"version": 1})
        late = await browser.post(f"{ORDERS}/{desk.row.id}/approve", json={"version": 1})
    assert (late.status_code, late.json()["version"]) == (409, 2)


async def test_null_empties_what_may_be_empty(house: House) -> None:
    row = await stored(house, notes="x", description="y")
    async with house.client(Role.TENANT_ADMIN) as browser:
        there = f"{ORDERS}/{row.id}"
        emptied = {"notes": None, "description": None, "assigned_to": None}
        order = (await browser.put(there, json=emptied)).json()["work_order"]
        names = ("title", "priority", "status")
        kept = [(await browser.put(there, json={name: None})).status_code for name in names]
        told = (await browser.get(there)).json()["history"]
    assert (order["notes"], order["description"], order["assigned_to"]) == (None, None, None)
    assert kept == [422, 422, 422]
    assert "Assigned to nobody" in [line["body"] for line in told]


async def test_work_is_given_to_people_who_may_do_it(house: House) -> None:
    row, viewer = await stored(house), house.own.users[Role.VIEWER].id
    async with house.client(Role.TENANT_ADMIN) as browser:
        answers = [
            await browser.post(f"{ORDERS}/{row.id}/assign", json={"user_id": viewer}),
            await browser.put(f"{ORDERS}/{row.id}", json={"assigned_to": viewer}),
            await browser.post(f"{ORDERS}/", json={"title": "x", "assigned_to": viewer}),
        ]
    assert {answer.status_code for answer in answers} == {422}


async def test_a_code_is_not_given_twice(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answers = [await browser.post(f"{ORDERS}/", json={"title": "x", "code": "WO-7"}) for _ in range(2)]
    async with house.client(house.other.users[Role.TENANT_ADMIN]) as browser:
        answers.append(await browser.post(f"{ORDERS}/", json={"title": "x", "code": "WO-7"}))
    assert [answer.status_code for answer in answers] == [200, 409, 200]


async def test_a_refused_change_changes_nothing(desk: Desk) -> None:
    """The fields of an update with an illegal move are not stored either."""
    await desk.put(OPEN)
    async with desk.house.client(Role.TENANT_ADMIN) as browser:
        await browser.put(f"{ORDERS}/{desk.row.id}", json={"title": "Half", "status": CLOSED})
        order = (await browser.get(f"{ORDERS}/{desk.row.id}")).json()
    assert (order["title"], order["version"], order["history"]) == (desk.row.title, 1, [])


@pytest.mark.clause("G6")
async def test_moves_that_decide_are_audited(desk: Desk) -> None:
    await desk.put(WAITING)
    async with desk.house.client(Role.TENANT_ADMIN) as browser:
        for verb in ("approve", "start", "complete", "close"):
            await desk.do(browser, LAW[verb])
    async with desk.house.database.transaction(desk.house.own.tenant.id) as tx:
        actions = (await tx.session.scalars(select(AuditLog.action).order_by(AuditLog.id))).all()
    assert [action for action in actions if action.startswith("work_order")] == [
        "work_order_approved",
        "work_order_closed",
    ]


SECRET: Final = "Operator on shift was drunk"


@pytest.mark.clause("G6")
@pytest.mark.parametrize("role", list(Role))
async def test_a_sensitive_note_is_only_where_it_belongs(house: House, role: Role) -> None:
    """In the order's history for those who see the order; nowhere else, and never for a viewer."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset)
    row = await stored(house, incident_id=str(incident.id))
    async with house.client(Role.ENGINEER) as engineer:
        said = {"body": SECRET, "sensitive": True}
        assert (await engineer.post(f"{ORDERS}/{row.id}/notes", json=said)).status_code == 200
        await engineer.post(f"{ORDERS}/{row.id}/notes", json={"body": "Greased it."})
    own = "/api/blackbox/incidents"
    paths = [
        f"{ORDERS}/",
        own,
        f"{own}/{incident.id}",
        f"{own}/{incident.id}/timeline",
        f"/api/twins/assets/{house.own.asset.id}",
        "/api/blackbox/events",
        "/api/notifications",
        f"/blackbox/incidents/{incident.id}",
        f"/blackbox/incidents/{incident.id}/report",
        f"/work-orders?q={SECRET[:8]}",
        "/digital-twin",
    ]
    async with house.client(role) as browser:
        detail = await browser.get(f"{ORDERS}/{row.id}")
        answers = {path: await browser.get(path) for path in paths}
    assert [path for path, answer in answers.items() if SECRET in answer.text] == []
    if role is Role.TENANT_ADMIN:
        assert {answer.status_code for answer in answers.values()} == {200}
    assert (SECRET in detail.text) == (role is not Role.VIEWER)
    if role is not Role.VIEWER:
        order = detail.json()
        lines = [line["body"] for line in order.pop("history") if line["is_sensitive"]]
        assert lines == [SECRET]
        assert SECRET not in str(order)


async def test_who_may_not_see_sensitive_notes_reads_the_others(house: House) -> None:
    """Also if a role that sees orders loses that permission one day."""
    row, engineer = await stored(house), house.own.users[Role.ENGINEER]
    async with house.client(Role.ENGINEER) as browser:
        for note in ({"body": SECRET, "sensitive": True}, {"body": "Greased it."}):
            await browser.post(f"{ORDERS}/{row.id}/notes", json=note)
    async with house.database.transaction(house.own.tenant.id) as tx:
        user: User = await tx.session.get_one(User, engineer.id)
        found = {
            role: [line["body"] for line in await history(tx, _viewer(user, role), row)]
            for role in (Role.ENGINEER, Role.VIEWER)
        }
        stored_lines = (await tx.session.scalars(select(WorkOrderHistory.body))).all()
    assert found == {Role.ENGINEER: ["Greased it.", SECRET], Role.VIEWER: ["Greased it."]}
    assert len(stored_lines) == 2


def _viewer(user: User, role: Role) -> Viewer:
    return Viewer(user.id, user.tenant_id, role, "", user.email, "en", uuid4())


async def test_a_message_about_a_note_does_not_carry_it(house: House) -> None:
    row = await stored(house)
    async with house.database.bus.subscribe() as messages, house.client(Role.ENGINEER) as browser:
        await browser.post(f"{ORDERS}/{row.id}/notes", json={"body": SECRET, "sensitive": True})
        async with asyncio.timeout(10):
            message = await messages.get()
    assert (message.kind, message.entity_id) == ("work_order_noted", str(row.id))
    assert SECRET not in str(message)
