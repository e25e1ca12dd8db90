"""A person's notifications over HTTP: always their own."""

from typing import Annotated, Literal
from uuid import UUID, uuid4

from fastapi import Query
from pydantic import ConfigDict, Field
from sqlalchemy import ColumnElement, select

from optria.core.errors import Invalid, NotFound
from optria.core.roles import Permission
from optria.db.identity import User
from optria.db.session import Tx
from optria.db.work import NotificationRow
from optria.web import bodies
from optria.web.deps import Limit, Offset, OpenTx, require, written_tenant
from optria.web.own_path import own_path
from optria.web.routing import api_router
from optria.web.rows import count
from optria.web.sessions import Viewer
from optria.web.shapes import Json, notification_json
from optria.web.texts import Text
from optria.work import notifications

router = api_router(prefix="/api/notifications", tags=["notifications"])

Seeing = Annotated[Viewer, require(Permission.VIEW_NOTIFICATIONS)]
Managing = Annotated[Viewer, require(Permission.MANAGE_NOTIFICATIONS)]
Word = Annotated[str | None, Query(max_length=50)]


class NotificationUpdate(bodies.Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"is_read": True}]})

    is_read: bool | None = None
    is_dismissed: bool | None = None


class BulkNotificationAction(bodies.Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"notification_ids": ["0b1c5f7e-3f0a-4f3e-9a55-0d4cf1f0a9d2"], "action": "mark_read"}
            ]
        }
    )

    notification_ids: Annotated[list[UUID], Field(max_length=1000)]
    action: Literal["read", "mark_read", "dismiss"]


class NotificationCreate(bodies.Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": 4,
                    "notification_type": "SYSTEM_MESSAGE",
                    "title": "Pump B is back in service",
                    "severity": "INFO",
                }
            ]
        }
    )

    user_id: bodies.RowNumber
    notification_type: bodies.Text50
    title: bodies.Text255
    title_ar: bodies.Text255 | None = None
    body: bodies.Prose | None = None
    body_ar: bodies.Prose | None = None
    severity: bodies.Text20 = "INFO"
    entity_type: bodies.Text50 | None = None
    entity_id: bodies.Text255 | None = None
    action_url: Annotated[Text, Field(max_length=500)] | None = None
    payload: dict[str, object] | None = None


@router.get("", summary="List my notifications")
async def list_notifications(
    viewer: Seeing,
    tx: OpenTx,
    is_read: bool | None = None,
    notification_type: Word = None,
    severity: Word = None,
    digest: Annotated[UUID | None, Query(description="Those that this digest of a flood tells.")] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Json:
    """Newest first, without dismissed ones; ``unread_count`` is of all, whatever the filters. What came in a
    flood is listed by its digest only."""
    conditions = [*_own(viewer), told_by(digest)]
    if is_read is not None:
        read = NotificationRow.is_read.is_(True)
        conditions.append(read if is_read else NotificationRow.is_read.is_not(True))
    if notification_type is not None:
        conditions.append(NotificationRow.notification_type == notification_type)
    if severity is not None:
        conditions.append(NotificationRow.severity == severity.upper())
    query = select(NotificationRow).where(*conditions)
    total = await count(tx, query)
    page = query.order_by(NotificationRow.created_at.desc(), NotificationRow.id).limit(limit).offset(offset)
    return {
        "notifications": [notification_json(row) for row in (await tx.session.scalars(page)).all()],
        "total": total,
        "unread_count": await notifications.unread_count(tx, viewer.user_id),
        "limit": limit,
        "offset": offset,
    }


def told_by(digest: UUID | None) -> ColumnElement[bool]:
    """What is listed for itself, or what a digest tells."""
    folded = NotificationRow.folded_into
    return folded.is_(None) if digest is None else folded == digest


def _own(viewer: Viewer) -> list[ColumnElement[bool]]:
    return [NotificationRow.user_id == viewer.user_id, NotificationRow.is_dismissed.is_not(True)]


@router.get("/unread-count", summary="Count my unread notifications")
async def count_unread(viewer: Seeing, tx: OpenTx) -> Json:
    return {"unread_count": await notifications.unread_count(tx, viewer.user_id)}


@router.post("/mark-all-read", summary="Mark all my notifications read")
async def mark_all_read(viewer: Seeing, tx: OpenTx) -> Json:
    return {"marked_read": await notifications.mark_read(tx, written_tenant(tx), viewer.user_id)}


@router.post("/dismiss-all", summary="Dismiss all my notifications")
async def dismiss_all(viewer: Seeing, tx: OpenTx) -> Json:
    return {"dismissed": await notifications.dismiss(tx, written_tenant(tx), viewer.user_id)}


@router.post("/bulk-action", summary="Act on several notifications")
async def act_on_many(viewer: Seeing, tx: OpenTx, asked: BulkNotificationAction) -> Json:
    act = notifications.dismiss if asked.action == "dismiss" else notifications.mark_read
    return {"updated": await act(tx, written_tenant(tx), viewer.user_id, asked.notification_ids)}


@router.post("", summary="Write a notification")
async def create_notification(_viewer: Managing, tx: OpenTx, asked: NotificationCreate) -> Json:
    """Write to one user of the tenant."""
    tenant_id = written_tenant(tx)
    user = await tx.session.get(User, asked.user_id)
    if user is None or user.tenant_id != tenant_id:
        raise Invalid(f"There is no user {asked.user_id} in this tenant.")
    notice = notifications.Notice(
        key=f"api:{uuid4()}",
        notification_type=asked.notification_type,
        title=asked.title,
        title_ar=asked.title_ar or "",
        body=asked.body or "",
        body_ar=asked.body_ar or "",
        severity=asked.severity,
        entity_type=asked.entity_type or "",
        entity_id=asked.entity_id or "",
        action_url=own_path(asked.action_url) if asked.action_url else "",
        payload=asked.payload or {},
    )
    stored = await notifications.notify(tx, tenant_id, [asked.user_id], notice)
    return notification_json(stored[0])


@router.get("/{notification_id}", summary="Read a notification")
async def get_notification(viewer: Seeing, tx: OpenTx, notification_id: UUID) -> Json:
    return notification_json(await _find(tx, viewer, notification_id))


@router.put("/{notification_id}", summary="Mark a notification")
async def update_notification(
    viewer: Seeing, tx: OpenTx, notification_id: UUID, asked: NotificationUpdate
) -> Json:
    row = await _find(tx, viewer, notification_id)
    if asked.is_read:
        await notifications.mark_read(tx, row.tenant_id, viewer.user_id, [row.id])
    if asked.is_read is False:
        row.is_read, row.read_at = False, None
    if asked.is_dismissed:
        await notifications.dismiss(tx, row.tenant_id, viewer.user_id, [row.id])
    await tx.session.flush()
    await tx.session.refresh(row)
    return notification_json(row)


async def _find(tx: Tx, viewer: Viewer, notification_id: UUID) -> NotificationRow:
    query = select(NotificationRow).where(
        NotificationRow.id == notification_id, NotificationRow.user_id == viewer.user_id
    )
    row = await tx.session.scalar(query)
    if row is None:
        raise NotFound("There is no such notification.")
    return row
