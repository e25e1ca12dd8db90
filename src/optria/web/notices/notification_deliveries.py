"""``/api/notifications/deliveries`` and ``/channels``: what leaves the product, how, and by which ways."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Query, Request

from optria.core.roles import Permission
from optria.db.delivery import Delivery, WebhookDelivery
from optria.db.identity import Tenant
from optria.db.session import Tx
from optria.web import changes
from optria.web.changes import Change
from optria.web.deps import OpenTx, require, written_tenant
from optria.web.notices.notification_bodies import TenantChannelsBody
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when
from optria.web.turns import lock_settings
from optria.work import delivery_queue
from optria.work.delivery_channels import KNOWN_CHANNELS, missing

router = api_router(prefix="/api/notifications", tags=["notifications"])

Managing = Annotated[Viewer, require(Permission.MANAGE_NOTIFICATIONS)]
Failures = Annotated[int, Query(ge=1, le=200, description="How many of the newest failures.")]
STATES: Final = ("held", "pending", "sending", "delivered", "digested", "dropped", "dead")


@router.get("/deliveries", summary="See what leaves the product and what fails")
async def list_deliveries(_viewer: Managing, tx: OpenTx, limit: Failures = 20) -> Json:
    """``queue`` counts rows by channel and state; ``digested`` ones were told in another's message.

    ``dead`` ones are not tried again: refused for good, or five times in vain.
    """
    return {
        "queue": await queue_json(tx),
        "failures": [
            {"channel": row.channel, "user_id": row.user_id, "webhook_id": None, **delivery_json(row)}
            for row in await delivery_queue.last_failures(tx, Delivery, limit)
        ],
        "webhook_failures": [
            {"channel": "webhook", "user_id": None, "webhook_id": row.webhook_id, **delivery_json(row)}
            for row in await delivery_queue.last_failures(tx, WebhookDelivery, limit)
        ],
        "channels": [{"name": name, "note": missing(name)} for name in KNOWN_CHANNELS],
    }


@router.get("/channels", summary="Read by which channels the tenant's people are told")
async def get_channels(_viewer: Managing, tx: OpenTx) -> Json:
    """``channels`` null: every channel that the installation has. ``notes`` says why one sends nothing."""
    tenant = await tx.session.get(Tenant, written_tenant(tx))
    settings = tenant.settings if tenant is not None else None
    return _channels_json((settings or {}).get("channels"))


@router.put("/channels", summary="Choose by which channels the tenant's people are told")
async def choose_channels(request: Request, viewer: Managing, tx: OpenTx, asked: TenantChannelsBody) -> Json:
    """People choose among these in their preferences. ``notes`` says why a chosen channel sends nothing."""
    tenant = await lock_settings(tx)
    settings = dict(tenant.settings or {})
    old = settings.pop("channels", None)
    if asked.channels is not None:
        settings["channels"] = sorted(set(asked.channels))
    tenant.settings = settings
    new = settings.get("channels")
    words = "every channel there is" if new is None else ", ".join(new) or "no channel"
    change = Change(
        "notification_channels_changed",
        "tenant",
        tenant.id,
        f"Notifications go out by {words}",
        {"channels": old},
        {"channels": new},
    )
    await changes.record(tx, viewer, request, change)
    return _channels_json(new)


def _channels_json(chosen: Sequence[str] | None) -> Json:
    notes = [note for name in chosen or () if (note := missing(name)) is not None]
    return {"channels": chosen, "notes": notes}


async def queue_json(tx: Tx) -> Json:
    """Every channel and state, also those without rows."""
    found = await delivery_queue.counts(tx)
    return {
        channel: {state: found.get(channel, {}).get(state, 0) for state in STATES}
        for channel in sorted({*KNOWN_CHANNELS, "webhook", *found})
    }


def delivery_json(row: Delivery | WebhookDelivery) -> Json:
    return {
        "id": str(row.id),
        "status": row.status,
        "attempts": row.attempts,
        "last_error": row.last_error,
        "next_attempt_at": when(row.next_attempt_at),
        "delivered_at": when(row.delivered_at),
        "created_at": when(row.created_at),
    }
