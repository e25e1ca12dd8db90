"""Changes that are sent again: carried out once, answered as often as asked."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from sqlalchemy import func, select

from optria.core.errors import Conflict
from optria.core.roles import Permission, Role
from optria.db.blackbox import EventRow
from optria.db.identity import User
from optria.db.requests import RequestKey
from optria.db.session import Database, Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web import request_keys
from optria.web.deps import Permit, open_tx
from optria.web.idempotency import REPLAYED, RepeatableRoute
from optria.web.permits import permission_of, routes_of
from optria.web.request_keys import KEPT_FOR, LARGEST_ANSWER_BYTES, Repeatable
from optria.web.security import SAFE_METHODS
from tests.web.house import House, build
from tests.web.ordering import ORDERS, address, stored

ORDER = {"title": "Grease the pump"}


def key(word: str = "one") -> dict[str, str]:
    return {"Idempotency-Key": word}


async def orders_of(house: House) -> int:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await tx.session.scalar(select(func.count()).select_from(WorkOrderRow)) or 0


async def test_a_repeat_is_answered_and_not_carried_out(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        first = await browser.post(f"{ORDERS}/", json=ORDER, headers=key())
        again = await browser.post(f"{ORDERS}/", json=ORDER, headers=key())
        other = await browser.post(f"{ORDERS}/", json=ORDER, headers=key("two"))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert (first.headers.get(REPLAYED), again.headers[REPLAYED]) == (None, "true")
    assert other.json()["work_order"]["id"] != first.json()["work_order"]["id"]
    assert await orders_of(house) == 2


async def test_a_key_in_quotes_is_the_key(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(f"{ORDERS}/", json=ORDER, headers=key('"one"'))
        await browser.post(f"{ORDERS}/", json=ORDER, headers=key("one"))
    assert await orders_of(house) == 1


@pytest.mark.parametrize(("title", "query"), [("Other", ""), (ORDER["title"], "?lang=ar")])
async def test_a_key_belongs_to_one_request(house: House, title: str, query: str) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(f"{ORDERS}/", json=ORDER, headers=key())
        refused = await browser.post(f"{ORDERS}/{query}", json={"title": title}, headers=key())
        elsewhere = await browser.post("/api/notifications/mark-all-read", headers=key())
    assert (refused.status_code, elsewhere.status_code) == (422, 422)
    assert "another request" in refused.json()["detail"]
    assert await orders_of(house) == 1


async def test_a_key_belongs_to_one_user(house: House) -> None:
    for role in (Role.TENANT_ADMIN, Role.OPTIMIZATION_ENGINEER):
        async with house.client(role) as browser:
            answer = await browser.post(f"{ORDERS}/", json=ORDER, headers=key())
            assert answer.headers.get(REPLAYED) is None
    async with house.client(house.other.users[Role.TENANT_ADMIN]) as browser:
        assert (await browser.post(f"{ORDERS}/", json=ORDER, headers=key())).headers.get(REPLAYED) is None
    assert await orders_of(house) == 2


@pytest.mark.parametrize(
    ("body", "status"), [({"title": "x", "asset_id": 987_654}, 404), ({"title": ""}, 422)]
)
async def test_a_refused_change_gives_its_key_back(
    house: House, body: dict[str, object], status: int
) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = await browser.post(f"{ORDERS}/", json=body, headers=key())
        mended = await browser.post(f"{ORDERS}/", json=ORDER, headers=key())
    assert (refused.status_code, mended.status_code) == (status, 200)


async def test_who_lost_the_permission_does_not_get_the_answer_again(house: House) -> None:
    row, engineer = await stored(house), house.own.users[Role.ENGINEER]
    async with house.client(Role.ENGINEER) as browser:
        done = await browser.post(address(house, row, "/start"), headers=key())
        async with house.database.transaction(house.own.tenant.id) as tx:
            (await tx.session.get_one(User, engineer.id)).role = Role.VIEWER
        refused = await browser.post(address(house, row, "/start"), headers=key())
    assert (done.status_code, refused.status_code) == (200, 403)


@pytest.mark.parametrize("word", ["", "x" * 201, "two words", "tab\tbed", "ключ"])
async def test_what_is_no_key_is_refused(house: House, word: str) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = await browser.post(f"{ORDERS}/", json=ORDER, headers={b"Idempotency-Key": word.encode()})
    assert refused.status_code == 422
    assert await orders_of(house) == 0


async def test_two_keys_are_refused_and_reads_need_none(house: House) -> None:
    both = httpx.Headers([("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.post(f"{ORDERS}/", json=ORDER, headers=both)).status_code == 422
        assert (await browser.get(f"{ORDERS}/", headers=both)).status_code == 200


async def test_keys_are_kept_for_a_day(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        for word in ("one", "forgotten"):
            await browser.post(f"{ORDERS}/", json=ORDER, headers=key(word))
        async with house.database.transaction(house.own.tenant.id) as tx:
            for row in await tx.session.scalars(select(RequestKey)):
                row.created_at = clock.now() - KEPT_FOR - timedelta(seconds=1)
        again = await browser.post(f"{ORDERS}/", json={"title": "Another day"}, headers=key())
    assert again.status_code == 200
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert (await tx.session.scalars(select(RequestKey.key))).all() == ["one"]


@pytest.mark.parametrize(
    "answer",
    [
        JSONResponse("x" * LARGEST_ANSWER_BYTES),
        PlainTextResponse("a,b\n1,2\n", media_type="text/csv"),
        JSONResponse({"admin_credentials": {"temporary_password": "told once"}}),
        JSONResponse({"id": 1, "secret": "told once"}),
    ],
)
async def test_an_answer_that_is_not_kept_is_said_to_be_lost(tx: Tx, answer: JSONResponse) -> None:
    assert tx.tenant_id is not None
    asked = Repeatable("one", "f")
    await request_keys.claim(tx, tx.tenant_id, 7, asked)
    assert asked.place is not None
    await request_keys.keep(tx, asked.place, answer)
    with pytest.raises(Conflict, match="carried out, but its answer was not kept"):
        await request_keys.claim(tx, tx.tenant_id, 7, asked)
    assert (await tx.session.scalars(select(RequestKey.answer))).all() == [None]


EVENT = {
    "source_system": "MANUAL",
    "source_type": "OPERATOR_ACTION",
    "event_time": "2026-11-22T10:00:00Z",
    "event_category": "OPERATOR_ACTION",
}
EVENTS = "/api/blackbox/events"


async def test_a_route_with_its_own_transaction_is_carried_out_once(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = await browser.post(EVENTS, json=EVENT | {"asset_id": 987_654}, headers=key())
        first = await browser.post(EVENTS, json=EVENT, headers=key())
        again = await browser.post(EVENTS, json=EVENT, headers=key())
        other = await browser.post(EVENTS, json=EVENT | {"summary": "Valve opened"}, headers=key())
    assert [a.status_code for a in (refused, first, again, other)] == [404, 200, 200, 422]
    assert (again.content, again.headers[REPLAYED]) == (first.content, "true")
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert await tx.session.scalar(select(func.count()).select_from(EventRow)) == 1


async def test_a_change_that_was_cut_off_is_not_done_twice(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(EVENTS, json=EVENT, headers=key())
        async with house.database.transaction(house.own.tenant.id) as tx:
            row = (await tx.session.scalars(select(RequestKey))).one()
            row.status = row.answer = None
        again = await browser.post(EVENTS, json=EVENT, headers=key())
    assert (again.status_code, again.headers["Retry-After"]) == (409, "1")


async def test_a_platform_owners_key_belongs_to_the_tenant_named(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        for tenant in (house.own.tenant.id, house.other.tenant.id):
            for path, body in ((EVENTS, EVENT), (f"{ORDERS}/", ORDER)):
                for replayed in (None, "true"):
                    answer = await browser.post(
                        path, params={"tenant_id": tenant}, json=body, headers=key(path)
                    )
                    assert (answer.status_code, answer.headers.get(REPLAYED)) == (200, replayed)
        unnamed = [await browser.post(EVENTS, json=EVENT, headers=key()) for _ in range(2)]
    assert [answer.status_code for answer in unnamed] == [422, 422]


async def test_a_stranger_is_a_stranger_with_a_key(house: House) -> None:
    async with house.client() as browser:
        for path in (EVENTS, f"{ORDERS}/"):
            assert (await browser.post(path, json={}, headers=key())).status_code == 401


def asked_in_order(dependant: Dependant) -> Iterator[object]:
    """What a route asks for, at any depth, as it is called: first what a thing needs, then the thing."""
    for each in dependant.dependencies:
        yield from asked_in_order(each)
        yield each.call


async def test_every_change_may_be_repeated(house: House) -> None:
    """Also: whoever may not do it is refused before an answer is looked up."""
    changes = [
        route
        for route in routes_of(house.app.routes)
        if isinstance(route, APIRoute)
        and (route.methods or set()) - SAFE_METHODS
        and permission_of(route.dependant) is not Permission.PUBLIC
    ]
    assert len(changes) > 25
    assert [route.path for route in changes if not isinstance(route, RepeatableRoute)] == []
    for route in changes:
        asked = list(asked_in_order(route.dependant))
        if open_tx in asked:
            permit = next(place for place, call in enumerate(asked) if isinstance(call, Permit))
            assert permit < asked.index(open_tx), f"{route.path} asks for the transaction first"


@pytest.mark.parametrize(("path", "body"), [(f"{ORDERS}/", ORDER), (EVENTS, EVENT)])
async def test_requests_at_the_same_time_are_carried_out_once(
    database: Database, path: str, body: dict[str, str]
) -> None:
    house = await build(database)
    async with house.client(Role.TENANT_ADMIN) as browser, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(browser.post(path, json=body, headers=key(word)))
            for _ in range(8)
            for word in ("one", "two")
        ]
    answers = [task.result() for task in tasks]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert all(answer.headers["Retry-After"] == "1" for answer in answers if answer.status_code == 409)
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 2
    async with database.transaction(house.own.tenant.id) as tx:
        table = WorkOrderRow if path.startswith(ORDERS) else EventRow
        assert await tx.session.scalar(select(func.count()).select_from(table)) == 2
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.post(path, json=body, headers=key())).headers[REPLAYED] == "true"
