"""Leases of streams: one process at a time runs what a lease names, by the clock of the database alone.

Each take-over raises the epoch. What is stored under a lease asks for it in the same transaction
(:func:`confirm`): a process that was paused for longer than its lease finds that another holds it, and stores
nothing more. See Kleppmann, "How to do distributed locking" (2016), on fencing.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from optria.core.errors import Fenced
from optria.db.base import Base, Code100, Line, TenantOwned
from optria.db.session import Database, Tx

LEASE_S = 6.0
"""A holder that has not been heard of for this long is gone."""


class LeaseRow(Base):
    """``expires_at`` is set and read by the clock of the database."""

    __tablename__ = "stream_leases"

    name: Mapped[Code100] = mapped_column(primary_key=True)
    holder: Mapped[Line]
    epoch: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]


class CheckpointHead(TenantOwned, Base):
    """The number of the newest checkpoint of a name: an older one in its place is seen."""

    __tablename__ = "checkpoint_heads"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    generation: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class Lease:
    """What a holder holds: the ``epoch`` names its turn."""

    name: str
    holder: str
    epoch: int


_MAKE = text(
    "INSERT INTO stream_leases (name, holder, epoch, expires_at)"
    " VALUES (:name, '', 0, '-infinity') ON CONFLICT (name) DO NOTHING"
)
_CLAIM = text(
    "UPDATE stream_leases SET holder = :holder, epoch = epoch + 1,"
    " expires_at = clock_timestamp() + make_interval(secs => :lease_s)"
    " WHERE name = (SELECT name FROM stream_leases WHERE name = :name"
    "  AND (expires_at <= clock_timestamp() OR holder = ANY(:gone)) FOR UPDATE SKIP LOCKED)"
    " RETURNING epoch"
)
_RENEW = text(
    "UPDATE stream_leases SET expires_at = clock_timestamp() + make_interval(secs => :lease_s)"
    " WHERE name = :name AND holder = :holder AND epoch = :epoch RETURNING epoch"
)
_CONFIRM = text(
    "SELECT 1 FROM stream_leases WHERE name = :name AND holder = :holder AND epoch = :epoch FOR SHARE"
)
_END = text(
    "UPDATE stream_leases SET holder = '', expires_at = '-infinity'"
    " WHERE name = :name AND holder = :holder AND epoch = :epoch"
)
_HOLDER = text("SELECT holder FROM stream_leases WHERE name = :name")


def _named(lease: Lease) -> dict[str, object]:
    return {"name": lease.name, "holder": lease.holder, "epoch": lease.epoch}


async def claim(
    database: Database, name: str, holder: str, lease_s: float = LEASE_S, gone: tuple[str, ...] = ()
) -> Lease | None:
    """Take a lease that is free, has run out or is held by one of ``gone``; None while another holds it."""
    async with database.platform("leases of streams") as tx:
        await tx.session.execute(_MAKE, {"name": name})
        values = {"name": name, "holder": holder, "lease_s": lease_s, "gone": list(gone)}
        epoch = await tx.session.scalar(_CLAIM, values)
    return None if epoch is None else Lease(name, holder, epoch)


async def renew(database: Database, lease: Lease, lease_s: float = LEASE_S) -> bool:
    """Hold it for longer; False when another has taken it over. One that ran out and nobody took is kept."""
    async with database.platform("leases of streams") as tx:
        return await tx.session.scalar(_RENEW, _named(lease) | {"lease_s": lease_s}) is not None


async def confirm(tx: Tx, lease: Lease) -> None:
    """Hold the lease still until this transaction ends.

    Raises:
        Fenced: another process has taken it over; nothing of this transaction may be stored.
    """
    if await tx.session.scalar(_CONFIRM, _named(lease)) is None:
        raise Fenced(
            f"Another server has taken over the {lease.name} while this one was not heard of. "
            "What it held is read again there; nothing is to be done."
        )


async def end(database: Database, lease: Lease) -> None:
    """Give it back, so that the next one need not wait."""
    async with database.platform("leases of streams") as tx:
        await tx.session.execute(_END, _named(lease))


async def holder_of(database: Database, name: str) -> str | None:
    """Who holds a lease or held it last; None for nobody."""
    async with database.platform("leases of streams") as tx:
        return await tx.session.scalar(_HOLDER, {"name": name}) or None


async def holders(database: Database, beginning: str) -> list[str]:
    """Who holds leases whose names begin so, now."""
    statement = text(
        "SELECT DISTINCT holder FROM stream_leases"
        " WHERE starts_with(name, :beginning) AND expires_at > clock_timestamp()"
    )
    async with database.platform("leases of streams") as tx:
        return list(await tx.session.scalars(statement, {"beginning": beginning}))
