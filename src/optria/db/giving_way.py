"""An upgrade among others: alone among upgrades, and giving way to everybody else.

Whoever waits for a migration too long has it cancelled and begun again later. A lock that is waited for is in
the way of everybody who comes later, and locks that are held pile up over the statements of a revision: their
own time-outs bound each wait, this bounds what others feel of them all.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from optria.core.errors import DatabaseUnavailable

log = structlog.get_logger(__name__)

LOCK_KEY = 0x6F707472  # "optr"
LOCK_PATIENCE_S = 600.0
LONGEST_S = (0.4, 0.8)
"""Others wait so long at the first try, and at most: what keeps its locks for longer gets more of it."""
MORE_S = 0.05
LOOK_EVERY_S = 0.1
IN_USE = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.QueryCanceledError)
"""How it shows that a table was in use for too long."""

_PID = text("SELECT pg_backend_pid()")
_CANCEL = text(
    """
    SELECT pg_cancel_backend(:pid) WHERE EXISTS (
        SELECT 1 FROM pg_locks AS waiting
        JOIN pg_stat_activity AS who ON who.pid = waiting.pid AND who.backend_type = 'client backend'
        WHERE NOT waiting.granted AND waiting.pid <> :pid
          AND clock_timestamp() - waiting.waitstart > make_interval(secs => :longest)
          AND :pid = ANY(pg_blocking_pids(waiting.pid))
    )
    """
)


@asynccontextmanager
async def giving_way(engine: AsyncEngine, migrating: AsyncConnection, tries: int = 0) -> AsyncGenerator[None]:
    """While the block runs on ``migrating``, nobody waits for it long; after ``tries`` a bit longer."""
    pid = await migrating.scalar(_PID)
    await migrating.rollback()
    longest_s = min(LONGEST_S[0] + MORE_S * tries, LONGEST_S[1])
    try:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_watch(engine, int(pid or 0), longest_s))
            try:
                yield
            finally:
                watching.cancel()
    except BaseExceptionGroup as failures:
        (failure, *_) = failures.exceptions
        raise failure from failure.__cause__


async def _watch(engine: AsyncEngine, pid: int, longest_s: float) -> None:
    """A snapshot that is kept would hold up index builds, so each look is a transaction of its own."""
    try:
        async with engine.connect() as opened:
            connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
            while True:
                if await connection.scalar(_CANCEL, {"pid": pid, "longest": longest_s}):
                    log.info("migration_gave_way")
                await asyncio.sleep(LOOK_EVERY_S)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("migration_not_watched", error=str(error).partition("\n")[0])


@asynccontextmanager
async def alone(engine: AsyncEngine) -> AsyncGenerator[None]:
    """One upgrade at a time, whatever pooler is in between.

    A statement that waits, and even the finished one of an open transaction, keeps a snapshot that concurrent
    index builds wait for: so the lock is polled, and another statement follows the one that got it.
    """
    deadline = time.monotonic() + LOCK_PATIENCE_S
    async with engine.connect() as connection:
        while not await connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": LOCK_KEY}):
            await connection.rollback()
            if time.monotonic() > deadline:
                raise DatabaseUnavailable("Another upgrade of this database does not come to an end.")
            await anyio.sleep(0.2)
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield
