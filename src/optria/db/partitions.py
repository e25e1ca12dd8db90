"""The daily partitions of the history: made ahead, and retired once they are old."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from optria.core.errors import DatabaseUnavailable

RETIRE_TIMEOUT_S: Final = 600.0
"""For one day: its recordings are copied, which is a scan of all its samples."""
NEEDED_AHEAD: Final = 1
"""Days after today that must have a partition."""
_DAYS: Final = text(
    "SELECT to_date(right(part.relname, 8), 'YYYYMMDD') AS day, pg_total_relation_size(part.oid) AS bytes,"
    " obj_description(part.oid, 'pg_class') IS NOT DISTINCT FROM 'recordings only' AS is_retired"
    " FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid"
    " WHERE inhparent = 'history_chunks'::regclass AND part.relname ~ '^history_chunks_[0-9]{8}$' ORDER BY 1"
)
_THERE: Final = text(
    "SELECT to_regclass('public.' || name) IS NOT NULL FROM unnest(:names) WITH ORDINALITY AS n(name, place)"
    " ORDER BY place"
).bindparams(bindparam("names", type_=ARRAY(Text)))


@dataclass(frozen=True, slots=True)
class HistoryDay:
    """One day (UTC) of the history; of a retired one only the recordings of incidents are left."""

    day: date
    bytes: int
    is_retired: bool


class Retired(StrEnum):
    """What became of a day that was to be retired."""

    DROPPED = "dropped"
    REDUCED = "reduced"
    """Only the recordings of sealed incidents are left."""
    RETIRED = "retired"
    """It was reduced before."""
    NEEDED = "needed"
    """An open incident or a recording without a seal lies in it."""
    ABSENT = "absent"


async def ensure_partitions(connection: AsyncConnection | AsyncSession, first_day: date, days: int) -> int:
    """Make the partitions of ``days`` days from ``first_day`` (UTC) on; how many were missing.

    The serving role may call this: the function runs with the rights of the owner. A day without a partition
    takes no history, so this is called ahead of time, and for every day that a backfill touches.
    """
    found = await connection.scalar(
        text("SELECT optria_ensure_history_partitions(:first_day, :days)"),
        {"first_day": first_day, "days": days},
    )
    return int(found or 0)


async def history_days(connection: AsyncConnection | AsyncSession) -> list[HistoryDay]:
    """Every day that has a partition, the oldest first."""
    return [HistoryDay(*row) for row in await connection.execute(_DAYS)]


async def days_without_partition(connection: AsyncConnection | AsyncSession, today: date) -> list[date]:
    """The days from today on whose samples could not be stored."""
    wanted = [today + timedelta(days=ahead) for ahead in range(NEEDED_AHEAD + 1)]
    there = await connection.execute(_THERE, {"names": [f"history_chunks_{day:%Y%m%d}" for day in wanted]})
    return [day for day, (found,) in zip(wanted, there, strict=True) if not found]


async def retire_day(session: AsyncSession, day: date) -> Retired:
    """Drop a day of the history, but for the recordings that are sealed in it.

    Readers and writers of other days wait a fifth of a second at most: the function gives up then.

    Raises:
        asyncpg.LockNotAvailableError: others use the history without a pause; to be tried again.
        DatabaseUnavailable: the connection was lost.
    """
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    if driver is None:
        raise DatabaseUnavailable("The connection to the database was closed. It is opened again.")
    await connection.execute(text("SET LOCAL statement_timeout = 0"))
    word = await driver.fetchval("SELECT optria_retire_history_day($1)", day, timeout=RETIRE_TIMEOUT_S)
    return Retired(word)
