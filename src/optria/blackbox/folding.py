"""Alarms that say the same again and again: a few stand for themselves, what follows is folded into the last.

A chattering alarm (ISA-18.2, 3.1: it repeats within a short time) tells nothing new at its hundredth time.
Every event is still stored, once; a folded one names the event that stands for it, and lists, timelines and
analyses read only those that stand for themselves.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2s
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
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


@dataclass(frozen=True, slots=True)
class Said:
    """A stored event: when it was, what it is folded into, and when that one was."""

    id: UUID
    time: datetime
    folded_into: UUID | None = None
    head_time: datetime | None = None


def fold_into(latest: Sequence[Said], time: datetime) -> Said | None:
    """Which of the alike events stands for one at ``time``; None where it stands for itself.

    ``latest`` are at most ``SHOWN`` alike ones within ``WITHIN`` of it, the latest first.
    """
    if not latest:
        return None
    newest = latest[0]
    if newest.folded_into is not None and newest.head_time is not None:
        head = Said(newest.folded_into, newest.head_time)
        return head if abs(time - head.time) <= WITHIN else None
    is_full = len(latest) >= SHOWN and all(one.folded_into is None for one in latest)
    return newest if is_full else None


async def standing_for(tx: Tx, tenant_id: int, event: Event, alike: str) -> UUID | None:
    """The stored event that ``event`` is to be folded into; None where it stands for itself."""
    found = await Lately.of(tx, tenant_id, [(event, alike)])
    head = found.head_of(event, alike)
    return head.id if head else None


class Lately:
    """What was said lately, by likeness; one that is about to be stored is put in."""

    def __init__(self, said: Mapping[str, Sequence[Said]]) -> None:
        self._said = {alike: list(latest) for alike, latest in said.items()}

    @classmethod
    async def of(cls, tx: Tx, tenant_id: int, events: Sequence[tuple[Event, str]]) -> "Lately":
        """The latest alike ones of each event that is to be stored."""
        head = aliased(EventRow)
        times = [event.time for event, _ in events]
        place = func.row_number().over(partition_by=EventRow.alike, order_by=EventRow.event_time.desc())
        ranked = (
            select(
                EventRow.alike, EventRow.id, EventRow.event_time, EventRow.folded_into, place.label("place")
            )
            .where(
                EventRow.tenant_id == tenant_id,
                _of_assets({event.asset_id for event, _ in events}),
                EventRow.event_time.between(min(times) - WITHIN, max(times) + WITHIN),
                EventRow.alike.in_({alike for _, alike in events}),
            )
            .subquery()
        )
        statement = (
            select(ranked, head.event_time.label("head_time"))
            .join(head, head.id == ranked.c.folded_into, isouter=True)
            .where(ranked.c.place <= SHOWN)
            .order_by(ranked.c.alike, ranked.c.place)
        )
        said: dict[str, list[Said]] = {}
        for row in (await tx.session.execute(statement)).all():
            said.setdefault(row.alike, []).append(
                Said(row.id, row.event_time, row.folded_into, row.head_time)
            )
        return cls(said)

    def head_of(self, event: Event, alike: str) -> Said | None:
        near = [one for one in self._said.get(alike, ()) if abs(event.time - one.time) <= WITHIN]
        return fold_into(near, event.time)

    def put(self, event_id: UUID, event: Event, alike: str) -> UUID | None:
        """Take in an event that is about to be stored; what it is folded into."""
        head = self.head_of(event, alike)
        latest = self._said.setdefault(alike, [])
        latest.insert(0, Said(event_id, event.time, head.id if head else None, head.time if head else None))
        del latest[SHOWN:]
        return head.id if head else None


def _of_assets(asset_ids: Collection[int | None]) -> ColumnElement[bool]:
    named = EventRow.asset_id.in_([each for each in asset_ids if each is not None])
    return or_(named, EventRow.asset_id.is_(None)) if None in asset_ids else named


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
