"""Is a chain of the audit log whole? Walks it row by row, and tells its head for keeping elsewhere.

A row that was changed, removed or moved breaks the chain at its place. Whoever may write every table can
write the whole chain anew from there on; only a head that was exported earlier shows that.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, cast, func, select

from optria.db.audit import GENESIS, HASHED, NOBODY, digest
from optria.db.identity import AuditHead, AuditLog, Tenant
from optria.db.session import Tx

PAGE: Final = 1000
JSONS: Final = frozenset({"old_values", "new_values"})


@dataclass(frozen=True, slots=True)
class Break:
    """The first place of a chain that is not as it was written, and what is wrong there."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """``length`` rows by the head, ``checked`` of them read; ``unchained`` rows of version 1 beside them."""

    length: int
    checked: int
    unchained: int
    first_bad: Break | None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain; ``tenant`` is its code, both are None for the chain of nobody's tenant."""

    tenant_id: int | None
    tenant: str | None
    sequence: int
    hash: str
    time: datetime


@dataclass(slots=True)
class _Walk:
    """Where a walk along a chain has come to."""

    expected: int
    previous_hash: str
    exported: Mapping[int, str]
    checked: int = field(default=0)

    def step(self, row: Mapping[str, Any]) -> Break | None:
        if row["sequence"] != self.expected:
            return Break(self.expected, "the row is missing")
        if digest(row) != row["hash"]:
            return Break(self.expected, "the row was changed")
        if row["previous_hash"] != self.previous_hash:
            return Break(self.expected, "the row does not follow the one before it")
        if self.exported.get(self.expected, row["hash"]) != row["hash"]:
            return Break(self.expected, "the row is not the one of the exported head")
        self.previous_hash = row["hash"]
        self.expected += 1
        self.checked += 1
        return None


async def check_chain(
    tx: Tx, tenant_id: int | None, exported: Mapping[int, str] | None = None, newest: int | None = None
) -> ChainReport:
    """Walk along a chain (None: that of nobody's tenant) up to its head.

    Args:
        exported: hashes that were kept elsewhere, by sequence.
        newest: only so many of the last rows; the hash before them is believed.
    """
    length, last_hash, highest = await _ends(tx, tenant_id)
    first = 1 if newest is None else max(1, length - newest + 1)
    walk = _Walk(first, await _hash_before(tx, tenant_id, first), exported or {})
    bad = await _walk(tx, tenant_id, walk, length)
    bad = bad or _compare_ends(walk, length, last_hash, highest)
    return ChainReport(length, walk.checked, await _count_unchained(tx, tenant_id), bad)


async def read_heads(tx: Tx) -> list[Head]:
    """The head of every chain that has rows, in a transaction of the platform."""
    query = (
        select(AuditHead, Tenant.code)
        .join(Tenant, Tenant.id == AuditHead.tenant_id, isouter=True)
        .order_by(AuditHead.tenant_id)
    )
    found = await tx.session.execute(query)
    return [
        Head(head.tenant_id or None, code, head.sequence, head.hash, head.updated_at) for head, code in found
    ]


async def _walk(tx: Tx, tenant_id: int | None, walk: _Walk, length: int) -> Break | None:
    async for row in _rows(tx, tenant_id, walk.expected, length):
        if bad := walk.step(row):
            return bad
    return None


def _compare_ends(walk: _Walk, length: int, last_hash: str, highest: int) -> Break | None:
    furthest = max(walk.exported, default=0)
    if walk.expected <= length:
        return Break(walk.expected, "the row is missing")
    if highest > length:
        return Break(length + 1, "the row lies beyond the head of the chain")
    if furthest > length:
        return Break(length + 1, f"the row is missing: an exported head has sequence {furthest}")
    if walk.previous_hash != last_hash:
        return Break(length, "the head of the chain has another hash")
    return None


async def _ends(tx: Tx, tenant_id: int | None) -> tuple[int, str, int]:
    """Sequence and hash of the head, and the highest sequence of a row, as of one moment."""
    head = AuditHead.tenant_id == (tenant_id or NOBODY)
    query = select(
        select(AuditHead.sequence).where(head).scalar_subquery(),
        select(AuditHead.hash).where(head).scalar_subquery(),
        select(func.max(AuditLog.sequence)).where(_of(tenant_id)).scalar_subquery(),
    )
    length, last_hash, highest = (await tx.session.execute(query)).one()
    return length or 0, last_hash or GENESIS, highest or 0


async def _hash_before(tx: Tx, tenant_id: int | None, first: int) -> str:
    if first == 1:
        return GENESIS
    query = select(AuditLog.hash).where(_of(tenant_id), AuditLog.sequence == first - 1)
    return await tx.session.scalar(query) or GENESIS


async def _rows(tx: Tx, tenant_id: int | None, first: int, last: int) -> AsyncGenerator[dict[str, Any]]:
    """The rows of a chain in order, a page at a time: a chain of any length fits in memory."""
    columns = [AuditLog.__table__.c[name] for name in (*HASHED, "hash")]
    as_text = [
        cast(column, Text).label(column.name) if column.name in JSONS else column for column in columns
    ]
    query = select(*as_text).where(_of(tenant_id)).order_by(AuditLog.sequence).limit(PAGE)
    while first <= last:
        span = query.where(AuditLog.sequence.between(first, last))
        page = (await tx.session.execute(span)).all()
        for row in page:
            yield row._asdict()
        if len(page) < PAGE:
            return
        first = page[-1].sequence + 1


async def _count_unchained(tx: Tx, tenant_id: int | None) -> int:
    query = select(func.count()).where(_of(tenant_id), AuditLog.sequence.is_(None))
    return await tx.session.scalar(query) or 0


def _of(tenant_id: int | None) -> ColumnElement[bool]:
    return AuditLog.tenant_id.is_(None) if tenant_id is None else AuditLog.tenant_id == tenant_id
