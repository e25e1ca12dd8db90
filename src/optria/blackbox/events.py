"""Events as rows: what the plant, people and connected systems said."""

from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from optria.blackbox.folding import likeness, standing_for
from optria.core.event import Event
from optria.core.tag import to_micros
from optria.db.blackbox import EventRow, IncidentEvent, IncidentRow
from optria.db.session import Tx
from optria.kit import clock


async def store_event(tx: Tx, tenant_id: int, event: Event, site_id: int | None = None) -> EventRow | None:
    """Store an event once; None when the same one (by ``source_id`` and time) is there already.

    Where many alike have come shortly before, it is stored as folded into one of them.
    """
    alike = likeness(event)
    key = _key(tenant_id, event)
    statement = (
        insert(EventRow)
        .values(
            id=event.id or uuid4(),
            tenant_id=tenant_id,
            asset_id=event.asset_id,
            site_id=site_id,
            source_system=event.source_system,
            source_type=event.source_type,
            source_id=event.source_id,
            event_time=event.time,
            ingest_time=clock.now(),
            severity=event.severity.name,
            event_category=event.category,
            summary=event.summary[:500],
            payload=dict(event.payload),
            tags=[],
            idempotency_key=key,
            alike=alike,
            folded_into=await standing_for(tx, tenant_id, event, alike) if alike else None,
        )
        .on_conflict_do_nothing(index_elements=[EventRow.idempotency_key])
        .returning(EventRow)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


async def is_stored(tx: Tx, tenant_id: int, event: Event) -> bool:
    """Whether the same event is there already."""
    statement = select(EventRow.id).where(EventRow.idempotency_key == _key(tenant_id, event))
    return await tx.session.scalar(statement) is not None


def _key(tenant_id: int, event: Event) -> str | None:
    return f"{tenant_id}:{event.source_id}:{to_micros(event.time)}" if event.source_id else None


async def link_event(tx: Tx, incident: IncidentRow, event_id: UUID, role: str, order: int = 0) -> None:
    """Attach an event to an incident, once."""
    statement = (
        insert(IncidentEvent)
        .values(
            tenant_id=incident.tenant_id,
            incident_id=incident.id,
            event_id=event_id,
            role=role,
            sequence_order=order,
            idempotency_key=f"{incident.id}:{event_id}",
        )
        .on_conflict_do_nothing(index_elements=[IncidentEvent.idempotency_key])
    )
    await tx.session.execute(statement)
