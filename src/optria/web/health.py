"""Is the service up, is it ready, and how is each of its parts."""

from collections.abc import Mapping
from typing import Annotated, Final

import anyio
from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from optria.core.errors import OptriaError
from optria.core.roles import Permission
from optria.kit import clock
from optria.kit.supervise import TaskState
from optria.web.deps import OPEN, Given, require
from optria.web.notices.notification_deliveries import queue_json
from optria.web.routing import api_router
from optria.web.services import Services, SourceState
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when

router = api_router(prefix="/health", tags=["health"])

APP: Final = "OPTRIA IQ"
DATABASE_TIMEOUT_S: Final = 3.0
CONNECTED: Final = frozenset({"connected", "backfilling", "live"})


@router.get("", summary="Is the process alive", dependencies=[OPEN])
@router.get("/live", summary="Is the process alive", dependencies=[OPEN])
async def alive(services: Given) -> Json:
    return {
        "status": "healthy",
        "timestamp": when(clock.now()),
        "app": APP,
        "version": services.version,
    }


@router.get("/", summary="Is the process alive, in short", dependencies=[OPEN])
async def short() -> Json:
    return {"status": "healthy", "app": APP}


@router.get("/ready", summary="Is it ready to serve", dependencies=[OPEN])
async def ready(services: Given, response: Response) -> Json:
    """503 while the database is away; a part that does not run is named, and the rest goes on."""
    checks = await _checks(services)
    if not checks["database"]:
        response.status_code = 503
    status = "ready" if checks["database"] and checks["tasks"] else "degraded"
    return {
        "status": status if checks["database"] else "not_ready",
        "timestamp": when(clock.now()),
        "checks": checks,
        "demo_mode": services.settings.demo,
    }


async def _checks(services: Services) -> dict[str, bool]:
    """``ai_service`` is the stream with its detectors; v1's ``optimization_engine`` is not built in."""
    links = [link for tenant_id in services.pipelines for link in services.links(tenant_id)]
    return {
        "database": await database_answers(services),
        "ai_service": bool(services.pipelines),
        "optimization_engine": False,
        "integrations": bool(links) and all(link.state in CONNECTED for link in links),
        "tasks": all(state.running for state in services.health().values()),
    }


async def database_answers(services: Services) -> bool:
    try:
        with anyio.fail_after(DATABASE_TIMEOUT_S):
            async with services.database.platform("readiness") as tx:
                await tx.session.execute(select(1))
    except (SQLAlchemyError, OptriaError, OSError):
        return False
    return True


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
