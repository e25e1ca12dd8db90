"""``/metrics`` for a Prometheus server: everything that :mod:`optria.web.metric_families` knows, as text."""

import hmac
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import anyio
from fastapi import Depends, Request
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from optria.core.errors import OptriaError
from optria.core.roles import Permission
from optria.db.blackbox import IncidentRow
from optria.db.partitions import history_days
from optria.db.session import Tx
from optria.kit import clock
from optria.web.admin.meter import Meter
from optria.web.admin.vital_signs import database_signs
from optria.web.deps import Given, Permit, optional_viewer, signed_in_viewer
from optria.web.metered import HttpFigures
from optria.web.metric_families import Stored, families
from optria.web.routing import api_router
from optria.web.services import Services
from optria.work.delivery_queue import counts as delivery_counts

router = api_router(include_in_schema=False)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
TIMEOUT_S: Final = 3.0
NAMESPACE: Final = "optria"


class ScrapePermit:
    """Lets a Prometheus server in by its token, and platform owners who are signed in.

    The token is looked at first and needs no database: what is wrong is read just then.
    """

    permission = Permission.MANAGE_TENANTS

    async def __call__(self, request: Request, services: Given) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        wanted = services.settings.metrics_token
        secret = wanted.get_secret_value() if wanted else ""
        if (
            secret
            and scheme.lower() == "bearer"
            and hmac.compare_digest(token.strip().encode(), secret.encode())
        ):
            return
        viewer = await signed_in_viewer(await optional_viewer(request, services))
        await Permit(self.permission)(request, services, viewer)


@router.get("/metrics")
async def metrics(
    _may: Annotated[None, Depends(ScrapePermit())], request: Request, services: Given
) -> Response:
    """The figures of this process; rates are the reader's to make."""
    state = request.app.state
    stored = await _stored(services, state.meter)
    figures: HttpFigures = state.http_figures
    once = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=once)
    once.register(_Once(services, dict(state.hub.stats()), stored))
    text = generate_latest(figures.registry) + generate_latest(once)
    return Response(text, media_type=None, headers={"Content-Type": CONTENT_TYPE})


class _Once(Collector):
    """The families of one scrape."""

    def __init__(self, services: Services, sockets: Mapping[str, int], stored: Stored) -> None:
        self._services, self._sockets, self._stored = services, sockets, stored

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from families(self._services, self._sockets, self._stored)


async def _stored(services: Services, meter: Meter) -> Stored:
    signs = await database_signs(services.database, meter)
    if signs.ping_s is None:
        return Stored(signs)
    try:
        with anyio.fail_after(TIMEOUT_S):
            async with services.database.platform("metrics") as tx:
                return Stored(
                    signs,
                    await delivery_counts(tx),
                    await _incidents(tx),
                    await _due(tx),
                    await history_days(tx.session),
                )
    except (SQLAlchemyError, OptriaError, OSError):
        return Stored(signs)


async def _incidents(tx: Tx) -> dict[tuple[int, str], int]:
    by = (IncidentRow.tenant_id, IncidentRow.status)
    found = await tx.session.execute(select(*by, func.count()).group_by(*by))
    return {(tenant, status): number for tenant, status, number in found}


async def _due(tx: Tx) -> int:
    due = select(func.count()).select_from(IncidentRow).where(IncidentRow.next_pass_at <= clock.now())
    return await tx.session.scalar(due) or 0
