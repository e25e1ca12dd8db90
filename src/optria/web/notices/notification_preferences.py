"""``/api/notifications/preferences``: how a person wants to be told outside the product. Always their own."""

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from optria.core.errors import Invalid
from optria.core.event import Severity
from optria.db.delivery import NotificationPreferenceRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web import audit
from optria.web.deps import OpenTx, written_tenant
from optria.web.edits import sent_fields
from optria.web.notices.notification_bodies import PreferencesBody
from optria.web.notices.notifications import Seeing
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when
from optria.work.delivery import look_again
from optria.work.delivery_channels import KNOWN_CHANNELS, missing
from optria.work.preferences import fresh_row, row_of

router = api_router(prefix="/api/notifications/preferences", tags=["notifications"])

ALWAYS_SET = frozenset(
    {"channels", "time_zone", "critical_breaks_through", "digest_minutes", "handover_digest"}
)


@router.get("", summary="Read one's notification preferences")
async def get_preferences(viewer: Seeing, tx: OpenTx) -> Json:
    """Who has chosen nothing is told everything at once. ``note`` says why a channel sends nothing."""
    row = await row_of(tx, viewer.tenant_id, viewer.user_id) if viewer.tenant_id is not None else None
    return preferences_json(row or fresh_row(viewer.tenant_id or 0, viewer.user_id))


@router.put("", summary="Change one's notification preferences")
async def change_preferences(request: Request, viewer: Seeing, tx: OpenTx, asked: PreferencesBody) -> Json:
    """Only what is sent changes; ``quiet_hours`` null ends them. The list in the product is not touched."""
    if viewer.tenant_id is None:
        raise Invalid("A platform owner belongs to no tenant and is sent no notifications.")
    sent = sent_fields(asked, ALWAYS_SET)
    row = await _locked(tx, viewer)
    old = preferences_json(row)
    _apply(row, sent, asked)
    row.updated_at = clock.now()
    await tx.session.flush()
    await look_again(tx, row.tenant_id, viewer.user_id)
    new = preferences_json(row)
    audit.record(
        tx,
        viewer.user_id,
        row.tenant_id,
        "notification_preferences_changed",
        "user",
        viewer.user_id,
        request,
        old={name: old[name] for name in sent},
        new={name: new[name] for name in sent},
    )
    return new


async def _locked(tx: Tx, viewer: Viewer) -> NotificationPreferenceRow:
    """The person's row, made if there is none, locked until the commit."""
    tenant_id = written_tenant(tx)
    fresh = fresh_row(tenant_id, viewer.user_id)
    values = {
        column.name: getattr(fresh, column.name)
        for column in NotificationPreferenceRow.__table__.columns
        if column.name != "updated_at"
    }
    await tx.session.execute(insert(NotificationPreferenceRow).values(**values).on_conflict_do_nothing())
    statement = select(NotificationPreferenceRow).where(
        NotificationPreferenceRow.tenant_id == tenant_id,
        NotificationPreferenceRow.user_id == viewer.user_id,
    )
    return (await tx.session.execute(statement.with_for_update())).scalar_one()


def _apply(row: NotificationPreferenceRow, sent: dict[str, object], asked: PreferencesBody) -> None:
    if "channels" in sent:
        chosen = {name: choice.model_dump() for name, choice in asked.channels.items()}
        row.channels = row.channels | chosen
    if "quiet_hours" in sent:
        quiet = asked.quiet_hours
        row.quiet_start, row.quiet_end = (quiet.start, quiet.end) if quiet else (None, None)
        row.quiet_weekdays = sorted(set(quiet.weekdays)) if quiet else list(range(1, 8))
    for name in ("time_zone", "critical_breaks_through", "digest_minutes", "handover_digest"):
        if name in sent:
            setattr(row, name, sent[name])


def preferences_json(row: NotificationPreferenceRow) -> Json:
    return {
        "user_id": row.user_id,
        "channels": {name: _channel_json(row, name) for name in KNOWN_CHANNELS},
        "quiet_hours": _quiet_json(row),
        "time_zone": row.time_zone,
        "critical_breaks_through": row.critical_breaks_through,
        "digest_minutes": row.digest_minutes,
        "handover_digest": row.handover_digest,
        "updated_at": when(row.updated_at),
    }


def _quiet_json(row: NotificationPreferenceRow) -> Json | None:
    if row.quiet_start is None or row.quiet_end is None:
        return None
    start, end = row.quiet_start.strftime("%H:%M"), row.quiet_end.strftime("%H:%M")
    return {"start": start, "end": end, "weekdays": row.quiet_weekdays}


def _channel_json(row: NotificationPreferenceRow, name: str) -> Json:
    chosen = row.channels.get(name, {})
    why = missing(name)
    return {
        "is_on": chosen.get("is_on", True),
        "min_severity": chosen.get("min_severity", Severity.INFO.name),
        "is_installed": why is None,
        "note": why,
    }
