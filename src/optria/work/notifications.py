"""Tell people: a stored row for each, at most once per fact, a message to their screens, and the ways out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from optria.core.messages import Message
from optria.db.session import Tx
from optria.db.work import NotificationRow
from optria.kit import clock
from optria.work import delivery, floods

TYPES: Final = (
    "INCIDENT_CREATED",
    "INCIDENT_ASSIGNED",
    "INCIDENT_RESOLVED",
    "WORK_ORDER_CREATED",
    "WORK_ORDER_ASSIGNED",
    "WORK_ORDER_COMPLETED",
    "RCA_COMPLETED",
    "ALERT_CRITICAL",
    "SYSTEM_MESSAGE",
    "WORK_ORDER_REOPENED",
)
"""Version 1's types of notification, and that of a fix that did not hold. Programs may write others, which
webhooks for all types are told."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell. ``key`` names the fact: the same key reaches one user once."""

    key: str
    notification_type: str
    title: str
    title_ar: str
    body: str
    body_ar: str
    severity: str
    entity_type: str
    entity_id: str
    action_url: str
    payload: Mapping[str, object] = field(default_factory=dict)
    asset_id: int | None = None


async def notify(tx: Tx, tenant_id: int, user_ids: Iterable[int], notice: Notice) -> list[NotificationRow]:
    """Store ``notice`` for each user, once, and queue it for the ways out; the rows that are new.

    In a flood of alarms a person's screen is told of a digest instead (:mod:`optria.work.floods`).
    """
    rows = []
    told = list(dict.fromkeys(user_ids))
    await delivery.tell_webhooks(tx, tenant_id, _fact(notice))
    if notice.notification_type in floods.ALARMS:
        await floods.alone(tx, told)
    for user_id in told:
        row = await _store(tx, tenant_id, user_id, notice)
        if row is None:
            continue
        await delivery.hand_over(tx, row)
        shown = await floods.fold(tx, row, notice.asset_id)
        if row.folded_into is None or shown is not None:
            await _announce(tx, shown or row)
        rows.append(row)
    return rows


async def _store(tx: Tx, tenant_id: int, user_id: int, notice: Notice) -> NotificationRow | None:
    values = {
        "tenant_id": tenant_id,
        "user_id": user_id,
        "notification_type": notice.notification_type,
        "title": notice.title[:255],
        "title_ar": notice.title_ar[:255],
        "body": notice.body,
        "body_ar": notice.body_ar,
        "severity": notice.severity,
        "entity_type": notice.entity_type,
        "entity_id": notice.entity_id,
        "action_url": notice.action_url,
        "payload": dict(notice.payload),
        "idempotency_key": f"{notice.key}:{user_id}",
    }
    statement = (
        insert(NotificationRow)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[NotificationRow.idempotency_key])
        .returning(NotificationRow)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


def _fact(notice: Notice) -> delivery.Fact:
    """The notice as webhooks are told it: of no person."""
    return delivery.Fact(
        notice.key,
        notice.notification_type,
        notice.severity,
        {
            "title": notice.title,
            "title_ar": notice.title_ar,
            "body": notice.body,
            "body_ar": notice.body_ar,
            "entity_type": notice.entity_type,
            "entity_id": notice.entity_id,
            "path": notice.action_url,
            "payload": dict(notice.payload),
        },
    )


async def _announce(tx: Tx, row: NotificationRow) -> None:
    tx.publish(
        Message(
            tenant_id=row.tenant_id,
            topic="notify",
            kind="notified",
            entity_id=str(row.id),
            user_id=row.user_id,
            data={
                "unread_count": await unread_count(tx, row.user_id),
                "notification": {
                    "id": str(row.id),
                    "type": row.notification_type,
                    "title": row.title,
                    "title_ar": row.title_ar,
                    "severity": row.severity,
                    "action_url": row.action_url,
                    "created_at": row.created_at.isoformat() if row.created_at else None,
                },
            },
        )
    )


async def unread_count(tx: Tx, user_id: int) -> int:
    statement = (
        select(func.count())
        .select_from(NotificationRow)
        .where(
            NotificationRow.user_id == user_id,
            NotificationRow.is_read.is_not(True),
            NotificationRow.is_dismissed.is_not(True),
            NotificationRow.folded_into.is_(None),
        )
    )
    return (await tx.session.execute(statement)).scalar_one()


async def mark_read(tx: Tx, tenant_id: int, user_id: int, ids: Iterable[UUID] | None = None) -> int:
    """Mark a user's notifications read (all of them when ``ids`` is None); how many changed."""
    return await _mark(tx, tenant_id, user_id, ids, {"is_read": True, "read_at": clock.now()})


async def dismiss(tx: Tx, tenant_id: int, user_id: int, ids: Iterable[UUID] | None = None) -> int:
    """Take notifications off a user's list (all of them when ``ids`` is None); how many changed."""
    return await _mark(tx, tenant_id, user_id, ids, {"is_dismissed": True, "dismissed_at": clock.now()})


async def _mark(
    tx: Tx,
    tenant_id: int,
    user_id: int,
    ids: Iterable[UUID] | None,
    values: Mapping[str, bool | datetime],
) -> int:
    flag = NotificationRow.is_read if "is_read" in values else NotificationRow.is_dismissed
    statement = update(NotificationRow).where(NotificationRow.user_id == user_id, flag.is_not(True))
    if ids is not None:
        statement = statement.where(NotificationRow.id.in_(list(ids)))
    changed = (await tx.session.execute(statement.values(**values).returning(NotificationRow.id))).all()
    tx.publish(
        Message(
            tenant_id=tenant_id,
            topic="notify",
            kind="read",
            entity_id="",
            user_id=user_id,
            data={"unread_count": await unread_count(tx, user_id)},
        )
    )
    return len(changed)
