"""The overview put together: figures from stored incidents and orders, sources from the process."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from optria.core.roles import Permission, can
from optria.db.session import Tx
from optria.kit import clock
from optria.web.assets.asset_views import Found, detector_scores, find_assets
from optria.web.assets.condition import Scores
from optria.web.overview import rates
from optria.web.overview.latency import Latency, latency_of
from optria.web.overview.overview_model import (
    PRIORITIES,
    AtRisk,
    OpenOrders,
    Overview,
    SourceLine,
    Step,
)
from optria.web.overview.overview_reading import (
    MOST_INCIDENTS,
    IncidentFact,
    OrderFact,
    read_coverage,
    read_incidents,
    read_orders,
)
from optria.web.overview.periods import Period
from optria.web.overview.units import Units, sums_of
from optria.web.rendering import SiteLink
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.sight import sees_analysis
from optria.web.twin.twin_scene import connector_view

BARS: Final = 24
ASSETS_AT_RISK: Final = 4
GRAVITY: Final = ("critical", "major", "minor", "info")


async def overview_of(
    tx: Tx, services: Services, viewer: Viewer, period: Period, sites: Sequence[SiteLink]
) -> Overview:
    """Everything on the overview of the sites, as far as the viewer may see it."""
    assets = await find_assets(tx)
    incidents = await read_incidents(tx, viewer, period)
    orders = await read_orders(tx, viewer, period.end)
    tenants = sorted({row.tenant_id for row, _, _ in assets} | ({tx.tenant_id} if tx.tenant_id else set()))
    units = Units(sites, assets, _scores(services, tenants), incidents, orders, period)
    coverage = await read_coverage(tx, units.tags(services.plants, tenants), period)
    active = [fact for fact in incidents if fact.is_active]
    begun = [fact for fact in incidents if fact.start >= period.start]
    tells = sees_analysis(viewer)
    return Overview(
        period=period,
        active=len(active),
        active_by_severity={key: sum(f.severity == key for f in active) for key in GRAVITY},
        begun=len(begun),
        unresolved=sum(fact.is_active for fact in begun),
        steps=_steps(begun, period, of_carbon=tells),
        carbon_kg=_carbon(begun) if tells else None,
        at_risk=sums_of(active),
        at_risk_assets=_at_risk_assets(active, assets),
        latency=_latency(begun) if can(viewer.role, Permission.VIEW_WORK_ORDERS) else None,
        orders=_open_orders(orders) if can(viewer.role, Permission.VIEW_WORK_ORDERS) else None,
        units=tuple(units.lines(coverage)),
        sources=tuple(line for tenant_id in tenants for line in _sources(services, viewer, tenant_id)),
        signals_watched=sum(len(services.plants(tenant_id).mappings) for tenant_id in tenants),
        is_cut_off=len(incidents) == MOST_INCIDENTS,
    )


def _scores(services: Services, tenants: Iterable[int]) -> Scores:
    merged: dict[int, tuple[float, float]] = {}
    for tenant_id in tenants:
        merged |= detector_scores(services, tenant_id)
    return merged


def _carbon(facts: Iterable[IncidentFact]) -> Decimal | None:
    known = [fact.carbon_kg for fact in facts if fact.carbon_kg is not None]
    return sum(known, Decimal(0)) if known else None


def _latency(facts: Iterable[IncidentFact]) -> Latency:
    return latency_of([fact.latency_s for fact in facts if fact.latency_s is not None])


def _steps(facts: Iterable[IncidentFact], period: Period, *, of_carbon: bool) -> tuple[Step, ...]:
    amounts = [0.0] * BARS
    for fact in facts:
        amounts[period.step_of(fact.start, BARS)] += float(fact.carbon_kg or 0) if of_carbon else 1.0
    most = max(amounts) or 1.0
    return tuple(
        Step(start, amount, amount / most)
        for start, amount in zip(period.moments(BARS), amounts, strict=True)
    )


def _at_risk_assets(facts: Iterable[IncidentFact], assets: Sequence[Found]) -> tuple[AtRisk, ...]:
    codes = {row.id: row.code for row, _, _ in assets}
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for fact in facts:
        if fact.money:
            sums[codes.get(fact.asset_id or 0, "–"), fact.currency] += fact.money
    ranked = sorted(sums.items(), key=lambda item: -item[1])[:ASSETS_AT_RISK]
    most = ranked[0][1] if ranked else Decimal(1)
    return tuple(AtRisk(code, amount, money, float(amount / most)) for (code, money), amount in ranked)


def _open_orders(facts: Sequence[OrderFact]) -> OpenOrders:
    counts: dict[str, int] = defaultdict(int)
    for fact in facts:
        counts[fact.priority] += fact.count
    most = max(counts.values(), default=1)
    ranked = sorted(counts, key=lambda key: PRIORITIES.index(key) if key in PRIORITIES else len(PRIORITIES))
    return OpenOrders(
        count=sum(counts.values()),
        overdue=sum(fact.overdue for fact in facts),
        to_approve=sum(fact.to_approve for fact in facts),
        by_priority=tuple((key, counts[key], counts[key] / most) for key in ranked),
    )


def _sources(services: Services, viewer: Viewer, tenant_id: int) -> Iterable[SourceLine]:
    pipeline, now = services.pipelines.get(tenant_id), clock.now()
    tags = _tags_by_source(services, tenant_id)
    for link in services.links(tenant_id):
        seen = connector_view(link, viewer)
        counts = rates.per_minute(pipeline.recent, tags.get(link.integration_id, ()), now) if pipeline else ()
        spark, last = rates.spark_of(counts)
        yield SourceLine(seen.name, seen.state, link.rate, seen.lag_s, seen.last_error, spark, last)


def _tags_by_source(services: Services, tenant_id: int) -> Mapping[int, list[int]]:
    tags: dict[int, list[int]] = defaultdict(list)
    for mapping in services.plants(tenant_id).mappings:
        tags[mapping.integration_id].append(mapping.id)
    return tags
