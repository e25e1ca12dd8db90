"""How the product does: streams, queues, detectors, connections, database, sockets, tasks, and latency."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final, Literal

import anyio
from fastapi import Request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from optria.core.errors import NotFound, OptriaError
from optria.core.roles import Permission, Role
from optria.db.identity import Tenant
from optria.db.partitions import HistoryDay, history_days
from optria.db.retention import Upkeep
from optria.db.session import Tx
from optria.kit import clock
from optria.kit.supervise import TaskState
from optria.streams.spool import SpoolFigures
from optria.web.admin.latency import Latency, read_latency
from optria.web.admin.meter import Meter
from optria.web.admin.vital_signs import (
    PING_TIMEOUT_S,
    DatabaseSigns,
    ProcessSigns,
    StreamSigns,
    database_signs,
    process_signs,
    stream_signs,
)
from optria.web.deps import Given, OpenTx, require
from optria.web.health import link_json, tasks_json, upkeep_json
from optria.web.notices.notification_deliveries import queue_json
from optria.web.rendering import build_hash
from optria.web.routing import api_router
from optria.web.services import Services, Vitals
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when

router = api_router(prefix="/api/admin/system", tags=["system"])

Seeing = Annotated[Viewer, require(Permission.MANAGE_INTEGRATIONS)]
Span = Literal["24h", "7d"]
SPANS: Final[Mapping[Span, timedelta]] = {"24h": timedelta(hours=24), "7d": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class ProcessHealth:
    """What only a platform owner sees: the parts that all tenants share."""

    database: DatabaseSigns
    process: ProcessSigns
    inbox: Vitals
    sockets: Mapping[str, int]
    frames_per_s: float | None
    tasks: Mapping[str, TaskState]
    version: str
    build: str
    kept: Sequence[HistoryDay] | None = None
    """The days of the stored samples; None while the database does not say."""
    upkeep: Upkeep | None = None

    @property
    def kept_bytes(self) -> int:
        return sum(day.bytes for day in self.kept or ())

    @property
    def oldest(self) -> date | None:
        return min((day.day for day in self.kept or ()), default=None)


@dataclass(frozen=True, slots=True)
class SystemHealth:
    """How a tenant's part does, and for a platform owner the process (None for everybody else)."""

    streams: Sequence[StreamSigns]
    names: Mapping[int, str]
    deliveries: Json
    latency: Latency
    process: ProcessHealth | None


@router.get("", summary="How the product does")
async def get_system(
    viewer: Seeing, tx: OpenTx, services: Given, request: Request, latency: Span = "24h"
) -> Json:
    """A tenant's administrator sees their tenant's part; platform owners the process, and every tenant's part
    or that of `tenant_id`. Rates are of the last half minute and null at the first look."""
    return health_json(await look(viewer, tx, services, request, SPANS[latency]))


async def look(viewer: Viewer, tx: Tx, services: Services, request: Request, span: timedelta) -> SystemHealth:
    """Everything that this viewer may see."""
    meter: Meter = request.app.state.meter
    names = {row[0]: row[1] for row in await tx.session.execute(select(Tenant.id, Tenant.name))}
    if tx.tenant_id is not None and tx.tenant_id not in names:
        raise NotFound("There is no such tenant.")
    owner = viewer.role is Role.PLATFORM_OWNER
    return SystemHealth(
        stream_signs(services, meter, tx.tenant_id),
        names,
        await queue_json(tx),
        await read_latency(tx, clock.now() - span),
        await _process(services, request, meter) if owner else None,
    )


async def _process(services: Services, request: Request, meter: Meter) -> ProcessHealth:
    sockets = dict(request.app.state.hub.stats())
    database, process = await asyncio.gather(database_signs(services.database, meter), process_signs(meter))
    return ProcessHealth(
        database,
        process,
        services.vitals(),
        sockets,
        meter.rate("frames", sockets.get("frames_sent", 0)),
        services.health(),
        services.version,
        build_hash(),
        await _kept(services),
        services.upkeep(),
    )


async def _kept(services: Services) -> list[HistoryDay] | None:
    try:
        with anyio.fail_after(PING_TIMEOUT_S):
            async with services.database.platform("days of the history") as tx:
                return await history_days(tx.session)
    except (SQLAlchemyError, OptriaError, OSError):
        return None


def health_json(health: SystemHealth) -> Json:
    return {
        "timestamp": when(clock.now()),
        "streams": [_stream_json(each, health.names) for each in health.streams],
        "deliveries": health.deliveries,
        "latency": latency_json(health.latency),
        "process": _process_json(health.process) if health.process else None,
    }


def _stream_json(signs: StreamSigns, names: Mapping[int, str]) -> Json:
    vitals = signs.vitals
    return {
        "tenant_id": signs.tenant_id,
        "tenant": names.get(signs.tenant_id),
        "lag_s": signs.lag_s,
        "samples_per_s": signs.samples_per_s,
        "s_per_sample": signs.s_per_sample,
        "samples": vitals.samples,
        "tags": vitals.tags,
        "detectors": {
            "learning": vitals.learning,
            "watching": vitals.watching,
            "failing_assets": vitals.failing,
            "anchors": vitals.anchored,
        },
        "dropped": dict(vitals.dropped),
        "history": {
            "waiting": vitals.history_waiting,
            "bound": vitals.history_bound,
            "written_per_s": signs.written_per_s,
            "last_error": vitals.history_error,
            "waiting_s": round(vitals.history_waiting_s, 1),
            "repeated": vitals.history_repeated,
            "paused": vitals.history_paused,
            "shed": dict(vitals.shed),
            "spool": _spool_json(vitals.spool),
        },
        "connections": [link_json(link) for link in signs.sources],
    }


def _spool_json(spool: SpoolFigures) -> Json:
    """What waits on disk for the database."""
    return {
        "samples": spool.samples,
        "bytes": spool.bytes,
        "bound_bytes": spool.limit_bytes,
        "since": when(spool.since),
        "drained": spool.drained,
        "refusal": spool.refusal,
        "aside": list(spool.aside),
    }


def latency_json(latency: Latency) -> Json:
    return {
        "since": when(latency.since),
        "incidents": latency.incidents,
        "stages": [
            {
                "stage": each.name,
                "measured": each.measured,
                "p50_s": each.p50_s,
                "p95_s": each.p95_s,
                "p99_s": each.p99_s,
            }
            for each in latency.stages
        ],
    }


def _process_json(process: ProcessHealth) -> Json:
    base, signs = process.database, process.process
    return {
        "version": process.version,
        "build": process.build,
        "uptime_s": signs.uptime_s,
        "memory_bytes": signs.memory_bytes,
        "cpu_share": signs.cpu_share,
        "open_files": signs.open_files,
        "database": {
            "ping_s": base.ping_s,
            "pool": {"in_use": base.in_use, "size": base.pool_size, "most": base.pool_most},
            "busy": base.busy,
            "waiting": base.waiting,
            "rows_per_s": base.rows_per_s,
            "commits_per_s": base.commits_per_s,
            "size_bytes": base.size_bytes,
        },
        "inbox": {
            "waiting": dict(process.inbox.inbox),
            "bound": process.inbox.inbox_bound,
            "counts": dict(process.inbox.inbox_counts),
        },
        "sockets": {**process.sockets, "frames_per_s": process.frames_per_s},
        "tasks": tasks_json(process.tasks),
        "history": {
            "days": None if process.kept is None else len(process.kept),
            "oldest": when(process.oldest),
            "bytes": process.kept_bytes,
        },
        "upkeep": upkeep_json(process.upkeep),
    }
