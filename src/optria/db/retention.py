"""What is kept for how long, and its upkeep: partitions ahead, old days of history, rows nobody asks for.

The audit log, incidents with their analyses and recordings, orders and events are never removed.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import asyncpg
import structlog
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError

from optria.core.errors import ConfigurationError
from optria.db.partitions import HistoryDay, Retired, ensure_partitions, history_days, retire_day
from optria.db.session import Database
from optria.db.url import first_cause
from optria.kit import clock
from optria.kit.settings import Settings

log = structlog.get_logger(__name__)

SHORTEST_HISTORY_DAYS: Final = 30
DAYS_BACK: Final = 7
DAYS_AHEAD: Final = 7
AT_ONCE: Final = 1000
TRIES: Final = 5
PAUSE_S: Final = 0.2
"""After the first try at a day that is in use; doubled after each."""
FIRST_AFTER_S: Final = 60.0
EVERY_S: Final = 24 * 3600.0
AGAIN_AFTER_S: Final = 600.0
"""When a day could not be retired because the history was in use."""
KEPT_SESSIONS: Final = timedelta(days=30)
KEPT_REQUEST_KEYS: Final = timedelta(hours=48)
BUSY: Final = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)

OLD: Final[Mapping[str, str]] = {
    "user_sessions": "expires_at < :before OR revoked_at < :before",
    "request_keys": "created_at < :before",
    "notification_deliveries": "next_attempt_at IS NULL AND created_at < :before",
    "webhook_deliveries": "next_attempt_at IS NULL AND created_at < :before",
}
"""Tables with rows that are over, and which those are."""


@dataclass(frozen=True, slots=True)
class Periods:
    """How long things are kept; ``history_days`` 0 keeps the history for ever."""

    history_days: int
    delivery_days: int

    @classmethod
    def of(cls, settings: Settings) -> "Periods":
        """Those of an installation.

        Raises:
            ConfigurationError: a period so short that what is going on would be lost.
        """
        if 0 < settings.history_days < SHORTEST_HISTORY_DAYS or settings.history_days < 0:
            raise ConfigurationError(
                f"OPTRIA_HISTORY_DAYS is {settings.history_days}: the history is kept for at least "
                f"{SHORTEST_HISTORY_DAYS} days. Set it higher, or to 0 to keep everything."
            )
        if settings.delivery_days < 1:
            raise ConfigurationError("OPTRIA_DELIVERY_DAYS must be at least 1.")
        return cls(settings.history_days, settings.delivery_days)

    def over(self, days: Sequence[HistoryDay], today: date) -> list[date]:
        """The days of history that are to be retired."""
        if not self.history_days:
            return []
        first_kept = today - timedelta(days=self.history_days)
        return [each.day for each in days if each.day < first_kept and not each.is_retired]

    def before(self, table: str, now: datetime) -> datetime:
        """What is older in a table of :data:`OLD` goes."""
        fixed = {"user_sessions": KEPT_SESSIONS, "request_keys": KEPT_REQUEST_KEYS}
        return now - fixed.get(table, timedelta(days=self.delivery_days))


@dataclass(slots=True)
class Upkeep:
    """What one upkeep did, or with ``is_trial`` would do; ``busy`` days are tried again."""

    at: datetime
    is_trial: bool
    made: int = 0
    days: dict[date, Retired] = field(default_factory=dict)
    busy: list[date] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    ended: datetime | None = None

    @property
    def counts(self) -> Mapping[str, int]:
        """Days by what became of them."""
        return Counter(str(what) for what in self.days.values())


class Upkeeper:
    """One per process; several processes do no harm. ``last`` is the latest upkeep that ended."""

    def __init__(self, database: Database, settings: Settings, pause_s: float = PAUSE_S) -> None:
        self._database = database
        self._pause_s = pause_s
        self._periods = Periods.of(settings)
        self.last: Upkeep | None = None

    async def run(self) -> None:
        """Once a day until cancelled; begins a minute after the start."""
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            done = await self.keep()
            log.info("upkeep", made=done.made, days=dict(done.counts), busy=len(done.busy), rows=done.rows)
            await asyncio.sleep(AGAIN_AFTER_S if done.busy else EVERY_S)

    async def keep(self, *, is_trial: bool = False) -> Upkeep:
        """Do it now; ``is_trial`` only says what would be done.

        Raises:
            SQLAlchemyError: the database is away; what was done so far stays done.
        """
        done = Upkeep(clock.now(), is_trial)
        if not is_trial:
            done.made = await self._make_partitions(done.at.date())
        for day in await self._over(done.at.date()):
            if is_trial:
                done.days[day] = Retired.DROPPED
            else:
                await self._retire(day, done)
        for table, condition in OLD.items():
            done.rows[table] = await self._rows(table, condition, done)
        done.ended = clock.now()
        if not is_trial:
            self.last = done
        return done

    async def _make_partitions(self, today: date) -> int:
        async with self._database.platform("upkeep") as tx:
            first = today - timedelta(days=DAYS_BACK)
            return await ensure_partitions(tx.session, first, DAYS_BACK + 1 + DAYS_AHEAD)

    async def _over(self, today: date) -> list[date]:
        async with self._database.platform("upkeep") as tx:
            return self._periods.over(await history_days(tx.session), today)

    async def _retire(self, day: date, done: Upkeep) -> None:
        for attempt in range(TRIES):
            try:
                async with self._database.platform("upkeep") as tx:
                    done.days[day] = await retire_day(tx.session, day)
                return
            except (DBAPIError, asyncpg.PostgresError) as error:
                if not isinstance(first_cause(error), BUSY):
                    raise
            await asyncio.sleep(self._pause_s * 2**attempt)
        done.busy.append(day)

    async def _rows(self, table: str, condition: str, done: Upkeep) -> int:
        """Remove old rows, a thousand at a time, passing over those that others hold; how many."""
        before = {"before": self._periods.before(table, done.at)}
        if done.is_trial:
            async with self._database.platform("upkeep") as tx:
                counted = text(f"SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608
                return int(await tx.session.scalar(counted, before) or 0)
        removed = 0
        while True:
            async with self._database.platform("upkeep") as tx:
                some = int(await tx.session.scalar(_remove(table, condition), before) or 0)
            removed += some
            if some < AT_ONCE:
                return removed


def _remove(table: str, condition: str) -> TextClause:
    return text(
        f"WITH gone AS (DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608
        f"SELECT ctid FROM {table} WHERE {condition} LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED)) RETURNING 1)"
        " SELECT count(*) FROM gone"
    )
