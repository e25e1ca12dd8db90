"""From the stream to stored history: what waits in memory and on disk, and the task that empties both."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import accumulate, islice, takewhile
from typing import Final

import asyncpg
import numpy as np
import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.core.errors import DatabaseUnavailable
from optria.core.tag import SampleBatch
from optria.db.session import Database, Tx
from optria.streams.history_writer import HistoryWriter
from optria.streams.space import Space
from optria.streams.spool import Spool

log = structlog.get_logger(__name__)

SLICE: Final = 100_000
"""Samples per transaction: up to 0.5 s of both sides' work, far from the time-out of a command."""
SPOOL_BEYOND: Final = 500_000
SPOOL_AFTER_S: Final = 30.0
"""What waits in memory goes to disk when it is more than this, or older, although the database answers."""
RETRY_S: Final = 2.0
LAST_FLUSH_S: Final = 5.0
REFUSALS: tuple[type[Exception], ...] = (
    DatabaseUnavailable,
    SQLAlchemyError,
    asyncpg.PostgresError,  # the COPY does not go through SQLAlchemy
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)


class Historian:
    """The way of a tenant's samples into the database, and where they wait when it is away.

    ``offer`` never waits. What a flush could not write goes to the ``spool``, which is written back oldest
    first; a sample is stored once, however often it is handed over. Beyond ``capacity`` samples in memory
    (the spool refuses more) new ones are shed and counted by reason: the oldest, which no backfill brings
    back, stay. ``space`` says when the database's disk runs full; then nothing is written.
    """

    def __init__(
        self,
        database: Database | None,
        tenant_id: int,
        capacity: int = 2_000_000,
        flush_s: float = 5.0,
        spool: Spool | None = None,
        space: Space | None = None,
    ) -> None:
        self._database, self._tenant_id = database, tenant_id
        self.capacity, self.flush_s = capacity, flush_s
        self.spool, self.space = spool, space
        self._waiting: deque[tuple[float, SampleBatch]] = deque()
        self._writer = HistoryWriter(database, tenant_id) if database else None
        self._is_known = False
        self._taking = asyncio.Lock()
        self.buffered = 0
        self.written = 0
        self.repeated = 0
        """Samples that were handed over and had been stored before."""
        self.shed_by: Counter[str] = Counter()
        self.last_error: str | None = None

    @property
    def is_ours(self) -> Callable[[Tx], Awaitable[bool]] | None:
        """Asked in each transaction: whether nobody else stores samples of this tenant."""
        return self._writer.is_ours if self._writer else None

    @is_ours.setter
    def is_ours(self, asked: Callable[[Tx], Awaitable[bool]]) -> None:
        if self._writer is not None:
            self._writer.is_ours = asked

    @property
    def shed(self) -> int:
        return self.shed_by.total()

    @property
    def waiting_s(self) -> float:
        """How long the oldest sample in memory waits."""
        return time.monotonic() - self._waiting[0][0] if self._waiting else 0.0

    def offer(self, batch: SampleBatch) -> None:
        """Keep samples for the next flush; without a database, nothing."""
        if self._database is None:
            return
        room = self.capacity - self.buffered
        if len(batch) > room:
            self.shed_by[self._reason()] += len(batch) - room
            batch = batch.select(np.arange(room))
        for start in range(0, len(batch), SLICE):
            part = batch.select(np.arange(start, min(start + SLICE, len(batch))))
            self._waiting.append((time.monotonic(), part))
        self.buffered += len(batch)

    def _reason(self) -> str:
        refusal = self.spool.figures.refusal if self.spool else None
        return refusal or "memory_full"

    async def flush(self) -> int:
        """Write what waits on disk and then in memory, the oldest first, at most ``SLICE`` samples per
        transaction; their number.

        Raises:
            DatabaseUnavailable: what is not written is kept for the next try.
        """
        if self._writer is None or self._database is None:
            return 0
        async with self._taking:  # whoever else asks meanwhile must not take the same samples
            return await self._flush(self._writer, self._database)

    async def _flush(self, writer: HistoryWriter, database: Database) -> int:
        before = self.written
        try:
            if self.space is not None and (why := await self.space.lacking(database)):
                raise DatabaseUnavailable(why)
            await self._drain(writer)
            await self._write_waiting(writer)
        except REFUSALS as error:
            raise self._unavailable(error) from error
        self.last_error = None
        return self.written - before

    async def _write_waiting(self, writer: HistoryWriter) -> None:
        until = self.written + self.buffered
        while self.written < until and self._waiting:
            taken = self._oldest()
            await self._store(writer, SampleBatch.concat(taken))
            self._forget(len(taken))
            if self._is_behind():
                await self._to_spool()
                await self._drain(writer)

    async def _drain(self, writer: HistoryWriter) -> None:
        """Empty the spool; much that comes meanwhile goes behind it."""
        if self.spool is None or not self.spool.figures.samples:
            return
        if not self._is_known:  # a data folder may have served another database before
            await self.spool.belongs_to(await writer.identity())
            self._is_known = True
        while found := await self.spool.oldest():
            spooled, batch = found
            await self._store(writer, batch)
            await self.spool.remove(spooled)
            if self._is_behind():
                await self._to_spool()

    async def _store(self, writer: HistoryWriter, batch: SampleBatch) -> None:
        new = await writer.store(batch)
        self.written += len(batch)
        self.repeated += len(batch) - new

    def _unavailable(self, error: Exception) -> DatabaseUnavailable:
        self.last_error = str(error).splitlines()[0] if str(error) else type(error).__name__
        if self.space is not None:
            self.space.told(error)
        where = f"{self.buffered} samples wait in memory"
        if self.spool is not None:
            where += f", {self.spool.figures.samples} on disk"
        return DatabaseUnavailable(f"The history cannot be written ({self.last_error}). {where}.")

    def _is_behind(self) -> bool:
        return self.spool is not None and (self.buffered > SPOOL_BEYOND or self.waiting_s > SPOOL_AFTER_S)

    async def _to_spool(self) -> None:
        """What waits in memory goes to disk as far as there is room; the rest goes on waiting."""
        while self.spool is not None and self._waiting:
            taken = self._oldest()
            if not await self.spool.append(SampleBatch.concat(taken)):
                return
            self._forget(len(taken))

    def _oldest(self) -> list[SampleBatch]:
        """The batches of the next slice; they stay where they are until they are stored."""
        sizes = accumulate(len(batch) for _, batch in self._waiting)
        fitting = sum(1 for _ in takewhile(lambda size: size <= SLICE, sizes))
        return [batch for _, batch in islice(self._waiting, fitting)]

    def _forget(self, batches: int) -> None:
        for _ in range(batches):
            self.buffered -= len(self._waiting.popleft()[1])

    async def run(self) -> None:
        """Flush every ``flush_s`` until cancelled, then once more; what cannot be written goes to disk."""
        if self._writer is None:
            return
        try:
            if self.spool is not None:
                await self.spool.take_up()
            while True:
                is_written = await self._turn(self._writer)
                await asyncio.sleep(self.flush_s if is_written else min(self.flush_s, RETRY_S))
        except asyncio.CancelledError:
            await self._last_flush()
            raise

    async def _turn(self, writer: HistoryWriter) -> bool:
        """Write what waits; whether that went well. Said once when not, and once when again."""
        was_away = self.last_error is not None
        try:
            await self._ensure_ahead(writer)
            await self.flush()
        except DatabaseUnavailable as error:
            if not was_away:
                log.warning("history_waits", tenant=self._tenant_id, error=str(error))
            async with self._taking:
                await self._to_spool()
            return False
        if was_away:
            log.info("history_goes_on", tenant=self._tenant_id, written=self.written)
        return True

    async def _ensure_ahead(self, writer: HistoryWriter) -> None:
        try:
            await writer.ensure_ahead()
        except REFUSALS as error:
            raise self._unavailable(error) from error

    async def _last_flush(self) -> None:
        """Into the database if it answers in time, else to disk; said when neither takes it."""
        with suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(LAST_FLUSH_S):
                await self.flush()
        async with self._taking:
            await self._to_spool()
        if self.buffered:
            self.shed_by["stopped"] += self.buffered
            log.warning("history_lost_at_shutdown", samples=self.buffered, error=self.last_error)
        if self.spool is not None:
            await self.spool.close()
