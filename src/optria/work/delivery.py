"""Where notifications leave the product: queued in the transaction that stores them, sent after its commit.

A person's notification becomes one ``notification_deliveries`` row for each channel that has a sender
(:data:`~optria.work.delivery_channels.CHANNELS`), that the tenant has not switched off (tenant setting
``channels``) and that the person wants. A fact becomes one ``webhook_deliveries`` row for each webhook that
asks for its kind. :mod:`optria.work.delivery_sender` works through the rows.

THE SEAM FOR SMS is :class:`~optria.work.delivery_channels.Channel`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from optria.core.event import Severity
from optria.db.delivery import Delivery, DeliveryState, WebhookDelivery, WebhookRow
from optria.db.identity import Tenant
from optria.db.session import Tx
from optria.db.work import NotificationRow
from optria.kit import clock
from optria.work import preferences
from optria.work.delivery_channels import CHANNELS
from optria.work.delivery_planning import HeldFor


@dataclass(frozen=True, slots=True)
class Fact:
    """What webhooks are told: ``key`` names it once and for all, ``data`` is JSON."""

    key: str
    kind: str
    severity: str
    data: Mapping[str, object]


async def hand_over(tx: Tx, notification: NotificationRow) -> list[Delivery]:
    """Queue a stored notification for every channel that is on; the rows written."""
    if not CHANNELS:
        return []
    severity = Severity.parse(notification.severity)
    wanted, _ = await preferences.of_person(tx, notification.tenant_id, notification.user_id)
    now = clock.now()
    hold = wanted.hold(severity, now)
    rows = [
        Delivery(
            tenant_id=notification.tenant_id,
            notification_id=notification.id,
            user_id=notification.user_id,
            channel=channel,
            status=DeliveryState.HELD if hold else DeliveryState.PENDING,
            held_for=hold[0] if hold else None,
            next_attempt_at=hold[1] if hold else now,
        )
        for channel in await channels_of(tx, notification.tenant_id)
        if wanted.wants(channel, severity)
    ]
    tx.session.add_all(rows)
    await tx.session.flush()
    return rows


async def channels_of(tx: Tx, tenant_id: int) -> list[str]:
    """Channels with a sender that the tenant has not switched off: without the setting, all of them."""
    settings = await tx.session.scalar(select(Tenant.settings).where(Tenant.id == tenant_id))
    chosen = (settings or {}).get("channels")
    return [name for name in CHANNELS if not isinstance(chosen, list) or name in chosen]


async def look_again(tx: Tx, tenant_id: int, user_id: int) -> None:
    """What was held back for a person is looked at again now, because their preferences have changed."""
    held = (
        Delivery.tenant_id == tenant_id,
        Delivery.user_id == user_id,
        Delivery.status == DeliveryState.HELD,
        Delivery.held_for != HeldFor.FLOOD,
    )
    await tx.session.execute(update(Delivery).where(*held).values(next_attempt_at=clock.now()))


async def tell_webhooks(tx: Tx, tenant_id: int, fact: Fact) -> None:
    """Queue a fact for every active webhook that asks for it, once however often it is told."""
    severity, now = Severity.parse(fact.severity), clock.now()
    statement = select(WebhookRow).where(WebhookRow.tenant_id == tenant_id, WebhookRow.is_active)
    for webhook in (await tx.session.execute(statement)).scalars():
        wants_kind = webhook.kinds is None or fact.kind in webhook.kinds
        if wants_kind and severity >= Severity.parse(webhook.min_severity):
            await _queue(tx, webhook, fact, now)


async def _queue(tx: Tx, webhook: WebhookRow, fact: Fact, now: datetime) -> None:
    statement = insert(WebhookDelivery).values(**_values(webhook, fact, now))
    await tx.session.execute(
        statement.on_conflict_do_nothing(index_elements=["tenant_id", "webhook_id", "fact"])
    )


async def queue_test(tx: Tx, webhook: WebhookRow) -> WebhookDelivery:
    """Queue a harmless fact for one webhook; the row."""
    data = {"title": "A test of this webhook", "webhook_id": webhook.id}
    fact = Fact(f"test:{uuid4()}", "TEST", Severity.INFO.name, data)
    row = WebhookDelivery(**_values(webhook, fact, clock.now()))
    tx.session.add(row)
    await tx.session.flush()
    await tx.session.refresh(row)
    return row


def _values(webhook: WebhookRow, fact: Fact, now: datetime) -> dict[str, object]:
    said = {"type": fact.kind, "timestamp": now.isoformat(), "data": {"severity": fact.severity, **fact.data}}
    return {
        "tenant_id": webhook.tenant_id,
        "webhook_id": webhook.id,
        "fact": fact.key[:255],
        "kind": fact.kind,
        "body": json.dumps(said, ensure_ascii=False, separators=(",", ":")),
        "next_attempt_at": now,
    }
