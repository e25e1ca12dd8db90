"""``/api/webhooks``: addresses that are told of facts, signed as Standard Webhooks says."""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import Request
from sqlalchemy import func, select

from optria.core.errors import Conflict
from optria.core.roles import Permission
from optria.db.delivery import WebhookDelivery, WebhookRow
from optria.db.session import Tx
from optria.kit.secrets import sealer_of
from optria.web import changes
from optria.web.changes import Change
from optria.web.deps import Given, Limit, Offset, OpenTx, RowId, require, written_tenant
from optria.web.edits import apply_edit, sent_fields
from optria.web.notices.notification_bodies import WebhookCreate, WebhookUpdate
from optria.web.notices.notification_deliveries import delivery_json
from optria.web.routing import api_router
from optria.web.rows import find, page
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when
from optria.web.turns import take_turns
from optria.work.delivery import queue_test
from optria.work.delivery_webhooks import check_url, hosts_of, new_secret, place_of_secret

router = api_router(prefix="/api/webhooks", tags=["webhooks"])

Managing = Annotated[Viewer, require(Permission.MANAGE_NOTIFICATIONS)]
ALWAYS_SET: Final = frozenset({"name", "url", "is_active", "min_severity"})
MOST: Final = 50
"""Webhooks of a tenant: each fact is told to every one of them."""


@router.get("", summary="List the webhooks")
async def list_webhooks(_viewer: Managing, tx: OpenTx, limit: Limit = 50, offset: Offset = 0) -> Json:
    """Secrets are not shown."""
    return await page(tx, select(WebhookRow).order_by(WebhookRow.id), webhook_json, limit, offset)


@router.post("", summary="Add a webhook", status_code=201)
async def create_webhook(
    request: Request, viewer: Managing, tx: OpenTx, services: Given, asked: WebhookCreate
) -> Json:
    """``secret`` is shown here and never again. Addresses of the cloud's own services are refused,
    and hosts that the installation does not list, if it lists any."""
    url = await check_url(asked.url, hosts_of(services.settings))
    await take_turns(tx, "webhooks")
    await _refuse_known_name(tx, asked.name)
    if await tx.session.scalar(select(func.count()).select_from(WebhookRow)) == MOST:
        raise Conflict(f"There are {MOST} webhooks already. Remove one first.")
    values = asked.model_dump() | {"url": url}
    row = WebhookRow(tenant_id=written_tenant(tx), created_by=viewer.user_id, **values)
    tx.session.add(row)
    await tx.session.flush()
    secret = await _new_secret(services, row)
    await tx.session.flush()
    await tx.session.refresh(row)
    summary = f"Webhook {row.name} was added"
    await changes.record(
        tx, viewer, request, Change("webhook_created", "webhook", row.id, summary, new=recorded(values))
    )
    return webhook_json(row) | {"secret": secret}


@router.get("/{webhook_id}", summary="Read a webhook")
async def get_webhook(_viewer: Managing, tx: OpenTx, webhook_id: RowId) -> Json:
    return webhook_json(await find(tx, WebhookRow, webhook_id, "webhook"))


@router.put("/{webhook_id}", summary="Change a webhook")
async def change_webhook(
    request: Request, viewer: Managing, tx: OpenTx, services: Given, webhook_id: RowId, asked: WebhookUpdate
) -> Json:
    """Only what is sent changes. What waits is sent to the new address; a webhook switched off drops it."""
    sent = sent_fields(asked, ALWAYS_SET)
    if "url" in sent:
        sent["url"] = await check_url(asked.url, hosts_of(services.settings))
    await take_turns(tx, "webhooks")
    row = await find(tx, WebhookRow, webhook_id, "webhook", lock=True)
    if "name" in sent and asked.name != row.name:
        await _refuse_known_name(tx, asked.name)
    edit = apply_edit(row, sent)
    if edit:
        await tx.session.flush()
        summary = f"Webhook {row.name} was changed"
        old, new = recorded(edit.old), recorded(edit.new)
        change = Change("webhook_changed", "webhook", row.id, summary, old, new)
        await changes.record(tx, viewer, request, change)
    return webhook_json(row)


@router.delete("/{webhook_id}", summary="Remove a webhook with its deliveries")
async def delete_webhook(request: Request, viewer: Managing, tx: OpenTx, webhook_id: RowId) -> Json:
    written_tenant(tx)
    row = await find(tx, WebhookRow, webhook_id, "webhook", lock=True)
    old = recorded({"name": row.name, "url": row.url})
    await tx.session.delete(row)
    await tx.session.flush()
    summary = f"Webhook {row.name} was removed"
    await changes.record(tx, viewer, request, Change("webhook_deleted", "webhook", webhook_id, summary, old))
    return {"success": True}


@router.post("/{webhook_id}/secret", summary="Give a webhook a new secret")
async def renew_secret(
    request: Request, viewer: Managing, tx: OpenTx, services: Given, webhook_id: RowId
) -> Json:
    """Shown here and never again; from now on everything is signed with it, also what waits."""
    row = await find(tx, WebhookRow, webhook_id, "webhook", lock=True)
    secret = await _new_secret(services, row)
    summary = f"Webhook {row.name} has a new secret"
    await changes.record(tx, viewer, request, Change("webhook_secret_renewed", "webhook", row.id, summary))
    return webhook_json(row) | {"secret": secret}


@router.post("/{webhook_id}/test", summary="Send a webhook a test", status_code=202)
async def try_webhook(_viewer: Managing, tx: OpenTx, webhook_id: RowId) -> Json:
    """Queues a message of type TEST; how it went is among the webhook's deliveries a moment later."""
    row = await find(tx, WebhookRow, webhook_id, "webhook")
    if not row.is_active:
        raise Conflict("This webhook is switched off. Switch it on to test it.")
    return webhook_delivery_json(await queue_test(tx, row))


@router.get("/{webhook_id}/deliveries", summary="List what a webhook was sent")
async def list_webhook_deliveries(
    _viewer: Managing, tx: OpenTx, webhook_id: RowId, limit: Limit = 50, offset: Offset = 0
) -> Json:
    """Newest first, with state, tries and the last error."""
    await find(tx, WebhookRow, webhook_id, "webhook")
    newest = (WebhookDelivery.created_at.desc(), WebhookDelivery.id)
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id).order_by(*newest)
    return await page(tx, query, webhook_delivery_json, limit, offset)


async def _new_secret(services: Services, row: WebhookRow) -> str:
    sealer = await to_thread.run_sync(sealer_of, services.settings)
    secret = new_secret()
    row.secret = sealer.seal(secret, *place_of_secret(row.tenant_id, row.id))
    return secret


async def _refuse_known_name(tx: Tx, name: str) -> None:
    if await tx.session.scalar(select(WebhookRow.id).where(WebhookRow.name == name)):
        raise Conflict(f"There is a webhook '{name}' already.")


def recorded(values: Mapping[str, object]) -> Json:
    """What the record of a change, which more people read, says: of the address where it leads, no more.

    Many receivers know a sender by a secret in the path of the address.
    """
    if "url" not in values:
        return dict(values)
    parts = urlsplit(str(values["url"]))
    return {**values, "url": f"{parts.scheme}://{parts.netloc}/…"}


def webhook_json(row: WebhookRow) -> Json:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "name": row.name,
        "url": row.url,
        "is_active": row.is_active,
        "kinds": row.kinds,
        "min_severity": row.min_severity,
        "created_by": row.created_by,
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
    }


def webhook_delivery_json(row: WebhookDelivery) -> Json:
    return {"webhook_id": row.webhook_id, "type": row.kind, **delivery_json(row)}
