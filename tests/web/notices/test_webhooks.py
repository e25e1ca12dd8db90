"""Webhooks over HTTP."""

import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.blackbox import EventRow
from optria.db.delivery import WebhookRow
from optria.db.identity import AuditLog, User
from optria.db.session import Database
from optria.kit.secrets import sealer_of
from optria.work.delivery_people import PersonQueue
from optria.work.delivery_sender import Sender
from optria.work.delivery_webhooks import WebhookQueue
from tests.fakes.receiver import Receiver
from tests.web.house import House, build
from tests.web.settings import deeds
from tests.work.test_delivery_webhooks import is_genuine

PATH = "/api/webhooks"
HOOK = {"name": "Maintenance system", "url": "http://127.0.0.1:9/in"}


@pytest.fixture
async def house(rolled_back: Database, tmp_path: Path) -> House:
    return await build(rolled_back, home=tmp_path)


async def ask(
    house: House, method: str, path: str = PATH, body: object = None, who: Role | User = Role.TENANT_ADMIN
) -> httpx.Response:
    async with house.client(who) as browser:
        return await browser.request(method, path, json=body)


async def made(house: House, **values: object) -> dict[str, Any]:
    answer = await ask(house, "POST", PATH, HOOK | values)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_webhook_is_made_tested_and_its_deliveries_shown(house: House) -> None:
    async with Receiver().running() as receiver:
        hook = await made(house, url=receiver.url)
        tested = await ask(house, "POST", f"{PATH}/{hook['id']}/test")
        assert (tested.status_code, tested.json()["status"]) == (202, "pending")
        queue = WebhookQueue(sealer_of(house.services.settings), ssl.create_default_context())
        await Sender(house.database, PersonQueue(), queue).drain()
        (request,) = receiver.requests
    assert is_genuine(request, hook["secret"])
    assert json.loads(request.body)["type"] == "TEST"
    listed = (await ask(house, "GET", f"{PATH}/{hook['id']}/deliveries")).json()
    assert listed["total"] == 1
    assert (listed["items"][0]["id"], listed["items"][0]["status"]) == (tested.json()["id"], "delivered")


async def test_a_secret_is_shown_once_and_stored_sealed(house: House) -> None:
    hook = await made(house)
    secret = hook.pop("secret")
    assert secret.startswith("whsec_")
    async with house.database.transaction(house.own.tenant.id) as tx:
        stored = (await tx.session.execute(select(WebhookRow))).scalar_one()
        audits = (await tx.session.execute(select(AuditLog.new_values))).scalars().all()
        events = (await tx.session.execute(select(EventRow.payload))).scalars().all()
    bare = secret.removeprefix("whsec_")
    assert bare not in (stored.secret or "")
    assert bare not in f"{audits} {events}"
    assert (await ask(house, "GET", f"{PATH}/{hook['id']}")).json() == hook
    assert (await ask(house, "GET")).json()["items"] == [hook]
    renewed = (await ask(house, "POST", f"{PATH}/{hook['id']}/secret")).json()
    assert renewed["secret"] != secret


async def test_only_what_is_sent_changes_and_every_change_is_written_down(house: House) -> None:
    hook = await made(house, kinds=["WORK_ORDER_CREATED"])
    path = f"{PATH}/{hook['id']}"
    changed = (await ask(house, "PUT", path, {"is_active": False})).json()
    assert (changed["is_active"], changed["name"], changed["kinds"]) == (
        False,
        HOOK["name"],
        ["WORK_ORDER_CREATED"],
    )
    assert (await ask(house, "PUT", path, {"kinds": None})).json()["kinds"] is None
    assert (await ask(house, "POST", f"{path}/test")).status_code == 409
    assert (await ask(house, "DELETE", path)).json() == {"success": True}
    assert (await ask(house, "GET", path)).status_code == 404
    assert await deeds(house) == ["webhook_created", "webhook_changed", "webhook_changed", "webhook_deleted"]


async def test_a_name_is_taken_once(house: House) -> None:
    await made(house)
    assert (await ask(house, "POST", PATH, HOOK)).status_code == 409
    second = await made(house, name="Another")
    answer = await ask(house, "PUT", f"{PATH}/{second['id']}", {"name": HOOK["name"]})
    assert answer.status_code == 409
    assert (await ask(house, "PUT", f"{PATH}/{second['id']}", {"name": "Another"})).status_code == 200
    theirs = await ask(house, "POST", PATH, HOOK, house.other.users[Role.TENANT_ADMIN])
    assert theirs.status_code == 201


