"""From a fact to a tenant's webhook, with a real receiver."""

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from optria.core.errors import ConfigurationError, Invalid
from optria.db.delivery import WebhookDelivery, WebhookRow
from optria.db.identity import Tenant
from optria.db.session import Database
from optria.kit import clock
from optria.kit.settings import Settings
from optria.work.delivery import queue_test
from optria.work.delivery_channels import NotSent
from optria.work.delivery_sender import Sender
from optria.work.delivery_webhooks import (
    check_url,
    hosts_of,
    judge,
    new_secret,
    signature,
)
from optria.work.notifications import Notice, notify
from tests import factories
from tests.fakes.receiver import Receiver, Request
from tests.work.hooks import SEALER, SECRET, sender_of, webhook
from tests.work.letters import certificate


@dataclass
class Line:
    """A tenant, a receiver and the sender between them."""

    database: Database
    tenant_id: int
    people: list[int]
    receiver: Receiver
    sender: Sender

    async def hook(self, **values: Any) -> WebhookRow:
        async with self.database.transaction(self.tenant_id) as tx:
            return await webhook(tx, values.pop("url", self.receiver.url), **values)

    async def tell(self, key: str = "order:1", **values: Any) -> None:
        defaults: dict[str, Any] = {
            "notification_type": "WORK_ORDER_CREATED",
            "title": "WO-1: Bearing Fault",
            "title_ar": "عطل في المحمل",
            "body": "",
            "body_ar": "",
            "severity": "MAJOR",
            "entity_type": "work_order",
            "entity_id": "1",
            "action_url": "/work-orders?id=1",
            "payload": {"work_order_id": 1},
        }
        async with self.database.transaction(self.tenant_id) as tx:
            await notify(tx, self.tenant_id, self.people, Notice(key=key, **defaults | values))

    async def rows(self) -> list[WebhookDelivery]:
        async with self.database.transaction(self.tenant_id) as tx:
            found = await tx.session.execute(select(WebhookDelivery).order_by(WebhookDelivery.created_at))
            return list(found.scalars())

    async def retry(self) -> None:
        async with self.database.transaction(self.tenant_id) as tx:
            waiting = update(WebhookDelivery).where(WebhookDelivery.next_attempt_at.is_not(None))
            await tx.session.execute(waiting.values(next_attempt_at=clock.now()))
        await self.sender.drain()


@pytest.fixture
async def line(rolled_back: Database) -> AsyncGenerator[Line]:
    async with rolled_back.platform("test") as tx:
        tenant = await factories.tenant(tx)
        people = [(await factories.user(tx, tenant.id)).id for _ in range(3)]
    async with Receiver().running() as receiver:
        yield Line(rolled_back, tenant.id, people, receiver, sender_of(rolled_back))


def is_genuine(request: Request, secret: str) -> bool:
    """Verified as the Standard Webhooks specification says, by a receiver's own arithmetic."""
    key, stamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = f"{key}.{stamp}.".encode() + request.body
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in request.headers["webhook-signature"].split(" ")


@pytest.mark.clause("N4", "N5")
async def test_a_fact_for_three_people_is_posted_once_and_signed(line: Line) -> None:
    await line.hook()
    await line.tell()
    await line.tell()
    await line.sender.drain()
    (request,) = line.receiver.requests
    (row,) = await line.rows()
    assert request.line == "POST /in HTTP/1.1"
    assert is_genuine(request, SECRET)
    assert not is_genuine(request, new_secret())
    assert request.headers["webhook-id"] == request.headers["idempotency-key"] == str(row.id)
    said = json.loads(request.body)
    assert (said["type"], said["data"]["severity"]) == ("WORK_ORDER_CREATED", "MAJOR")
    assert said["data"]["title_ar"] == "عطل في المحمل"
    assert datetime.fromisoformat(said["timestamp"]).tzinfo is not None
    assert (row.status, row.attempts) == ("delivered", 1)


async def test_a_fact_that_concerns_nobody_in_particular_is_posted_too(line: Line) -> None:
    await line.hook()
    line.people.clear()
    await line.tell()
    assert len(await line.rows()) == 1


