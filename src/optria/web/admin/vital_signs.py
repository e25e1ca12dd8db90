"""How the product does: for a platform owner the whole process, for an administrator their tenant's part."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio.to_thread
import psutil
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from optria.core.errors import OptriaError
from optria.db.session import Database
from optria.kit import clock
from optria.streams.vitals import StreamVitals
from optria.web.admin.meter import Meter
from optria.web.services import Services, SourceState

PING_TIMEOUT_S: Final = 3.0
_ACTIVITY: Final = text(
    "SELECT count(*) FILTER (WHERE wait_event_type = 'Lock')::int AS waiting,"
    " count(*) FILTER (WHERE state <> 'idle')::int AS busy FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
)
_WRITES: Final = text(
    "SELECT tup_inserted + tup_updated + tup_deleted AS rows, xact_commit AS commits,"
    " pg_database_size(datname) AS bytes FROM pg_stat_database WHERE datname = current_database()"
)


@dataclass(frozen=True, slots=True)
class StreamSigns:
    """One tenant's stream and its sources; rates are None while they are being measured."""

    tenant_id: int
    vitals: StreamVitals
    sources: Sequence[SourceState]
    samples_per_s: float | None
    s_per_sample: float | None
    written_per_s: float | None

    @property
    def lag_s(self) -> float | None:
        """How old the newest sample of the slowest source is."""
        return max((link.lag_s for link in self.sources if link.lag_s is not None), default=None)

    @property
    def dropped(self) -> int:
        return sum(self.vitals.dropped.values())


@dataclass(frozen=True, slots=True)
class DatabaseSigns:
    """``ping_s`` None: it does not answer. ``waiting`` are connections that wait for a lock."""

    ping_s: float | None
    in_use: int
    pool_size: int
    pool_most: int
    busy: int = 0
    waiting: int = 0
    rows_per_s: float | None = None
    commits_per_s: float | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessSigns:
    """Memory and processor time of this process."""

    memory_bytes: int
    cpu_share: float | None
    uptime_s: float
    open_files: int | None


def stream_signs(services: Services, meter: Meter, tenant_id: int | None) -> list[StreamSigns]:
    """The streams of one tenant, or of all, in the order of their ids."""
    streams = services.vitals().streams
    chosen = [tenant_id] if tenant_id is not None else sorted(streams)
    return [_stream(services, meter, each, streams[each]) for each in chosen if each in streams]


def _stream(services: Services, meter: Meter, tenant_id: int, vitals: StreamVitals) -> StreamSigns:
    samples = meter.rate(f"samples {tenant_id}", vitals.samples)
    busy = meter.rate(f"busy {tenant_id}", vitals.busy_s)
    written = meter.rate(f"written {tenant_id}", vitals.history_written)
    cost = busy / samples if samples and busy is not None else None
    return StreamSigns(tenant_id, vitals, services.links(tenant_id), samples, cost, written)


async def database_signs(database: Database, meter: Meter) -> DatabaseSigns:
    """The pool as it is, and what the server says of itself; never waits longer than three seconds."""
    pool = database.engine.pool
    in_use, size, most = _pool(pool) if isinstance(pool, QueuePool) else (0, 0, 0)
    try:
        with anyio.fail_after(PING_TIMEOUT_S):
            return await _asked(database, meter, (in_use, size, most))
    except (SQLAlchemyError, OptriaError, OSError):
        return DatabaseSigns(None, in_use, size, most)


def _pool(pool: QueuePool) -> tuple[int, int, int]:
    """(in use, kept open, at most)."""
    return pool.checkedout(), pool.size(), pool.size() + pool._max_overflow


async def _asked(database: Database, meter: Meter, pool: tuple[int, int, int]) -> DatabaseSigns:
    async with database.platform("how the database does") as tx:
        begun = time.perf_counter()
        await tx.session.execute(text("SELECT 1"))
        ping_s = time.perf_counter() - begun
        activity = (await tx.session.execute(_ACTIVITY)).mappings().one()
        writes = (await tx.session.execute(_WRITES)).mappings().one()
    return DatabaseSigns(
        ping_s,
        *pool,
        busy=activity["busy"],
        waiting=activity["waiting"],
        rows_per_s=meter.rate("rows", float(writes["rows"])),
        commits_per_s=meter.rate("commits", float(writes["commits"])),
        size_bytes=writes["bytes"],
    )


async def process_signs(meter: Meter) -> ProcessSigns:
    """What the operating system says of this process."""
    return await anyio.to_thread.run_sync(_process, meter)


def _process(meter: Meter) -> ProcessSigns:
    process = psutil.Process()
    times = process.cpu_times()
    files = Path("/proc/self/fd")
    return ProcessSigns(
        memory_bytes=process.memory_info().rss,
        cpu_share=meter.rate("cpu", times.user + times.system),
        uptime_s=(clock.now() - meter.started_at).total_seconds(),
        open_files=sum(1 for _ in files.iterdir()) if files.is_dir() else None,
    )


def shed_in_all(counts: Mapping[str, int]) -> int:
    """What the inbox lost or was refused."""
    return sum(n for name, n in counts.items() if name.endswith(("_shed", "_refused")))
