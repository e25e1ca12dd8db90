"""Recordings are sealed once: when the window of an incident is over and its last samples are stored.

The work is found in the rows (a window that is over, and no seal), so a restart or a second server changes
nothing. What arrives for the window after that is counted as late, never added to the seal.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, text

from optria.blackbox.incidents import anchor_of, announce, reached
from optria.blackbox.poison import BAD_DATA, is_poison
from optria.blackbox.seals import GENESIS, event_hash, heading_of, samples_json, seal_hash
from optria.db.blackbox import EventRow, IncidentEvent, IncidentRow
from optria.db.identity import AuditLog
from optria.db.plant import MappingRow
from optria.db.seals import SealRow
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.streams.history import read_window
from optria.streams.recent import Series

log = structlog.get_logger(__name__)

SEAL_AFTER = timedelta(seconds=60)
"""After the window: the last samples have come (15 s) and are written to the history (5 s)."""
SEALED_AT_ONCE = 50
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('incident_seals'), :tenant)")


async def seal_due(database: Database) -> int:
    """Seal every recording that is over and not yet sealed, over all tenants; how many."""
    async with database.platform("recordings to seal") as tx:
        due = (await tx.session.execute(_due())).all()
    return sum([await _seal_safely(database, tenant_id, incident_id) for tenant_id, incident_id in due])


def _due() -> Select[int, UUID]:
    sealed = exists().where(SealRow.tenant_id == IncidentRow.tenant_id, SealRow.incident_id == IncidentRow.id)
    return (
        select(IncidentRow.tenant_id, IncidentRow.id)
        .where(IncidentRow.window_end <= clock.now() - SEAL_AFTER, ~sealed)
        .where(IncidentRow.window_start.is_not(None))
        .order_by(IncidentRow.window_end, IncidentRow.id)
        .limit(SEALED_AT_ONCE)
    )


async def _seal_safely(database: Database, tenant_id: int, incident_id: UUID) -> bool:
    """A recording that cannot be sealed must not keep the others waiting."""
    try:
        async with database.transaction(tenant_id) as tx:
            return await seal(tx, incident_id) is not None
    except BAD_DATA as error:
        if not is_poison(error):
            raise
        log.warning("seal_failed", incident=str(incident_id), error=str(error) or type(error).__name__)
        return False


async def seal(tx: Tx, incident_id: UUID) -> SealRow | None:
    """Seal the recording of an incident; None when it has been sealed before, or is worked on just now.

    A worker that stopped in the middle of its work keeps its incident to itself: it is not waited for.
    """
    found = select(IncidentRow).where(IncidentRow.id == incident_id)
    found = found.with_for_update(read=True, key_share=True, skip_locked=True)
    incident = (await tx.session.scalars(found)).one_or_none()
    if incident is None:
        return None
    await tx.session.execute(_ONE_AT_A_TIME, {"tenant": incident.tenant_id})
    if await seal_of(tx, incident) is not None:
        return None
    last = await _last(tx, incident.tenant_id)
    sequence, previous = (last.sequence + 1, last.sha256) if last else (1, GENESIS)
    heading = heading_of(incident, sequence, previous, clock.now())
    samples = await _samples(tx, incident, await tags_of(tx, incident))
    events = hashes(await events_of(tx, incident))
    row = SealRow(
        tenant_id=incident.tenant_id,
        incident_id=incident.id,
        sequence=sequence,
        previous_sha256=previous,
        sealed_at=heading.sealed_at,
        sha256=seal_hash(heading, samples, events),
        content={"samples": samples, "events": events},
    )
    tx.session.add(row)
    tx.session.add(_deed(incident, row))
    announce(tx, incident, "incident_sealed")
    return row


def _deed(incident: IncidentRow, seal: SealRow) -> AuditLog:
    """The hash also stands in the chain of the audit log: two chains would have to be written anew."""
    words = {"incident": incident.incident_number, "incident_id": str(incident.id), "sha256": seal.sha256}
    return AuditLog(
        tenant_id=incident.tenant_id, action="incident_sealed", entity_type="incident", new_values=words
    )


async def seal_of(tx: Tx, incident: IncidentRow) -> SealRow | None:
    """The seal of an incident's recording, once it has one."""
    query = select(SealRow).where(SealRow.tenant_id == incident.tenant_id, SealRow.incident_id == incident.id)
    return (await tx.session.scalars(query)).one_or_none()


async def _last(tx: Tx, tenant_id: int) -> SealRow | None:
    query = select(SealRow).where(SealRow.tenant_id == tenant_id).order_by(SealRow.sequence.desc()).limit(1)
    return (await tx.session.scalars(query)).one_or_none()


async def tags_of(tx: Tx, incident: IncidentRow) -> list[int]:
    """The tags of every asset that the incident has reached, and those that spoke for its anchor."""
    named = {c.tag for c in anchor_of(incident).contributions}
    mine = MappingRow.asset_id.in_(reached(incident)) | MappingRow.id.in_(named)
    query = select(MappingRow.id).where(MappingRow.tenant_id == incident.tenant_id, mine)
    return sorted(await tx.session.scalars(query))


async def stored_samples(tx: Tx, incident: IncidentRow, tags: Iterable[int]) -> dict[int, Series]:
    """What the history holds of the window now."""
    assert incident.window_start is not None
    assert incident.window_end is not None
    return await read_window(tx, tags, incident.window_start, incident.window_end)


async def _samples(tx: Tx, incident: IncidentRow, tags: Sequence[int]) -> list[dict[str, object]]:
    stored = await stored_samples(tx, incident, tags)
    return await asyncio.to_thread(lambda: [samples_json(tag, stored[tag]) for tag in tags])


async def events_of(tx: Tx, incident: IncidentRow) -> Sequence[EventRow]:
    """The events of the window on the assets that the incident has reached, and those attached to it."""
    assert incident.window_start is not None
    assert incident.window_end is not None
    attached: ColumnElement[bool] = exists().where(
        IncidentEvent.incident_id == incident.id, IncidentEvent.event_id == EventRow.id
    )
    around = and_(
        EventRow.asset_id.in_(reached(incident)),
        EventRow.event_time.between(incident.window_start, incident.window_end),
    )
    query = select(EventRow).where(EventRow.tenant_id == incident.tenant_id, or_(attached, around))
    return (await tx.session.scalars(query)).all()


def hashes(events: Iterable[EventRow]) -> dict[str, str]:
    """The hash of each event by its id."""
    return {str(event.id): event_hash(event) for event in events}


def content_of(row: SealRow) -> tuple[list[Mapping[str, object]], Mapping[str, str]]:
    """What was sealed: the rows of the samples, and the hashes of the events; nothing where that is gone."""
    return row.content.get("samples", []), row.content.get("events", {})