@pytest.mark.parametrize(
    ("asks", "queued"),
    [
        ({}, 1),
        ({"kinds": ["WORK_ORDER_CREATED"]}, 1),
        ({"kinds": ["WORK_ORDER_ASSIGNED"]}, 0),
        ({"min_severity": "MAJOR"}, 1),
        ({"min_severity": "CRITICAL"}, 0),
        ({"is_active": False}, 0),
    ],
)
async def test_a_webhook_hears_what_it_asks_for(line: Line, asks: dict[str, Any], queued: int) -> None:
    await line.hook(**asks)
    await line.tell()
    assert len(await line.rows()) == queued


async def test_a_repeat_has_the_same_key_and_body(line: Line) -> None:
    await line.hook()
    line.receiver.answers = ["503 Service Unavailable"]
    await line.tell()
    await line.sender.drain()
    (row,) = await line.rows()
    assert (row.status, row.attempts) == ("pending", 1)
    assert "503" in (row.last_error or "")
    await line.retry()
    first, second = line.receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert [row.status for row in await line.rows()] == ["delivered"]


@pytest.mark.parametrize("answer", ["410 Gone", "404 Not Found", "401 Unauthorized", "400 Bad Request"])
async def test_a_refusal_for_good_is_dead_at_once(line: Line, answer: str) -> None:
    await line.hook()
    line.receiver.answers = [answer]
    await line.tell()
    await line.sender.drain()
    assert [(row.status, row.attempts) for row in await line.rows()] == [("dead", 1)]


async def test_a_redirect_is_not_followed(line: Line) -> None:
    await line.hook()
    line.receiver.answers = [f"307 Temporary Redirect\r\nLocation: {line.receiver.url}"]
    await line.tell()
    await line.sender.drain()
    (row,) = await line.rows()
    assert len(line.receiver.requests) == 1
    assert (row.status, row.last_error) == ("dead", "The receiver answered 307: redirects are not followed.")


async def test_a_receiver_says_when_to_come_again(line: Line) -> None:
    await line.hook()
    line.receiver.answers = ["429 Too Many Requests\r\nRetry-After: 1800"]
    await line.tell()
    await line.sender.drain()
    (row,) = await line.rows()
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > clock.now() + timedelta(minutes=25)


async def test_other_facts_wait_while_a_receiver_is_away(line: Line) -> None:
    await line.hook()
    line.receiver.answers = ["500 Internal Server Error"] * 9
    for number in range(5):
        await line.tell(f"order:{number}")
    await line.sender.drain()
    assert len(line.receiver.requests) == 1
    assert [row.status for row in await line.rows()] == ["pending"] * 5


async def test_the_answers_own_words_are_not_kept(line: Line) -> None:
    """Or the reason of a failure would be a way to read the pages of inner servers."""
    await line.hook()
    line.receiver.answers = ["500 secret-of-an-inner-server"]
    await line.tell()
    await line.sender.drain()
    (row,) = await line.rows()
    assert "secret" not in (row.last_error or "")


async def test_a_webhook_switched_off_meanwhile_is_left_alone(line: Line) -> None:
    hook = await line.hook()
    await line.tell()
    async with line.database.transaction(line.tenant_id) as tx:
        (await tx.session.get_one(WebhookRow, hook.id)).is_active = False
    await line.sender.drain()
    assert [row.status for row in await line.rows()] == ["dropped"]
    assert line.receiver.requests == []


async def test_a_secret_of_another_place_signs_nothing(line: Line) -> None:
    hook = await line.hook()
    async with line.database.transaction(line.tenant_id) as tx:
        row = await tx.session.get_one(WebhookRow, hook.id)
        row.secret = SEALER.seal(SECRET, line.tenant_id, "webhook", hook.id + 1, "secret")
    await line.tell()
    await line.sender.drain()
    assert [row.status for row in await line.rows()] == ["pending"]
    assert line.receiver.requests == []


async def test_a_test_goes_to_one_webhook(line: Line) -> None:
    hook = await line.hook()
    await line.hook(name="Another")
    async with line.database.transaction(line.tenant_id) as tx:
        queued = await queue_test(tx, await tx.session.get_one(WebhookRow, hook.id))
    await line.sender.drain()
    (request,) = line.receiver.requests
    assert json.loads(request.body)["type"] == "TEST"
    assert request.headers["webhook-id"] == str(queued.id)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0/",
        "http://2852039166/",
    ],
)
async def test_an_address_that_is_never_called_is_refused_twice(line: Line, url: str) -> None:
    """When it is written down, and, in case its name leads elsewhere by then, when it is called."""
    with pytest.raises(Invalid):
        await check_url(url)
    await line.hook(url=url)
    await line.tell()
    await line.sender.drain()
    assert [row.status for row in await line.rows()] == ["dead"]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "//127.0.0.1/",
        "nonsense",
        "",
        "http://",
        "http://user:password@127.0.0.1/",
        "http://127.0.0.1/#part",
        "http://127.0.0.1:99999999/",
        "http://[::1/",
        f"http://127.0.0.1/{'x' * 2000}",
        "http://no-such-host.invalid/",
    ],
)
async def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        await check_url(url)


