"""The queue of the webhooks: facts as signed JSON (Standard Webhooks 1.0), one at a time for each webhook."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from sqlalchemy import select, update

from optria import __version__
from optria.core.errors import ConfigurationError, Invalid
from optria.db.delivery import DeliveryState, WebhookDelivery, WebhookRow
from optria.db.identity import Tenant
from optria.db.session import Tx
from optria.kit import clock
from optria.kit.addresses import resolve
from optria.kit.allowed_hosts import AllowedHosts
from optria.kit.secrets import Sealer
from optria.kit.settings import Settings
from optria.work.delivery_channels import NotSent
from optria.work.delivery_queue import Claim, claim, finish, first_due, is_due, is_hopeless, settle
from optria.work.delivery_told import incidents_of_fact

SECRET_PREFIX: Final = "whsec_"  # noqa: S105
SECRET_BYTES: Final = 32
ANSWER_S: Final = 10.0
MAY_PASS: Final = frozenset({408, 425, 429})
"""Refusals (besides 5xx) that another try may escape."""
LONGEST_URL: Final = 2000
WORDS: Final = "OPTRIA_WEBHOOK_HOSTS", "webhooks"
EVERYWHERE: Final = AllowedHosts(*WORDS)
"""Every host but those that are always refused."""


@dataclass(frozen=True, slots=True, order=True)
class Hook:
    """A destination: one webhook."""

    tenant_id: int
    webhook_id: int


@dataclass(frozen=True, slots=True)
class HookJob:
    claim: Claim
    url: str
    sealed_secret: str
    body: str
    incidents: Sequence[str]


class WebhookQueue:
    """Posts facts to webhooks. ``trust`` are the certificates that vouch for an https receiver."""

    def __init__(self, sealer: Sealer, trust: ssl.SSLContext, hosts: AllowedHosts = EVERYWHERE) -> None:
        self._sealer = sealer
        self._trust = trust
        self._hosts = hosts

    async def due(self, tx: Tx) -> list[Hook]:
        """Which webhooks have something due, across tenants."""
        statement = (
            select(WebhookDelivery.tenant_id, WebhookDelivery.webhook_id)
            .where(is_due(WebhookDelivery))
            .distinct()
            .limit(500)
        )
        return [Hook(*found) for found in (await tx.session.execute(statement))]

    async def claim(self, tx: Tx, hook: Hook) -> HookJob | None:
        """The next fact for a webhook; None when nothing is left that is due."""
        webhook = await tx.session.get(WebhookRow, hook.webhook_id)
        if webhook is None:
            return None
        tenant = await tx.session.get_one(Tenant, hook.tenant_id)
        while row := await first_due(tx, WebhookDelivery, WebhookDelivery.webhook_id == hook.webhook_id):
            if not webhook.is_active or webhook.secret is None:
                finish(row, DeliveryState.DROPPED, "The webhook is switched off.")
            elif tenant.is_closed:
                finish(row, DeliveryState.DROPPED, "The tenant is closed.")
            elif not is_hopeless(row):
                told = incidents_of_fact(row.body)
                return HookJob(claim(row), webhook.url, webhook.secret, row.body, told)
            await tx.session.flush()
        return None

    async def send(self, hook: Hook, job: HookJob) -> None:
        """Outside any transaction. Raises NotSent."""
        try:
            secret = self._sealer.open(job.sealed_secret, *place_of_secret(hook.tenant_id, hook.webhook_id))
        except ConfigurationError as error:
            raise NotSent(str(error)) from error
        body = job.body.encode()
        headers = headers_of(str(job.claim.row_id), clock.now(), body, secret)
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._post(job.url, body, headers)
        except TimeoutError as error:
            raise NotSent(f"The receiver did not answer within {ANSWER_S:.0f} s.") from error

    async def settle(self, tx: Tx, hook: Hook, job: HookJob, failure: NotSent | None) -> None:
        """While a receiver is away its other facts wait with the one that failed."""
        again_at = await settle(tx, WebhookDelivery, job.claim, failure)
        if again_at is None:
            return
        waiting = update(WebhookDelivery).where(
            WebhookDelivery.webhook_id == hook.webhook_id,
            WebhookDelivery.status == DeliveryState.PENDING,
            WebhookDelivery.next_attempt_at < again_at,
        )
        await tx.session.execute(waiting.values(next_attempt_at=again_at))

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """To an address that was looked at, whatever the name leads to a moment later; no redirects."""
        target = httpx.URL(url)
        host = target.host
        addresses = await resolve(host, target.port or _default_port(target))
        refused = self._hosts.refusal_of(host, addresses)
        if refused is not None:
            raise NotSent(refused, is_final=bool(addresses))
        headers = {**headers, "Host": target.netloc.decode()}
        async with httpx.AsyncClient(verify=self._trust, trust_env=False, timeout=ANSWER_S) as client:
            for last, address in enumerate(addresses, 1 - len(addresses)):
                request = client.build_request(
                    "POST",
                    target.copy_with(host=address),
                    content=body,
                    headers=headers,
                    extensions={"sni_hostname": host},
                )
                try:
                    answer = await client.send(request, stream=True)
                except httpx.ConnectError as error:
                    if last < 0:
                        continue
                    raise NotSent(f"The receiver cannot be reached: {_words(error)}") from error
                except httpx.HTTPError as error:
                    raise NotSent(f"The receiver broke off: {_words(error)}") from error
                await answer.aclose()
                judge(answer.status_code, answer.headers.get("retry-after"))
                return


def judge(status: int, retry_after: str | None) -> None:
    """What an answer means. Nothing of its body is kept: it may be the page of an inner server.

    Raises:
        NotSent: unless it is 2xx.
    """
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise NotSent(f"The receiver answered {status}: redirects are not followed.", is_final=True)
    may_pass = status in MAY_PASS or status >= 500
    raise NotSent(
        f"The receiver answered {status}.", is_final=not may_pass, retry_after_s=_seconds(retry_after)
    )


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After`` (RFC 9110 §10.2.3), seconds or a date; None when it is neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((at - clock.now()).total_seconds(), 0.0) if at.tzinfo else None


def headers_of(key: str, now: datetime, body: bytes, secret: str) -> dict[str, str]:
    """The headers of Standard Webhooks, and the key as ``Idempotency-Key`` too."""
    stamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        "User-Agent": f"OPTRIA-IQ/{__version__}",
        "Idempotency-Key": key,
        "webhook-id": key,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(key, stamp, body, secret),
    }


def signature(key: str, stamp: str, body: bytes, secret: str) -> str:
    """``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body`` (Standard Webhooks 1.0)."""
    try:
        raw = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ConfigurationError("The secret of this webhook is none. Make a new one.") from error
    digest = hmac.digest(raw, f"{key}.{stamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def place_of_secret(tenant_id: int, webhook_id: int) -> tuple[object, ...]:
    """What a sealed secret is bound to."""
    return tenant_id, "webhook", webhook_id, "secret"


def hosts_of(settings: Settings) -> AllowedHosts:
    """As the installation is set up. Raises ConfigurationError, naming the entry that is no host."""
    return AllowedHosts.of(settings.webhook_hosts, *WORDS)


async def check_url(url: str, hosts: AllowedHosts = EVERYWHERE) -> str:
    """An address that a webhook may have, as it is stored.

    Raises:
        Invalid: no http or https, with a name and password, unknown, not among ``hosts``, or an address that
            is never called.
    """
    try:
        target = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Invalid(f"'{url[:100]}' is not a web address.") from error
    port = target.port or _default_port(target)
    odd = target.scheme not in {"http", "https"} or not target.host or port > 65_535
    if odd or len(str(target)) > LONGEST_URL:
        raise Invalid("Write the address as https://host/path.")
    if target.userinfo or target.fragment:
        raise Invalid(
            "The address must not hold a name, a password or a #part. The signature proves the sender."
        )
    try:
        async with asyncio.timeout(5):
            addresses = await resolve(target.host, port)
    except TimeoutError:
        addresses = ()
    refused = hosts.refusal_of(target.host, addresses)
    if refused is not None:
        raise Invalid(refused)
    return str(target)


def _default_port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80


def _words(error: Exception) -> str:
    return str(error)[:300] or type(error).__name__
