"""A table of a plant's database, read at an interval: only rows whose time moved on are emitted."""

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine

from optria.connectors.allowed_hosts import EVERYWHERE, Reach
from optria.connectors.base import (
    Advance,
    BrowseEntry,
    Emit,
    Link,
    LinkState,
    Probe,
    Seam,
    batch_of,
    in_time_order,
    listed,
)
from optria.connectors.config import read_config
from optria.connectors.sql_engine import SqlConfig, check_address, make_engine, reading
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import EPOCH, Quality, SampleBatch, SignalMapping
from optria.kit import clock

_MICROSECOND = timedelta(microseconds=1)
POLLS_BEFORE_WARNING = 5
QUALITIES = {
    "good": Quality.GOOD,
    "uncertain": Quality.UNCERTAIN,
    "questionable": Quality.UNCERTAIN,
    "bad": Quality.BAD,
}

Row = Sequence[object]


class RowRefused(Exception):
    """A row that cannot be taken; the message is the reason it is counted under."""


class SqlConnector:
    """One database. Statements are configured by the tenant and run in a transaction that is rolled back."""

    def __init__(self, config: Mapping[str, object], home: Path, reach: Reach = EVERYWHERE) -> None:
        self._config = read_config(SqlConfig, config)
        self._home, self._reach = home, reach
        self._zone: tzinfo = UTC
        self.link = Link()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[AsyncEngine]:
        """An engine for the block, with the time zone loaded; both read files, hence the threads."""
        self._zone = await asyncio.to_thread(_zone, self._config.time_zone)
        engine = await make_engine(self._config, self._home, self._reach)
        try:
            yield engine
        finally:
            await engine.dispose()

    async def run(self, mappings: Sequence[SignalMapping], emit: Emit, since: datetime | None = None) -> None:
        self.link.enter(LinkState.CONNECTING)
        try:
            async with self._opened() as engine:
                await self._stream(engine, mappings, emit, since)
        except ConnectorUnavailable as error:
            self.link.lost(str(error))
            raise

    async def _stream(
        self, engine: AsyncEngine, mappings: Sequence[SignalMapping], emit: Emit, since: datetime | None
    ) -> None:
        tags = {mapping.external_tag: mapping.id for mapping in mappings}
        rows = await self._rows(engine, self._config.query)
        unseen = self._note_missing(tags, rows)
        advance = Advance()
        seam = Seam(emit, self.link, hold=since is not None)
        seam.offer(advance.news(self._columns(rows, tags)))
        if since is not None:
            self.link.enter(LinkState.BACKFILLING)
            seam.join(await self._history(engine, tags, since, clock.now()))
            self.link.backfill_progress = 1.0
        self.link.enter(LinkState.CONNECTED)
        for poll in itertools.count(2):
            await asyncio.sleep(self._config.interval_s)
            rows = await self._rows(engine, self._config.query)
            if unseen:
                unseen = self._note_missing(tags, rows, unseen)
                self._warn_of(unseen, poll)
            seam.offer(advance.news(self._columns(rows, tags)))

    async def _rows(self, engine: AsyncEngine, query: str) -> Sequence[Row]:
        async with reading(engine) as connection:
            return (await connection.execute(text(query))).all()

    async def _rows_between(self, engine: AsyncEngine, start: datetime, end: datetime) -> Sequence[Row]:
        """History; databases without time zones are asked in the configured one."""
        if engine.dialect.name != "postgresql":
            start, end = (time.astimezone(self._zone).replace(tzinfo=None) for time in (start, end))
        async with reading(engine) as connection:
            kind = DateTime(timezone=True)
            query = text(self._config.history_query).bindparams(
                bindparam("start", start, kind), bindparam("end", end, kind)
            )
            return (await connection.execute(query)).all()

    async def _history(
        self, engine: AsyncEngine, tags: Mapping[str, int], start: datetime, end: datetime
    ) -> SampleBatch:
        """Empty without a configured query."""
        if not self._config.history_query:
            return SampleBatch.of([])
        rows = await self._rows_between(engine, start, end)
        return in_time_order(self._columns(rows, tags))

    def _note_missing(
        self, tags: Mapping[str, int], rows: Sequence[Row], unseen: Collection[str] | None = None
    ) -> tuple[str, ...]:
        """The tags that no poll has given a row of until now, these rows included."""
        present = {str(row[0]) for row in rows if len(row)}
        known = tags if unseen is None else unseen
        self.link.missing = tuple(name for name in known if name not in present)
        self.link.tags = len(tags) - len(self.link.missing)
        return self.link.missing

    def _warn_of(self, unseen: Sequence[str], poll: int) -> None:
        """A query may give only rows that changed, so a tag is missed after some polls, not at once."""
        if not unseen:
            self.link.warn("tags", None)
        elif poll >= POLLS_BEFORE_WARNING:
            self.link.warn("tags", f"No rows for {listed(unseen)}; the other signals are read.")

    def _columns(self, rows: Sequence[Row], tags: Mapping[str, int]) -> SampleBatch:
        return columns(rows, tags, self._zone, self.link.rejected)

    async def check_address(self) -> None:
        await check_address(self._config, self._home, self._reach, must_be_known=False)

    async def probe(self) -> Probe:
        try:
            async with self._opened() as engine:
                rows = await self._rows(engine, self._config.query)
        except ConnectorUnavailable as error:
            return Probe(False, str(error))
        if rows and len(rows[0]) not in (3, 4):
            return Probe(
                False,
                f"The query gives {len(rows[0])} columns; tag, value, quality (or not) and time are needed.",
            )
        return Probe(True, f"Connected; the query gives {len(rows)} rows.", {"rows": len(rows)})

    async def browse(self, node: str | None) -> list[BrowseEntry]:
        """The tags that the query gives."""
        async with self._opened() as engine:
            rows = await self._rows(engine, self._config.query)
        names = sorted({str(row[0]) for row in rows})
        return [BrowseEntry(name, name, has_children=False, is_variable=True) for name in names]

    async def read_latest(self, mappings: Sequence[SignalMapping]) -> SampleBatch:
        async with self._opened() as engine:
            rows = await self._rows(engine, self._config.query)
        return self._columns(rows, {mapping.external_tag: mapping.id for mapping in mappings})

    async def read_history(
        self, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> SampleBatch:
        async with self._opened() as engine:
            tags = {mapping.external_tag: mapping.id for mapping in mappings}
            return await self._history(engine, tags, start, end)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConnectorUnavailable(
            f"The time zone '{name}' is not known. Use a name like Asia/Riyadh."
        ) from None


def columns(
    rows: Sequence[Row], tags: Mapping[str, int], zone: tzinfo, rejected: Counter[str]
) -> SampleBatch:
    """Rows (tag, value, quality?, time) of mapped tags as a batch; what cannot be read is counted."""
    ids: list[int] = []
    times: list[int] = []
    values: list[float] = []
    qualities: list[int] = []
    for row in rows:
        if len(row) not in (3, 4):
            rejected["columns"] += 1
            continue
        tag = tags.get(str(row[0]))
        if tag is None:
            continue
        try:
            time, value, quality = _cells(row, zone)
        except RowRefused as reason:
            rejected[str(reason)] += 1
            continue
        ids.append(tag)
        times.append(time)
        values.append(value)
        qualities.append(quality)
    return batch_of(ids, times, values, qualities)


def _cells(row: Row, zone: tzinfo) -> tuple[int, float, int]:
    """Time (µs UTC), value and quality of a row; raises RowRefused."""
    time = read_time(row[-1], zone)
    if time is None:
        raise RowRefused("no time")
    value, quality = _value(row[1]), _quality(row[2] if len(row) == 4 else None)
    return (time - EPOCH) // _MICROSECOND, value, Quality.BAD if math.isnan(value) else quality


def read_time(value: object, zone: tzinfo) -> datetime | None:
    """A date-time or ISO text, or seconds since 1970; without an offset it is of ``zone``."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif isinstance(value, (int, float)):
            value = datetime.fromtimestamp(value, UTC)
        if not isinstance(value, datetime):
            return None
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _value(value: object) -> float:
    """A number or the text of one; nothing is NaN. Raises RowRefused."""
    if value is None:
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]  # Decimal, int, text of a number; else refused
    except (TypeError, ValueError, OverflowError):
        raise RowRefused("not a number") from None


def _quality(value: object) -> int:
    """0-2 of ours, an OPC quality byte (192 good, 64 uncertain), a word, or nothing (good).

    Raises RowRefused.
    """
    if value is None:
        return Quality.GOOD
    if isinstance(value, str):
        return QUALITIES.get(value.strip().lower(), Quality.BAD)
    try:
        number: int = int(value)  # type: ignore[call-overload]  # Decimal, int, float; else refused
    except (TypeError, ValueError, OverflowError):
        raise RowRefused("no quality") from None
    if number in (0, 1, 2):
        return number
    if number >= 192:
        return Quality.GOOD
    return Quality.UNCERTAIN if 64 <= number < 192 else Quality.BAD
