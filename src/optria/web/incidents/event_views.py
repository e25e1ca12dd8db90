"""Events as the API and the pages show them, alone or as part of an incident."""

from sqlalchemy import select

from optria.db.blackbox import EventRow, IncidentEvent, IncidentRow
from optria.db.session import Tx
from optria.web.shapes import Json


def event_json(row: EventRow, link: IncidentEvent | None = None) -> Json:
    """One event with v1's keys; with those of its link where it belongs to an incident."""
    plain = ("tenant_id", "asset_id", "site_id", "source_system", "source_type", "source_id", "event_time")
    view: Json = {"id": str(row.id)} | {name: getattr(row, name) for name in plain}
    view |= {
        "ingest_time": row.ingest_time,
        "severity": row.severity,
        "event_category": row.event_category,
        "summary": row.summary,
        "payload": row.payload or {},
        "tags": row.tags or [],
        "is_processed": bool(row.is_processed),
        "folded_into": str(row.folded_into) if row.folded_into else None,
        "suppressed_by": row.suppressed_by,
    }
    if link is not None:
        view |= {"role": link.role, "sequence_order": link.sequence_order, "notes": link.notes}
    return view


async def linked_events(tx: Tx, incident: IncidentRow) -> list[Json]:
    """The events of an incident by time."""
    query = (
        select(EventRow, IncidentEvent)
        .join(IncidentEvent, IncidentEvent.event_id == EventRow.id)
        .where(IncidentEvent.incident_id == incident.id, EventRow.tenant_id == incident.tenant_id)
        .order_by(EventRow.event_time, IncidentEvent.sequence_order, EventRow.id)
    )
    return [event_json(event, link) for event, link in (await tx.session.execute(query)).all()]
