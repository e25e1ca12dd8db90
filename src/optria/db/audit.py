"""The audit log as chains of hashes: one of each tenant, and one of the deeds that belong to none.

A row holds the SHA-256 of itself and of the hash before it, so that a changed, removed or moved row shows
(:mod:`optria.db.audit_check`). Rows are gathered while a transaction is open and chained just before its
commit: the head of the chain is the last lock it takes, and deeds of a tenant wait for each other only as
long as a commit lasts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import event, insert, null, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.unitofwork import UOWTransaction

from optria.db.identity import AuditHead, AuditLog
from optria.kit import clock

NOBODY: Final = 0
"""The ``tenant_id`` of the head of the chain that belongs to no tenant."""
GENESIS: Final = "0" * 64
"""What the first row of a chain has for the hash before it."""
HASHED: Final = (
    "id",
    "tenant_id",
    "user_id",
    "action",
    "entity_type",
    "entity_id",
    "old_values",
    "new_values",
    "ip_address",
    "user_agent",
    "created_at",
    "sequence",
    "previous_hash",
)
"""The columns that a hash covers: all others. Another column would need another way to hash."""
GIVEN: Final = tuple(name for name in HASHED if name not in {"id", "sequence", "previous_hash"})
WAITING: Final = "audit_rows"
SAVEPOINTS: Final = "audit_savepoints"

AS_STORED = text(
    """
    SELECT nextval(pg_get_serial_sequence('audit_logs', 'id')) AS id,
           CAST(CAST(:old_values AS text) AS jsonb)::text AS old_values,
           CAST(CAST(:new_values AS text) AS jsonb)::text AS new_values
    """
)


def digest(row: Mapping[str, object]) -> str:
    """The hash of a row: SHA-256 of its columns as JSON with sorted keys, no spaces and ASCII only.

    Times are UTC with microseconds. ``old_values`` and ``new_values`` are the text that PostgreSQL writes for
    a ``jsonb``, because that comes back the same whoever wrote it: 1e2 is stored as 100, keys in its order.
    """
    words = {name: _spelled(row[name]) for name in HASHED}
    return hashlib.sha256(json.dumps(words, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def chain_at_commit(sessions: type[Session]) -> None:
    """Have every session of a class chain the rows of ``audit_logs`` that are added to it.

    They are stored at the commit, so an earlier query of the same transaction does not find them.
    """
    event.listen(sessions, "before_flush", _gather)
    event.listen(sessions, "before_commit", _store)
    event.listen(sessions, "after_transaction_create", _remember_savepoint)
    event.listen(sessions, "after_soft_rollback", _undo)


def _gather(session: Session, context: UOWTransaction, instances: Sequence[object] | None) -> None:
    for row in [row for row in session.new if isinstance(row, AuditLog)]:
        session.expunge(row)
        row.created_at = row.created_at or clock.now()
        session.info.setdefault(WAITING, []).append(row)


def _store(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    rows: list[AuditLog] = session.info.pop(WAITING, [])
    rows.sort(key=_chain_of)
    for chain, its_rows in groupby(rows, key=_chain_of):
        _extend(session, chain, list(its_rows))


def _chain_of(row: AuditLog) -> int:
    return row.tenant_id or NOBODY


def _extend(session: Session, chain: int, rows: Sequence[AuditLog]) -> None:
    length, last_hash = _lock_head(session, chain)
    for sequence, row in enumerate(rows, length + 1):
        last_hash = _insert(session, row, sequence, last_hash)
    session.execute(
        update(AuditHead)
        .where(AuditHead.tenant_id == chain)
        .values(sequence=length + len(rows), hash=last_hash, updated_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _lock_head(session: Session, chain: int) -> tuple[int, str]:
    wanted = select(AuditHead.sequence, AuditHead.hash).where(AuditHead.tenant_id == chain).with_for_update()
    head = session.execute(wanted).one_or_none()
    if head is None:
        first = postgresql.insert(AuditHead).values(tenant_id=chain, sequence=0, hash=GENESIS)
        session.execute(first.on_conflict_do_nothing())
        head = session.execute(wanted).one()
    return head.sequence, head.hash


def _insert(session: Session, row: AuditLog, sequence: int, previous_hash: str) -> str:
    """Store a row at its place in the chain; its hash."""
    given = {name: getattr(row, name) for name in GIVEN}
    stored = session.execute(AS_STORED, {name: _json(given[name]) for name in ("old_values", "new_values")})
    place = {"sequence": sequence, "previous_hash": previous_hash}
    words: dict[str, Any] = given | place | dict(stored.one()._mapping)
    own_hash = digest(words)
    values = {name: null() if value is None else value for name, value in given.items()}
    session.execute(
        insert(AuditLog.__table__).values(values | place | {"id": words["id"], "hash": own_hash})  # type: ignore[arg-type]
    )
    return own_hash


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value)


def _spelled(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def _remember_savepoint(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        before = len(session.info.get(WAITING, ()))
        session.info.setdefault(SAVEPOINTS, {})[transaction] = before


def _undo(session: Session, transaction: SessionTransaction) -> None:
    """What was gathered since a savepoint, or in all, is rolled back with the rest.

    A flush is a transaction within one; when it fails, that one is rolled back.
    """
    while not transaction.nested and transaction.parent is not None:
        transaction = transaction.parent
    kept = session.info.get(SAVEPOINTS, {}).get(transaction, 0)
    del session.info.get(WAITING, [])[kept:]
