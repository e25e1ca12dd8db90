"""Every route and live topic x every role and a stranger x both tenants: who gets in, and that nothing leaks.

What is expected comes from the permission table alone; the answers are searched for every text that the other
tenant has stored, and afterwards the other tenant's rows are what they were.
"""

import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncConnection
from websockets.asyncio.client import connect

from optria.core.messages import Message
from optria.core.roles import Permission, Role, can
from optria.db.session import Database
from optria.web.connection import SIGNED_OUT
from optria.web.permits import permission_of, routes_of
from optria.web.topics import EVENT_TOPICS
from tests.web.furnished import Furnished, furnish, rows_of
from tests.web.house import House, build
from tests.web.sockets import Browser, opened, served

TENANT_ROLES: Final = tuple(role for role in Role if role is not Role.PLATFORM_OWNER)
NAMES: Final = {
    "metric_name": "vibration",
    "integration_type": "opcua",
    "fault_id": "none",
}
"""Path parameters that are words."""
NARROWER: Final = {("PUT", "/api/work-orders/{work_order_id}", Role.ENGINEER)}
"""Routes where a role may change less than the example of the documentation does."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request of the matrix."""

    method: str
    route: str
    permission: Permission
    body: object
    query: str

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)(?::\w+)?}", self.route)

    @property
    def names_a_thing(self) -> bool:
        """Whether the address holds the id of something that a tenant has."""
        return any(name not in NAMES for name in self.parameters) and self.permission is not Permission.PUBLIC


@pytest.fixture
async def furnished(house: House) -> Furnished:
    return await furnish(house)


def cases(house: House) -> Iterator[Case]:
    document = house.app.openapi()
    for route in routes_of(house.app.routes):
        permission = permission_of(route.dependant)
        if isinstance(route, APIRoute) and permission is not None:
            for method in sorted(route.methods or ()):
                operation = document["paths"].get(route.path, {}).get(method.lower(), {})
                body = _example(document, operation)
                yield Case(method, route.path, permission, body, _required_query(operation))


def _required_query(operation: dict[str, Any]) -> str:
    """What an operation cannot be asked without: a request that is refused for its form proves nothing."""
    needed = [one for one in operation.get("parameters", ()) if one["in"] == "query" and one["required"]]
    return urlencode({one["name"]: _value(one["schema"]) for one in needed})


def _value(schema: dict[str, Any]) -> object:
    """One value that a parameter takes."""
    kind = schema.get("format", schema["type"])
    return {"integer": schema.get("minimum", 1), "date-time": "2026-01-01T00:00:00Z"}.get(kind, "vibration")


def _example(document: dict[str, Any], operation: dict[str, Any]) -> object:
    """The example body of an operation, as the API's documentation gives it."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "examples" in content:
        return next(iter(content["examples"].values()))["value"]
    schema = content.get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    examples = document.get("components", {}).get("schemas", {}).get(name, {}).get("examples", [])
    return content.get("example") or (examples[0] if examples else None)


def address(case: Case, things: dict[str, object]) -> str:
    """The route with the ids of one tenant's things."""
    values = NAMES | {name: things.get(name) for name in case.parameters if name not in NAMES}
    unknown = [name for name in case.parameters if values[name] is None]
    assert not unknown, f"{case.route}: tests/web/furnished.py does not know what {unknown} is"
    path = re.sub(r"{(\w+)(?::\w+)?}", lambda found: str(values[found[1]]), case.route)
    return f"{path}?{case.query}" if case.query else path


def of_tenant(path: str, tenant_id: object) -> str:
    """The address with the tenant that is meant, as the platform's people give it."""
    return f"{path}{'&' if '?' in path else '?'}tenant_id={tenant_id}"


@asynccontextmanager
async def undone(house: House) -> AsyncGenerator[None]:
    """What a request changes is taken back, so that every request meets the same rows."""
    connection: AsyncConnection = house.database.sessions.kw["bind"]
    savepoint = await connection.begin_nested()
    yield
    await savepoint.rollback()


async def ask(house: House, who: Role | None, case: Case, path: str) -> Any:
    async with house.client(who) as browser, undone(house):
        headers = {"accept": "application/json"}
        return await browser.request(case.method, path, json=case.body, headers=headers)


def leaks(furnished: Furnished, answer: Any, asked: str = "") -> list[str]:
    """Texts of the other tenant in an answer; what was asked for in so many words may be said back."""
    return [text for text in furnished.foreign if text in answer.text and text not in asked]


def is_odd(case: Case, status: int) -> bool:
    """Whether somebody who may was refused, or the product stumbled. A source may be away (503)."""
    refused = status in (401, 403) and case.permission is not Permission.PUBLIC
    return refused or (status >= 500 and status != 503)


