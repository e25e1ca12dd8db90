"""Events as rows: what the plant, people and connected systems said."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from optria.blackbox.folding import Lately, likeness, standing_for
from optria.core.event import Event
from optria.core.tag import to_micros
from optria.db.blackbox import EventRow, IncidentEvent, IncidentRow
from optria.db.session import Tx
from optria.kit import clock

Values = dict[str, object]


async def store_event(tx: Tx, tenant_id: int, event: Event, site_id: int | None = None) -> EventRow | None:
    """Store an event once; None when the same one (by ``source_id`` and time) is there already.

    Where many alike have come shortly before, it is stored as folded into one of them.
    """
    values = _values(tenant_id, event, site_id)
    alike = likeness(event)
    if alike is not None:
        values |= {"alike": alike, "folded_into": await standing_for(tx, tenant_id, event, alike)}
    return (await _insert(tx, [values])).get(_id(values))


async def store_events(
    tx: Tx, tenant_id: int, events: Sequence[tuple[Event, int | None]]
) -> list[EventRow | None]:
    """Store events, each with its site, in a few statements; as :func:`store_event` would one by one."""
    keys = [_key(tenant_id, event) for event, _ in events]
    known_keys = select(EventRow.idempotency_key).where(
        EventRow.idempotency_key.in_([key for key in keys if key is not None])
    )
    known = set((await tx.session.scalars(known_keys)).all())
    fresh = {
        at: _values(tenant_id, event, site_id)
        for at, (event, site_id) in enumerate(events)
        if keys[at] is None or (keys[at] not in known and keys[at] not in keys[:at])
    }
    await _fold(tx, tenant_id, [(events[at][0], values) for at, values in fresh.items()])
    stored = await _insert(tx, list(fresh.values())) if fresh else {}
    return [stored.get(_id(fresh[at])) if at in fresh else None for at in range(len(events))]


async def _fold(tx: Tx, tenant_id: int, fresh: Sequence[tuple[Event, Values]]) -> None:
    """Say of each event what stands for it, those before it in the same batch included."""
    alike = [(event, values, same) for event, values in fresh if (same := likeness(event)) is not None]
    for _event, values in fresh:
        values |= {"alike": None, "folded_into": None}
    if not alike:
        return
    lately = await Lately.of(tx, tenant_id, [(event, same) for event, _, same in alike])
    for event, values, same in sorted(alike, key=lambda one: one[0].time):
        values |= {"alike": same, "folded_into": lately.put(_id(values), event, same)}


async def _insert(tx: Tx, rows: Sequence[Values]) -> dict[UUID, EventRow]:
    """The rows that are new, by their id."""
    statement = (
        insert(EventRow)
        .values(list(rows))
        .on_conflict_do_nothing(index_elements=[EventRow.idempotency_key])
        .returning(EventRow)
    )
    return {row.id: row for row in (await tx.session.execute(statement)).scalars()}


def _id(values: Values) -> UUID:
    found = values["id"]
    assert isinstance(found, UUID)
    return found


def _key(tenant_id: int, event: Event) -> str | None:
    return f"{tenant_id}:{event.source_id}:{to_micros(event.time)}" if event.source_id else None


def _values(tenant_id: int, event: Event, site_id: int | None) -> Values:
    return {
        "id": event.id or uuid4(),
        "tenant_id": tenant_id,
        "asset_id": event.asset_id,
        "site_id": site_id,
        "source_system": event.source_system,
        "source_type": event.source_type,
        "source_id": event.source_id,
        "event_time": event.time,
        "ingest_time": clock.now(),
        "severity": event.severity.name,
        "event_category": event.category,
        "summary": event.summary[:500],
        "payload": dict(event.payload),
        "tags": [],
        "idempotency_key": _key(tenant_id, event),
    }


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
