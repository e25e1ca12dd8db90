"""The keys of repeatable requests: taken with the deed, kept with its answer for a day, one row each."""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fastapi import Request, Response
from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from optria.core.errors import Conflict, Invalid
from optria.db.requests import RequestKey
from optria.db.session import Tx
from optria.kit import clock

HEADER: Final = "Idempotency-Key"
KEPT_FOR: Final = timedelta(hours=24)
LARGEST_ANSWER_BYTES: Final = 256 * 1024
SWEPT_AT_ONCE: Final = 200
OF_THE_PLATFORM: Final = 0
"""Stands for the tenant of a request of a platform owner that concerns none."""
_SECRET: Final = re.compile(rb'"\w*(password|secret|token)"\s*:\s*"', re.IGNORECASE)
"""A field that is told once and stored nowhere in clear."""
_COLUMNS: Final = (RequestKey.tenant_id, RequestKey.user_id, RequestKey.key)


class StillRunning(Conflict):
    """The first request with this key has not ended: HTTP 409 with ``Retry-After``."""


class Repeated(Exception):
    """No error: the answer is known already. Raised to leave a transaction without doing anything."""

    def __init__(self, status: int, answer: str) -> None:
        super().__init__()
        self.status, self.answer = status, answer


@dataclass(slots=True)
class Repeatable:
    """A request with a key; ``place`` is known once the key is claimed, ``tx`` if that is the deed's own."""

    key: str
    fingerprint: str
    place: tuple[int, int, str] | None = None
    tx: Tx | None = None


async def claim_with_deed(tx: Tx, tenant_id: int, user_id: int, request: Request) -> None:
    """Take the key of a request, if it has one, in the transaction of its deed. Raises as :func:`claim`."""
    asked: Repeatable | None = getattr(request.state, "repeatable", None)
    if asked is not None:
        await claim(tx, tenant_id, user_id, asked)
        asked.tx = tx


async def claim(tx: Tx, tenant_id: int, user_id: int, asked: Repeatable) -> None:
    """Take a key that is free.

    Raises:
        Repeated: the deed was done; the answer is the one given then.
        StillRunning: it is being done, or was cut off in the middle.
        Conflict: it was done, and its answer was not kept.
        Invalid: the key was used for another request.
    """
    place = (tenant_id, user_id, asked.key)
    await _lock(tx, place)
    await _sweep(tx, tenant_id)
    if not await _inserted(tx, place, asked.fingerprint):
        _answer_again(await tx.session.get_one(RequestKey, place), asked)
    asked.place = place


def _answer_again(row: RequestKey, asked: Repeatable) -> None:
    if row.fingerprint != asked.fingerprint:
        raise Invalid(f"This {HEADER} was used for another request. Use a new one for each request.")
    if row.status is None:
        raise StillRunning("This request is being carried out, or was cut off. Look at what it has changed.")
    if row.answer is None:
        raise Conflict("This request was carried out, but its answer was not kept. Look at what it changed.")
    raise Repeated(row.status, row.answer)


async def _lock(tx: Tx, place: tuple[int, int, str]) -> None:
    """Until the transaction ends, also over a pooler. Two keys of one hash hinder each other for a moment."""
    number = int.from_bytes(hashlib.sha256(repr(place).encode()).digest()[:8], "big", signed=True)
    if not await tx.session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise StillRunning("This request is being carried out. Ask again in a moment.")


async def _inserted(tx: Tx, place: tuple[int, int, str], fingerprint: str) -> bool:
    """Whether the key was free: never used, or longer ago than keys are kept."""
    now = clock.now()
    new = {"fingerprint": fingerprint, "status": None, "answer": None, "created_at": now}
    statement = (
        insert(RequestKey)
        .values(tenant_id=place[0], user_id=place[1], key=place[2], **new)
        .on_conflict_do_update(
            index_elements=_COLUMNS, set_=new, where=RequestKey.created_at < now - KEPT_FOR
        )
        .returning(RequestKey.key)
    )
    return await tx.session.scalar(statement) is not None


async def _sweep(tx: Tx, tenant_id: int) -> None:
    """Remove some of the tenant's old keys; those that another transaction is removing are left to it."""
    old = (
        select(*_COLUMNS)
        .where(RequestKey.tenant_id == tenant_id, RequestKey.created_at < clock.now() - KEPT_FOR)
        .limit(SWEPT_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await tx.session.execute(delete(RequestKey).where(tuple_(*_COLUMNS).in_(old)))


async def keep(tx: Tx, place: tuple[int, int, str], response: Response) -> None:
    """Store the answer of a claimed request; of one that is large, no JSON or secret, the status alone."""
    body = bytes(getattr(response, "body", b"\0"))
    is_json = not body or response.headers.get("content-type", "").startswith("application/json")
    is_kept = is_json and len(body) <= LARGEST_ANSWER_BYTES and not _SECRET.search(body)
    answer = body.decode() if is_kept else None
    statement = update(RequestKey).where(tuple_(*_COLUMNS) == place)
    await tx.session.execute(statement.values(status=response.status_code, answer=answer))


async def free(tx: Tx, place: tuple[int, int, str]) -> None:
    """Give a key back whose request was refused."""
    await tx.session.execute(delete(RequestKey).where(tuple_(*_COLUMNS) == place))