def log(counts: Counter[str], title: str) -> None:
    print(f"\n{title}: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))


async def test_a_stranger_gets_in_nowhere(furnished: Furnished) -> None:
    counts: Counter[str] = Counter()
    for case in cases(furnished.house):
        for things in (furnished.own, furnished.other):
            answer = await ask(furnished.house, None, case, address(case, things))
            if case.permission is not Permission.PUBLIC:
                assert answer.status_code == 401, (case, answer.status_code)
            assert not leaks(furnished, answer, address(case, things)), case
            counts[str(answer.status_code)] += 1
    log(counts, "stranger")


@pytest.mark.clause("G6")
@pytest.mark.parametrize("role", TENANT_ROLES)
async def test_a_role_gets_in_exactly_where_it_may_and_never_into_the_other_tenant(
    furnished: Furnished, role: Role
) -> None:
    house = furnished.house
    before = await rows_of(house, house.other.tenant.id)
    counts: Counter[str] = Counter()
    wrong: list[tuple[object, ...]] = []
    for case in cases(house):
        may = can(role, case.permission)
        own = await ask(house, role, case, address(case, furnished.own))
        narrower = (case.method, case.route, role) in NARROWER
        if is_odd(case, own.status_code) if may and not narrower else own.status_code != 403:
            wrong.append((role.value, case.method, case.route, "own", own.status_code, own.text[:200]))
        path = address(case, furnished.other)
        chosen = of_tenant(path, house.other.tenant.id)
        for foreign in {path, chosen}:
            answer = await ask(house, role, case, foreign)
            if case.names_a_thing and answer.status_code != (404 if may else 403):
                wrong.append((role.value, case.method, foreign, "other", answer.status_code, answer.text))
            if found := leaks(furnished, answer, foreign):
                wrong.append((role.value, case.method, foreign, "leak", found[:3]))
            counts["other tenant's"] += 1
        counts["own"] += 1
    log(counts, role.value)
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
    assert await rows_of(house, house.other.tenant.id) == before


async def test_a_platform_owner_reaches_both_tenants_and_names_one_to_write(furnished: Furnished) -> None:
    house = furnished.house
    wrong = []
    for case in cases(house):
        for things in (furnished.own, furnished.other):
            path = of_tenant(address(case, things), things["tenant_id"])
            answer = await ask(house, Role.PLATFORM_OWNER, case, path)
            if is_odd(case, answer.status_code):
                wrong.append((case.method, path, answer.status_code, answer.text[:200]))
    assert wrong == [], "\n" + "\n".join(map(str, wrong))


TOPICS: Final[tuple[tuple[str, Permission], ...]] = (
    *EVENT_TOPICS.items(),
    ("v:site:{site_id}", Permission.VIEW_TWIN),
    ("v:asset:{asset_id}", Permission.VIEW_TWIN),
)


async def hears(browser: Browser, topic: str) -> bool:
    """Whether a topic is answered, while another one that everybody may follow is."""
    other = "e:incidents" if topic == "e:notify" else "e:notify"
    browser.waiting.clear()
    await browser.ask(op="sub", topic=topic)
    await browser.ask(op="sub", topic=other)
    await browser.next("snap", other)
    return any((message["op"], message.get("topic")) == ("snap", topic) for message in browser.waiting)


@pytest.mark.clause("G6")
async def test_live_topics_are_heard_by_those_who_may_and_by_no_other_tenant(database: Database) -> None:
    house = await build(database)
    counts: Counter[str] = Counter()
    async with served(house) as url:
        async with connect(url, proxy=None) as socket:
            assert await Browser(socket).closing() == SIGNED_OUT
        for role in Role:
            async with opened(house, url, role) as browser:
                for topic, permission in TOPICS:
                    for household in (house.own, house.other):
                        named = topic.format(site_id=household.site.id, asset_id=household.asset.id)
                        is_theirs = household is house.other and named != topic
                        may = can(role, permission) and (role is Role.PLATFORM_OWNER or not is_theirs)
                        heard = await hears(browser, named)
                        assert heard == may, (role, named)
                        counts["heard" if heard else "silent"] += 1
    log(counts, "live topics")


async def test_an_event_of_the_other_tenant_is_heard_by_nobody_here(database: Database) -> None:
    house = await build(database)
    async with served(house) as url:
        for role in TENANT_ROLES:
            async with opened(house, url, role) as browser:
                topics = [topic for topic, permission in EVENT_TOPICS.items() if can(role, permission)]
                for topic in topics:
                    await browser.ask(op="sub", topic=topic)
                    await browser.next("snap", topic)
                    for tenant_id, kind in ((house.other.tenant.id, "foreign"), (house.own.tenant.id, "own")):
                        told = house.user(role).id if topic == "e:notify" and kind == "own" else None
                        word: Any = topic.removeprefix("e:")
                        house.database.bus.publish(Message(tenant_id, word, kind, "1", user_id=told))
                    delta = await browser.next("d", topic)
                    assert [event["tenant_id"] for event in delta["data"]] == [house.own.tenant.id], topic
