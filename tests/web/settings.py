"""What the tests of the configuration share: asking as an administrator, and what was written down of it."""

import json
from collections.abc import Sequence

import httpx
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.blackbox import EventRow
from optria.db.identity import AuditLog, User
from optria.web.shapes import Json
from tests import factories
from tests.web.house import House


async def ask(
    house: House, method: str, path: str, body: Json | None = None, who: Role | User = Role.TENANT_ADMIN
) -> httpx.Response:
    sent = None if body is None else json.dumps(body)
    async with house.client(who) as browser:
        browser.headers["content-type"] = "application/json"
        return await browser.request(method, f"/api/config/{path}", content=sent)


async def done(house: House, method: str, path: str, body: Json | None = None) -> dict[str, object]:
    """The answer to what must succeed."""
    answer = await ask(house, method, path, body)
    assert answer.is_success, answer.text
    found: dict[str, object] = answer.json() if answer.content else {}
    return found


async def refused(house: House, status: int, method: str, path: str, body: Json | None = None) -> str:
    """What is said about a request that must be refused."""
    answer = await ask(house, method, path, body)
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


async def items(house: House, path: str) -> list[dict[str, object]]:
    listed = (await ask(house, "GET", path)).json()
    assert listed["total"] >= len(listed["items"])
    found: list[dict[str, object]] = listed["items"]
    return found


async def change_events(house: House) -> Sequence[EventRow]:
    """The CONFIG_CHANGE events of the own tenant, oldest first."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        query = select(EventRow).where(EventRow.event_category == "CONFIG_CHANGE")
        return (await tx.session.scalars(query.order_by(EventRow.event_time))).all()


async def deeds(house: House) -> list[str]:
    """The actions that were audited in the own tenant, oldest first."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        return list((await tx.session.scalars(select(AuditLog.action).order_by(AuditLog.id))).all())


async def second_admin(house: House) -> User:
    async with house.database.platform("test") as tx:
        return await factories.user(tx, house.own.tenant.id, Role.TENANT_ADMIN)
