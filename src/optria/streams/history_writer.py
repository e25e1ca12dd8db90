"""Stores samples exactly once, however often they are handed over, in partitions made as they are needed."""

import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Final

import numpy as np

from optria.core.tag import SampleBatch, from_micros
from optria.db.fingerprint import fingerprint
from optria.db.partitions import ensure_partitions
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.streams.history import once, stored_until, unstored, write
from optria.streams.reach import Reach

DAYS_BACK, DAYS_AHEAD = 7, 2
DAYS_CHECK_S: Final = 3600.0
DAY_US: Final = 86_400_000_000


class HistoryWriter:
    """Of one tenant. What it raises is the driver's; nothing is stored then, or it is not known whether.

    A commit may arrive although its answer does not, and a process may die between a commit and noting it:
    the next try then hands over samples that are stored. So what is not newer than anything ever handed over
    of its tag is looked up first; of a tag that this process has not written yet, the database is asked.
    """

    def __init__(self, database: Database, tenant_id: int) -> None:
        self._database, self._tenant_id = database, tenant_id
        self._reach = Reach()
        self._days: dict[date, float] = {}
        self.is_ours: Callable[[Tx], Awaitable[bool]] | None = None
        """Whether nobody else stores samples of this tenant; else all of them are looked up."""

    async def store(self, batch: SampleBatch) -> int:
        """In one transaction; how many samples were not stored before."""
        await self._ensure_days({from_micros(day * DAY_US).date() for day in _days(batch)})
        async with self._database.transaction(self._tenant_id) as tx:
            if self.is_ours is not None and not await self.is_ours(tx):
                self._reach = Reach()
            new = await self._news(tx, once(batch))
            self._reach.extend(batch)
            await write(tx, new)
        return len(new)

    async def ensure_ahead(self) -> None:
        """The partitions of the days around now."""
        first = clock.now().date() - timedelta(days=DAYS_BACK)
        await self._ensure_days({first + timedelta(days=day) for day in range(DAYS_BACK + 1 + DAYS_AHEAD)})

    async def identity(self) -> str:
        """Which database this is, whatever its address."""
        async with self._database.transaction(self._tenant_id) as tx:
            return await fingerprint(await tx.session.connection())

    async def _news(self, tx: Tx, batch: SampleBatch) -> SampleBatch:
        unknown = self._reach.unknown(batch)
        if unknown:
            since = clock.now() - timedelta(days=DAYS_BACK + 1)
            self._reach.learn(unknown, await stored_until(tx, unknown, since))
        doubtful = self._reach.within(batch)
        if not doubtful.any():
            return batch
        return SampleBatch.concat([await unstored(tx, batch.select(doubtful)), batch.select(~doubtful)])

    async def _ensure_days(self, days: set[date]) -> None:
        now = time.monotonic()
        missing = sorted(d for d in days if d not in self._days or now - self._days[d] > DAYS_CHECK_S)
        if not missing:
            return
        async with self._database.transaction(self._tenant_id) as tx:
            for day in missing:
                await ensure_partitions(tx.session, day, 1)
        self._days.update(dict.fromkeys(missing, now))


def _days(batch: SampleBatch) -> list[int]:
    """Days since 1970 (UTC)."""
    days: list[int] = np.unique(batch.source_time // DAY_US).tolist()
    return days
