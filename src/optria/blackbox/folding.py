"""Alarms that say the same again and again: a few stand for themselves, what follows is folded into the last.

A chattering alarm (ISA-18.2, 3.1: it repeats within a short time) tells nothing new at its hundredth time.
Every event is still stored, once; a folded one names the event that stands for it, and lists, timelines and
analyses read only those that stand for themselves.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import blake2s
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from optria.core.event import Event, EventCategory
from optria.db.blackbox import EventRow
from optria.db.session import Tx

SHOWN: Final = 3
"""Alike events within ``WITHIN`` that stand for themselves; the third takes in those that follow."""
WITHIN: Final = timedelta(minutes=10)
FOLDED: Final = (EventCategory.ALERT, EventCategory.SENSOR)
"""Alarms and their returns. What people and the product itself say is never folded."""
_ANY_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_FRACTION: Final = re.compile(r"\d+[.,]\d+")


def likeness(event: Event) -> str | None:
    """The same for events that say the same, whatever their values; None for what is never folded."""
    if event.category not in FOLDED:
        return None
    tag = event.payload.get("tag_id") or event.payload.get("external_tag") or event.payload.get("tag")
    numbers = _ANY_NUMBER if tag else _FRACTION
    said = "|".join(
        (
            str(event.asset_id),
            event.source_system,
            event.source_type,
            event.category,
            event.severity.name,
            str(tag),
            str(event.payload.get("limit")),
            str(event.payload.get("direction")),
            numbers.sub("#", event.summary),
        )
    )
    return blake2s(said.encode(), digest_size=16).hexdigest()


async def standing_for(tx: Tx, tenant_id: int, event: Event, alike: str) -> UUID | None:
    """The stored event that ``event`` is to be folded into; None where it stands for itself."""
    head = aliased(EventRow)
    statement = (
        select(EventRow.id, EventRow.folded_into, head.event_time)
        .join(head, head.id == EventRow.folded_into, isouter=True)
        .where(
            EventRow.tenant_id == tenant_id,
            EventRow.asset_id.is_not_distinct_from(event.asset_id)
            if event.asset_id is None
            else EventRow.asset_id == event.asset_id,
            EventRow.event_time.between(event.time - WITHIN, event.time + WITHIN),
            EventRow.alike == alike,
        )
        .order_by(EventRow.event_time.desc())
        .limit(SHOWN)
    )
    latest = (await tx.session.execute(statement)).all()
    if latest and latest[0].folded_into is not None and abs(event.time - latest[0].event_time) <= WITHIN:
        folded_into: UUID = latest[0].folded_into
        return folded_into
    if len(latest) < SHOWN or any(row.folded_into is not None for row in latest):
        return None
    newest: UUID = latest[0].id
    return newest


async def times_said(tx: Tx, events: Iterable[EventRow]) -> Mapping[UUID, int]:
    """How often each of these was said: itself, and what is folded into it."""
    heads = {row.id: row for row in events if row.folded_into is None and row.alike is not None}
    if not heads:
        return {}
    times = [row.event_time for row in heads.values()]
    statement = (
        select(EventRow.folded_into, func.count())
        .where(
            EventRow.tenant_id.in_({row.tenant_id for row in heads.values()}),
            EventRow.event_time.between(min(times) - WITHIN, max(times) + WITHIN),
            EventRow.folded_into.in_(list(heads)),
        )
        .group_by(EventRow.folded_into)
    )
    counted = (await tx.session.execute(statement)).all()
    return {stands: number + 1 for stands, number in counted if stands is not None}