async def test_a_mistyped_type_is_refused_with_the_list_of_types(house: House) -> None:
    answer = await ask(house, "POST", PATH, HOOK | {"kinds": ["WORK_ORDER_CREATED", "INCIDENT"]})
    (said,) = answer.json()["detail"]
    assert answer.status_code == 422
    assert said["loc"] == ["body", "kinds", 1]
    assert said["msg"].startswith("a type of notification is needed: INCIDENT_CREATED, ")


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://169.254.169.254/latest"},
        {"url": "file:///etc/passwd"},
        {"url": "http://user:password@127.0.0.1/"},
        {"url": None},
        {"url": "\ud800\x00"},
        {"name": ""},
        {"name": None},
        {"name": "x" * 101},
        {"min_severity": "GRAVE"},
        {"kinds": [""]},
        {"kinds": ["WORK_ORDER_CRAETED"]},
        {"is_active": None},
        {"secret": "whsec_mine"},
    ],
)
async def test_what_is_no_webhook_is_refused(house: House, wrong: dict[str, object]) -> None:
    hook = await made(house, name="There")
    for method, path in (("POST", PATH), ("PUT", f"{PATH}/{hook['id']}")):
        body = json.dumps((HOOK if method == "POST" else {}) | wrong)
        async with house.client(Role.TENANT_ADMIN) as browser:
            headers = {"content-type": "application/json"}
            answer = await browser.request(method, path, content=body, headers=headers)
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER, Role.OPTIMIZATION_ENGINEER])
async def test_webhooks_are_the_administrators(house: House, role: Role) -> None:
    assert (await ask(house, "GET", who=role)).status_code == 403
    assert (await ask(house, "POST", PATH, HOOK, role)).status_code == 403


async def test_another_tenants_webhook_does_not_exist(house: House) -> None:
    hook = await made(house)
    stranger = house.other.users[Role.TENANT_ADMIN]
    path = f"{PATH}/{hook['id']}"
    for method, where, body in (
        ("GET", path, None),
        ("PUT", path, {"is_active": False}),
        ("DELETE", path, None),
        ("POST", f"{path}/test", None),
        ("POST", f"{path}/secret", None),
        ("GET", f"{path}/deliveries", None),
    ):
        assert (await ask(house, method, where, body, stranger)).status_code == 404
    assert (await ask(house, "GET", who=stranger)).json()["total"] == 0


async def test_there_is_an_end_to_webhooks(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        for number in range(50):
            tx.session.add(
                WebhookRow(
                    tenant_id=house.own.tenant.id,
                    name=f"Hook {number}",
                    url=HOOK["url"],
                    min_severity="INFO",
                )
            )
    assert (await ask(house, "POST", PATH, HOOK)).status_code == 409


async def test_the_path_of_an_address_is_not_in_the_record_of_a_change(house: House) -> None:
    hook = await made(house, url="http://127.0.0.1:9/hooks/of-ours?key=of-ours")
    await ask(house, "PUT", f"{PATH}/{hook['id']}", {"url": "http://127.0.0.1:9/another/of-ours"})
    await ask(house, "DELETE", f"{PATH}/{hook['id']}")
    assert await deeds(house) == ["webhook_created", "webhook_changed", "webhook_deleted"]
    async with house.client(Role.ENGINEER) as browser:
        told = (await browser.get("/api/blackbox/events")).text
    async with house.client(Role.TENANT_ADMIN) as browser:
        kept = (await browser.get("/api/audit-logs")).text
    assert "http://127.0.0.1:9/…" in told
    assert "http://127.0.0.1:9/…" in kept
    assert "of-ours" not in told + kept


async def test_a_webhook_leads_to_a_host_that_the_installation_lists(
    rolled_back: Database, tmp_path: Path
) -> None:
    house = await build(rolled_back, home=tmp_path, webhook_hosts="10.20.0.0/16")
    hook = await made(house, url="http://10.20.0.1/in")
    path = f"{PATH}/{hook['id']}"
    for method, where, body in (("POST", PATH, HOOK), ("PUT", path, {"url": HOOK["url"]})):
        answer = await ask(house, method, where, body)
        assert (answer.status_code, "OPTRIA_WEBHOOK_HOSTS" in answer.text) == (422, True)
    assert (await ask(house, "GET", path)).json()["url"] == "http://10.20.0.1/in"