async def test_an_address_in_the_plants_network_is_fine() -> None:
    assert await check_url(" http://10.20.30.40:8080/in?plant=a ") == "http://10.20.30.40:8080/in?plant=a"


async def test_a_closed_tenants_webhooks_are_told_nothing(line: Line) -> None:
    await line.hook()
    await line.tell()
    async with line.database.platform("test") as tx:
        await tx.session.execute(update(Tenant).where(Tenant.id == line.tenant_id).values(status="suspended"))
    await line.sender.drain()
    (row,) = await line.rows()
    assert (row.status, row.last_error, line.receiver.requests) == ("dropped", "The tenant is closed.", [])


@pytest.mark.parametrize(
    ("hosts", "status"),
    [("", "delivered"), ("127.0.0.0/8", "delivered"), ("10.0.0.0/8, *.plant.example", "dead")],
)
async def test_the_list_of_hosts_is_asked_at_every_call(line: Line, hosts: str, status: str) -> None:
    await line.hook()
    await line.tell()
    await sender_of(line.database, hosts=hosts).drain()
    (row,) = await line.rows()
    assert (row.status, len(line.receiver.requests)) == (status, 1 if status == "delivered" else 0)
    assert ("OPTRIA_WEBHOOK_HOSTS" in str(row.last_error)) is (status == "dead")


async def test_the_list_of_hosts_is_asked_when_an_address_is_written_down() -> None:
    listed = hosts_of(Settings(webhook_hosts="*.plant.example, 10.20.0.0/16"))
    assert await check_url("http://10.20.30.40/in", listed) == "http://10.20.30.40/in"
    with pytest.raises(Invalid, match="not among the hosts that webhooks may reach here"):
        await check_url("http://10.21.30.40/in", listed)
    with pytest.raises(ConfigurationError, match="'a b' in OPTRIA_WEBHOOK_HOSTS is no host"):
        hosts_of(Settings(webhook_hosts="a b"))


async def test_https_is_checked_against_the_name(line: Line, tmp_path: Path) -> None:
    ours, server_side = certificate(tmp_path, "localhost")
    trusting = sender_of(line.database, ssl.create_default_context(cafile=ours))
    async with Receiver().running(server_side) as secure:
        await line.hook(url=f"https://localhost:{secure.port}/in")
        await line.tell()
        await line.sender.drain()
        assert secure.requests == []
        assert "certificate" in str((await line.rows())[0].last_error).lower()
        line.sender = trusting
        await line.retry()
        (request,) = secure.requests
        assert request.headers["host"] == f"localhost:{secure.port}"
        await line.hook(name="By address", url=f"https://127.0.0.1:{secure.port}/in")
        await line.tell("order:2")
        await line.sender.drain()
    states = {row.webhook_id: row.status for row in await line.rows() if row.fact == "order:2"}
    assert sorted(states.values()) == ["delivered", "pending"]


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the Standard Webhooks documents."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    assert (
        signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body, secret)
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize(
    ("status", "retry_after", "final", "wait_s"),
    [
        (429, "120", False, 120.0),
        (503, None, False, None),
        (503, "nonsense", False, None),
        (503, "Wed, 21 Oct 2015 07:28:00 GMT", False, 0.0),
        (408, "", False, None),
        (403, None, True, None),
        (302, None, True, None),
        (600, None, False, None),
    ],
)
def test_what_an_answer_means(
    status: int, retry_after: str | None, final: bool, wait_s: float | None
) -> None:
    with pytest.raises(NotSent) as failed:
        judge(status, retry_after)
    assert (failed.value.is_final, failed.value.retry_after_s) == (final, wait_s)


def test_every_2xx_is_a_yes() -> None:
    for status in (200, 202, 204):
        judge(status, None)
