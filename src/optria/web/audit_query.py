"""Which rows of the audit log are asked for: filters, and pages by the key of the last row seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Text, cast, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from optria.db.identity import AuditLog, User
from optria.db.session import Tx
from optria.web.shapes import Json, when

Found = Sequence[tuple[AuditLog, str | None]]
"""Rows, each with the e-mail address of who did it."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What is asked of the log; None and "" ask nothing. ``text`` is looked for in every word of a row."""

    user_id: int | None = None
    action: str | None = None
    entity_type: str | None = None
    entity_id: int | None = None
    start: datetime | None = None
    to: datetime | None = None
    text: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        wanted = {
            AuditLog.user_id: self.user_id,
            AuditLog.action: self.action or None,
            AuditLog.entity_type: self.entity_type or None,
            AuditLog.entity_id: self.entity_id,
        }
        found: list[ColumnElement[bool]] = [
            column == value for column, value in wanted.items() if value is not None
        ]
        if self.start is not None:
            found.append(AuditLog.created_at >= self.start)
        if self.to is not None:
            found.append(AuditLog.created_at < self.to)
        if words := self.text.strip():
            found.append(_holds(words))
        return found


def _holds(words: str) -> ColumnElement[bool]:
    columns = (
        AuditLog.action,
        AuditLog.entity_type,
        AuditLog.ip_address,
        cast(AuditLog.old_values, Text),
        cast(AuditLog.new_values, Text),
    )
    by = select(User.id).where(User.email.icontains(words, autoescape=True)).scalar_subquery()
    spaced = words.replace(" ", "_")
    return or_(
        *(column.icontains(words, autoescape=True) for column in columns),
        AuditLog.action.icontains(spaced, autoescape=True),
        AuditLog.user_id.in_(by),
    )


async def count_rows(tx: Tx, asked: AuditQuery) -> int:
    query = select(func.count()).select_from(AuditLog).where(*asked.conditions())
    return await tx.session.scalar(query) or 0


async def read_rows(
    tx: Tx, asked: AuditQuery, limit: int, offset: int = 0, before: int | None = None
) -> Found:
    """The newest first; ``before`` is the id of the last row of the page before, however much came since."""
    query = (
        select(AuditLog, User.email)
        .join(User, User.id == AuditLog.user_id, isouter=True)
        .where(*asked.conditions())
        .order_by(AuditLog.created_at.desc(), AuditLog.id.desc())
        .limit(limit)
        .offset(offset)
    )
    if before is not None:
        last = aliased(AuditLog)
        place = select(last.created_at, last.id).where(last.id == before).scalar_subquery()
        query = query.where(tuple_(AuditLog.created_at, AuditLog.id) < place)
    return [(row, email) for row, email in (await tx.session.execute(query)).all()]


async def actors(tx: Tx) -> Sequence[tuple[int, str]]:
    """Everybody who has done something, by e-mail address."""
    done = select(AuditLog.user_id).where(AuditLog.user_id.is_not(None))
    query = select(User.id, User.email).where(User.id.in_(done)).order_by(User.email)
    return [(row[0], row[1]) for row in await tx.session.execute(query)]


async def kinds(tx: Tx) -> tuple[Sequence[str], Sequence[str]]:
    """The actions and the kinds of thing that the log names, by name."""
    actions = await tx.session.scalars(select(AuditLog.action).distinct().order_by(AuditLog.action))
    named = AuditLog.entity_type.is_not(None)
    things = await tx.session.scalars(select(AuditLog.entity_type).where(named).distinct())
    return actions.all(), sorted(thing for thing in things if thing)


def audit_json(row: AuditLog, email: str | None) -> Json:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "user_id": row.user_id,
        "user_email": email,
        "action": row.action,
        "entity_type": row.entity_type,
        "entity_id": row.entity_id,
        "old_values": row.old_values,
        "new_values": row.new_values,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
        "created_at": when(row.created_at),
        "sequence": row.sequence,
        "previous_hash": row.previous_hash,
        "hash": row.hash,
    }
