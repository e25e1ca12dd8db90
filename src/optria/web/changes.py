"""A change of the configuration: written down, an event of the plant, and news to the running stream."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import Request

from optria.blackbox.events import store_event
from optria.core.event import Event, Severity
from optria.core.messages import Message
from optria.db.session import Tx
from optria.kit import clock
from optria.web import audit
from optria.web.deps import written_tenant
from optria.web.sessions import Viewer


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed, in JSON values; ``asset_id`` None concerns the whole plant.

    ``action`` is past tense (``threshold_approved``), ``summary`` a sentence for the timeline of an incident.
    Secrets never stand in ``old`` or ``new``.
    """

    action: str
    entity_type: str
    entity_id: int
    summary: str
    old: Mapping[str, object] = field(default_factory=dict)
    new: Mapping[str, object] = field(default_factory=dict)
    asset_id: int | None = None


async def record(tx: Tx, viewer: Viewer, request: Request, change: Change) -> None:
    """Audit a change, keep it as a CONFIG_CHANGE event, and have the running plant read anew after commit."""
    tenant_id = written_tenant(tx)
    audit.record(
        tx,
        viewer.user_id,
        tenant_id,
        change.action,
        change.entity_type,
        change.entity_id,
        request,
        old=change.old,
        new=change.new,
    )
    await store_event(tx, tenant_id, _event(viewer, change))
    tx.publish(Message(tenant_id, "configuration", change.action, str(change.entity_id), change.asset_id))


def _event(viewer: Viewer, change: Change) -> Event:
    return Event(
        time=clock.now(),
        severity=Severity.INFO,
        category="CONFIG_CHANGE",
        asset_id=change.asset_id,
        summary=change.summary,
        source_system="MANUAL",
        source_type="CONFIG_CHANGE",
        payload={
            "action": change.action,
            "entity_type": change.entity_type,
            "entity_id": change.entity_id,
            "old": dict(change.old),
            "new": dict(change.new),
            "user_id": viewer.user_id,
        },
    )
