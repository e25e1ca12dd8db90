"""Is the service up, is it ready, and how is each of its parts."""

from collections.abc import Mapping
from typing import Annotated, Final

import anyio
import anyio.to_thread
from fastapi import Request, Response
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from optria.core.errors import OptriaError
from optria.core.roles import Permission
from optria.db.partitions import days_without_partition
from optria.db.retention import Upkeep
from optria.kit import clock
from optria.kit.supervise import TaskState
from optria.web.deps import OPEN, Given, require
from optria.web.notices.notification_deliveries import queue_json
from optria.web.readiness import (
    CONNECTED,
    DatabaseLook,
    Reason,
    Remembered,
    links_of,
    reasons_of,
    status_of,
)
from optria.web.routing import api_router
from optria.web.services import Services, SourceState
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when

router = api_router(prefix="/health", tags=["health"])

APP: Final = "OPTRIA IQ"
DATABASE_TIMEOUT_S: Final = 3.0


@router.get("", summary="Is the process alive", dependencies=[OPEN])
@router.get("/live", summary="Is the process alive", dependencies=[OPEN])
async def alive(services: Given) -> Json:
    """An answer at all means yes. ``loop_lag_s``: how late the event loop was at worst in the last minute."""
    return {
        "status": "healthy",
        "timestamp": when(clock.now()),
        "app": APP,
        "version": services.version,
        "loop_lag_s": round(services.loop.worst_s, 3),
    }


@router.get("/", summary="Is the process alive, in short", dependencies=[OPEN])
async def short() -> Json:
    return {"status": "healthy", "app": APP}


@router.get("/ready", summary="Is it ready to serve", dependencies=[OPEN])
async def ready(request: Request, services: Given, response: Response) -> Json:
    """503 `not_ready` while requests cannot be served, so that a load balancer looks elsewhere; 200 with
    `ready` or `degraded` otherwise. `reasons` say what is not as it should be, since when, and what to do."""
    look = await look_at_database(services)
    found = await anyio.to_thread.run_sync(lambda: list(reasons_of(services, look)))
    remembered: Remembered = request.app.state.remembered
    reasons = remembered.dated(found, clock.now())
    status = status_of(reasons)
    if status == "not_ready":
        response.status_code = 503
    return {
        "status": status,
        "timestamp": when(clock.now()),
        "checks": _checks(services, look),
        "reasons": [_reason_json(each) for each in reasons],
        "demo_mode": services.settings.demo,
    }


def _reason_json(reason: Reason) -> Json:
    return {
        "part": reason.part,
        "state": str(reason.state),
        "since": when(reason.since),
        "reason": reason.reason,
        "what_to_do": reason.what_to_do,
    }


def _checks(services: Services, look: DatabaseLook) -> dict[str, bool]:
    """``ai_service`` is the stream with its detectors; v1's ``optimization_engine`` is not built in."""
    links = links_of(services)
    return {
        "database": look.answers,
        "ai_service": bool(services.pipelines),
        "optimization_engine": False,
        "integrations": bool(links) and all(link.state in CONNECTED for link in links),
        "tasks": all(state.running for state in services.health().values()),
    }


async def look_at_database(services: Services) -> DatabaseLook:
    """Never longer than three seconds."""
    try:
        with anyio.fail_after(DATABASE_TIMEOUT_S):
            async with services.database.platform("readiness") as tx:
                asked = clock.now()
                theirs = await tx.session.scalar(select(func.clock_timestamp()))
                middle = asked + (clock.now() - asked) / 2
                missing = await days_without_partition(tx.session, clock.now().date())
    except (SQLAlchemyError, OptriaError, OSError):
        return DatabaseLook(answers=False)
    apart_s = (theirs - middle).total_seconds() if theirs is not None else 0.0
    return DatabaseLook(answers=True, clock_apart_s=apart_s, days_missing=missing)


async def database_answers(services: Services) -> bool:
    return (await look_at_database(services)).answers


@router.get("/internal/config/status", summary="State of every part of the process")
async def config_status(
    _owner: Annotated[Viewer, require(Permission.MANAGE_TENANTS)], request: Request, services: Given
) -> Json:
    """Every part of this process, for platform owners; no secrets."""
    settings = services.settings
    return {
        "timestamp": when(clock.now()),
        "app": APP,
        "version": services.version,
        "demo_mode": settings.demo,
        "database": {
            "reachable": await database_answers(services),
            "embedded": settings.database_url is None,
        },
        "upkeep": upkeep_json(services.upkeep()),
        "tasks": tasks_json(services.health()),
        "sockets": dict(request.app.state.hub.stats()),
        "deliveries": await _deliveries(services),
        "integrations": {
            str(tenant_id): [link_json(link) for link in services.links(tenant_id)]
            for tenant_id in services.pipelines
        },
    }


async def _deliveries(services: Services) -> Json | None:
    """What waits to leave the product over all tenants; None while the database does not say."""
    try:
        async with services.database.platform("deliveries waiting") as tx:
            return await queue_json(tx)
    except (SQLAlchemyError, OptriaError, OSError):
        return None


def link_json(link: SourceState) -> Json:
    return {
        "integration_id": link.integration_id,
        "name": link.name,
        "state": str(link.state),
        "rate": round(link.rate, 2),
        "lag_s": link.lag_s,
        "last_error": link.last_error,
        "warning": link.warning,
        "tags": link.tags,
    }


def tasks_json(tasks: Mapping[str, TaskState]) -> Json:
    """What runs in this process, by name."""
    return {
        name: {
            "running": state.running,
            "restarts": state.restarts,
            "last_error": state.last_error,
            "since": when(state.since),
        }
        for name, state in tasks.items()
    }


def upkeep_json(done: Upkeep | None) -> Json | None:
    """What the latest upkeep did; None before the first."""
    if done is None:
        return None
    return {
        "ended": when(done.ended),
        "partitions_made": done.made,
        "days": dict(done.counts),
        "days_in_use": len(done.busy),
        "rows_removed": dict(done.rows),
    }
