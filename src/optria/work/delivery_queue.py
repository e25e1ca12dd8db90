"""The rows of the queues: claimed for a while, sent outside any transaction, settled by the claim alone."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from optria.db.delivery import Delivery, DeliveryState, WebhookDelivery
from optria.db.session import Tx
from optria.kit import clock
from optria.work.delivery_channels import NotSent
from optria.work.delivery_planning import MAX_TRIES, next_try

LEASE: Final = timedelta(seconds=60)
"""A sender that has not said how it went after this long is taken for dead."""
TOO_OLD: Final = timedelta(days=8)
"""Longer than any quiet hours; nobody wants older news."""

FAILING: Final = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEAD)

Row = TypeVar("Row", Delivery, WebhookDelivery)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one row until the lease is over."""

    row_id: int | UUID
    token: UUID
    attempts: int


def is_due(table: type[Row]) -> ColumnElement[bool]:
    """By the database's clock, and for what nobody has claimed by ours too.

    A jump of our clock frees no claim, so nothing goes out twice; a jump back holds nothing up.
    """
    waits = table.status != DeliveryState.SENDING
    return or_(table.next_attempt_at <= func.now(), and_(waits, table.next_attempt_at <= clock.now()))


async def first_due(tx: Tx, table: type[Row], *mine: ColumnElement[bool]) -> Row | None:
    """The next row of a destination, locked; rows that another sender looks at are left to it."""
    statement = (
        select(table)
        .where(is_due(table), *mine)
        .order_by(table.next_attempt_at, table.created_at, table.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


def is_hopeless(row: Delivery | WebhookDelivery) -> bool:
    """Ends a row that nobody finished in all its tries, or that waited too long."""
    if row.attempts >= MAX_TRIES:
        finish(row, DeliveryState.DEAD, row.last_error or "The sender died at every try.")
        return True
    if row.created_at < clock.now() - TOO_OLD:
        finish(row, DeliveryState.DEAD, "It waited too long to be news.")
        return True
    return False


def claim(row: Delivery | WebhookDelivery) -> Claim:
    """Take a locked row; it counts as a try whether or not we live to say how it went."""
    row.status = DeliveryState.SENDING
    row.attempts += 1
    row.claim = uuid4()
    row.next_attempt_at = func.now() + LEASE
    return Claim(row.id, row.claim, row.attempts)


def finish(row: Delivery | WebhookDelivery, state: DeliveryState, why: str | None = None) -> None:
    """The last state of a locked row."""
    row.status, row.last_error = state, why
    row.next_attempt_at = row.claim = None


async def settle(tx: Tx, table: type[Row], taken: Claim, failure: NotSent | None) -> datetime | None:
    """Write how a try went, if the claim still holds; when the next one is, None for no more."""
    again_at = None if failure is None else _again_at(taken, failure)
    values: dict[str, object] = {"claim": None, "next_attempt_at": again_at}
    if failure is None:
        values |= {"status": DeliveryState.DELIVERED, "delivered_at": clock.now(), "last_error": None}
    else:
        state = DeliveryState.DEAD if again_at is None else DeliveryState.PENDING
        values |= {"status": state, "last_error": str(failure)}
    statement = update(table).where(table.id == taken.row_id, table.claim == taken.token).values(**values)
    await tx.session.execute(statement)
    return again_at


def _again_at(taken: Claim, failure: NotSent) -> datetime | None:
    if failure.is_final:
        return None
    return next_try(taken.attempts, clock.now(), random.random(), failure.retry_after_s)


async def counts(tx: Tx) -> Mapping[str, Mapping[str, int]]:
    """Channel (``webhook`` among them) to state to rows, of the tenants that the transaction sees."""
    people = select(Delivery.channel, Delivery.status, func.count()).group_by(
        Delivery.channel, Delivery.status
    )
    hooks = select(WebhookDelivery.status, func.count()).group_by(WebhookDelivery.status)
    found: dict[str, dict[str, int]] = {}
    for channel, status, number in await tx.session.execute(people):
        found.setdefault(channel, {})[status] = number
    for status, number in await tx.session.execute(hooks):
        found.setdefault("webhook", {})[status] = number
    return found


async def last_failures(tx: Tx, table: type[Row], limit: int) -> Sequence[Row]:
    """The newest rows that failed and were not delivered since."""
    statement = (
        select(table)
        .where(table.last_error.is_not(None), table.status.in_(FAILING))
        .order_by(table.created_at.desc())
        .limit(limit)
    )
    return (await tx.session.execute(statement)).scalars().all()
