"""The live twin of one site as plain values: condition, signals, incidents, orders and connections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import select

from optria.core.asset import PlantModel
from optria.core.errors import NotFound
from optria.core.incident import cause_label
from optria.core.roles import Permission, can
from optria.core.tag import SignalMapping, to_micros
from optria.core.work_order import ACTIVE_STATUSES
from optria.db.blackbox import IncidentRow
from optria.db.identity import User
from optria.db.plant import AssetRow, SiteRow, TwinLayout
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web import work_order_views
from optria.web.asset_views import Found, active_incidents, detector_scores, find_assets
from optria.web.condition import Condition, Scores
from optria.web.filters import severity_key
from optria.web.incident_views import sees_analysis
from optria.web.readings import Reading, latest_readings, thinned
from optria.web.rendering import SiteLink
from optria.web.services import Services, SourceState
from optria.web.sessions import Viewer
from optria.web.twin_page_model import (
    AssetView,
    ConnectorView,
    IncidentView,
    Limit,
    OrderView,
    SignalView,
    TwinPage,
)

HISTORY: Final = timedelta(minutes=60)
HISTORY_POINTS: Final = 120
URGENCY: Final = ("emergency", "high", "medium", "low")
CONNECTOR_STATES: Final = {
    "connected": "live",
    "live": "live",
    "connecting": "connecting",
    "backfilling": "connecting",
    "lost": "lost",
}
OUT_OF_SERVICE: Final = frozenset({"out_of_service", "maintenance", "decommissioned"})


async def page_context(
    tx: Tx, services: Services, viewer: Viewer, site_code: str | None = None, asset_code: str | None = None
) -> TwinPage:
    """Everything the twin of a site shows; without a code, the first with a drawing.

    ``asset_code`` chooses the asset of the side panel; without one it is the asset with the worst incident.

    Raises:
        NotFound: no such site in the tenants this viewer sees.
    """
    site = await _site(tx, site_code)
    rows = await find_assets(tx, AssetRow.site_id == site.id, AssetRow.tenant_id == site.tenant_id)
    scene = _Scene(
        viewer=viewer,
        plant=services.plants(site.tenant_id),
        scores=detector_scores(services, site.tenant_id),
        readings=_readings(services, site.tenant_id),
        incidents=await active_incidents(tx, viewer, IncidentRow.tenant_id == site.tenant_id),
        orders=await _open_orders(tx, viewer, site.tenant_id),
    )
    assets = tuple(scene.asset(found) for found in rows)
    chosen = _chosen(assets, asset_code)
    return TwinPage(
        site=SiteLink(site.id, site.code, site.name, site.name_ar or "", site.time_zone or "UTC"),
        assets=assets,
        connectors=tuple(_connector(link) for link in services.links(site.tenant_id)),
        drawing=await _drawing(tx, site),
        selected=scene.asset(_found(rows, chosen), _History(services, site.tenant_id)) if chosen else None,
        may_run_analysis=can(viewer.role, Permission.RUN_RCA),
        may_create_orders=can(viewer.role, Permission.CREATE_WORK_ORDERS),
        may_see_causes=sees_analysis(viewer),
        demo=services.settings.demo and can(viewer.role, Permission.RUN_RCA),
    )


async def _site(tx: Tx, code: str | None) -> SiteRow:
    """The named site; without a name, the first that has a drawing, else the first."""
    has_drawing = TwinLayout.id.is_not(None)
    drawn = (TwinLayout.site_id == SiteRow.id) & (TwinLayout.tenant_id == SiteRow.tenant_id)
    query = (
        select(SiteRow)
        .join(TwinLayout, drawn, isouter=True)
        .where(SiteRow.is_active.is_not(False))
        .order_by(has_drawing.desc(), SiteRow.tenant_id, SiteRow.code)
        .limit(1)
    )
    if code is not None:
        query = query.where(SiteRow.code == code)
    site = await tx.session.scalar(query)
    if site is None:
        raise NotFound(f"There is no site {code}." if code else "There is no site yet.")
    return site


def _readings(services: Services, tenant_id: int) -> Mapping[int, Reading]:
    return latest_readings(services, tenant_id, [m.id for m in services.plants(tenant_id).mappings])


async def _open_orders(tx: Tx, viewer: Viewer, tenant_id: int) -> Mapping[int, list[OrderView]]:
    """Open orders by asset, most urgent first; none for those who may not see orders."""
    if not can(viewer.role, Permission.VIEW_WORK_ORDERS):
        return {}
    query = (
        select(WorkOrderRow, User)
        .join(User, User.id == WorkOrderRow.assigned_to, isouter=True)
        .where(
            WorkOrderRow.tenant_id == tenant_id,
            WorkOrderRow.status.in_(ACTIVE_STATUSES),
            work_order_views.visible(viewer),
        )
        .order_by(WorkOrderRow.id)
    )
    found = (await tx.session.execute(query)).all()
    by_asset: dict[int, list[OrderView]] = {}
    for row, assignee in sorted(found, key=lambda pair: _urgency(pair[0])):
        if row.asset_id is not None:
            by_asset.setdefault(row.asset_id, []).append(_order(row, assignee))
    return by_asset


def _urgency(row: WorkOrderRow) -> int:
    return URGENCY.index(row.priority) if row.priority in URGENCY else len(URGENCY)


def _order(row: WorkOrderRow, assignee: User | None) -> OrderView:
    return OrderView(
        id=str(row.id),
        number=row.work_order_number or row.code,
        title=row.title,
        status=row.status or "open",
        priority=row.priority or "medium",
        assignee=work_order_views.user_name(assignee) if assignee else "",
        due=row.due_at,
        incident_id=row.incident_id,
    )


async def _drawing(tx: Tx, site: SiteRow) -> Mapping[str, object] | None:
    query = (
        select(TwinLayout.config)
        .where(
            TwinLayout.site_id == site.id,
            TwinLayout.tenant_id == site.tenant_id,
            TwinLayout.is_active.is_not(False),
        )
        .order_by(TwinLayout.is_default.desc(), TwinLayout.id)
        .limit(1)
    )
    config: Mapping[str, object] | None = await tx.session.scalar(query)
    return config or None


def _chosen(assets: Sequence[AssetView], code: str | None) -> AssetView | None:
    """The asset asked for, else the one with the gravest incident, else the first."""
    named = next((asset for asset in assets if asset.code == code), None)
    troubled = [asset for asset in assets if asset.incident is not None]
    gravest = min(troubled, key=lambda asset: _gravity(asset.incident), default=None)
    return named or gravest or next(iter(assets), None)


def _gravity(incident: IncidentView | None) -> int:
    order = ("critical", "major", "minor", "info")
    return order.index(incident.severity) if incident and incident.severity in order else len(order)


def _found(rows: Sequence[Found], chosen: AssetView) -> Found:
    return next(found for found in rows if found[0].id == chosen.id)


def _connector(link: SourceState) -> ConnectorView:
    return ConnectorView(
        name=link.name,
        state=CONNECTOR_STATES.get(str(link.state), "stopped"),
        tag_count=link.tags,
        rate_per_s=link.rate,
        lag_s=link.lag_s,
        last_error=link.last_error or "",
    )


class _History:
    """The last hour of a signal in a few points, from memory."""

    def __init__(self, services: Services, tenant_id: int) -> None:
        self._pipeline = services.pipelines.get(tenant_id)
        self._end = clock.now()

    def of(self, mapping: SignalMapping) -> tuple[tuple[int, float | None], ...]:
        if self._pipeline is None:
            return ()
        start = self._end - HISTORY
        series = self._pipeline.recent.window(mapping.id, start, self._end)
        return thinned(series, start, self._end, history_steps(mapping.scan_s)) if len(series) else ()


def history_steps(scan_s: float) -> int:
    """In how many steps an hour is drawn: each spans two scans at least, so that none is empty by nature."""
    return max(2, min(HISTORY_POINTS, int(HISTORY.total_seconds() / (2 * scan_s))))


@dataclass(frozen=True, slots=True)
class _Scene:
    """All that is known of a tenant's plant at this moment."""

    viewer: Viewer
    plant: PlantModel
    scores: Scores
    readings: Mapping[int, Reading]
    incidents: Mapping[int, list[IncidentRow]]
    orders: Mapping[int, list[OrderView]]

    def asset(self, found: Found, history: _History | None = None) -> AssetView:
        row, _, stored = found
        condition = Condition(row, stored, self.scores)
        return AssetView(
            id=row.id,
            code=row.code,
            name=row.name,
            asset_type=row.asset_type or "",
            criticality=row.criticality or "medium",
            name_ar=row.name_ar or "",
            state="out_of_service" if row.status in OUT_OF_SERVICE else self._state(row.id),
            health=condition.health,
            risk=condition.failure_probability,
            incidents=tuple(self._incident(each) for each in self.incidents.get(row.id, ())),
            orders=tuple(self.orders.get(row.id, ())),
            signals=tuple(self._signal(m, history) for m in self.plant.mappings_of(row.id)),
        )

    def _state(self, asset_id: int) -> str:
        """Running while any signal is fresh; what stands still is for the browser to tell from its tag."""
        now = clock.now()
        mappings = self.plant.mappings_of(asset_id)
        known = (m for m in mappings if (r := self.readings.get(m.id)) and r.is_fresh(m.scan_s, now))
        return "running" if next(known, None) is not None else "unknown"

    def _signal(self, m: SignalMapping, history: _History | None) -> SignalView:
        reading = self.readings.get(m.id)
        return SignalView(
            tag=m.id,
            external_tag=m.external_tag,
            label=m.description or m.metric.replace("_", " "),
            metric=m.metric,
            unit=m.unit,
            decimals=m.decimals,
            range_low=m.low,
            range_high=m.high,
            normal_low=m.normal_low,
            normal_high=m.normal_high,
            limits=self._limits(m),
            scan_s=m.scan_s,
            value=reading.value if reading else None,
            time_ms=_milliseconds(reading.time) if reading else None,
            quality=reading.quality if reading else 0,
            history=history.of(m) if history else (),
        )

    def _limits(self, m: SignalMapping) -> tuple[Limit, ...]:
        asset = self.plant.asset(m.asset_id)
        if asset is None:
            return ()
        found = self.plant.thresholds_of(asset, m.metric)
        return tuple((severity_key(t.severity.name), t.direction, t.limit) for t in found)

    def _incident(self, row: IncidentRow) -> IncidentView:
        summary = IncidentView(
            id=str(row.id),
            number=row.incident_number or "",
            title=row.title or "",
            severity=severity_key(row.severity),
            status=row.status,
            started=row.start_time,
        )
        return _with_analysis(summary, row) if sees_analysis(self.viewer) else summary


def _with_analysis(summary: IncidentView, row: IncidentRow) -> IncidentView:
    scores = sorted((row.root_cause_scores or {}).items(), key=lambda item: -float(item[1]))
    causes = tuple((cause_label(label), float(p)) for label, p in scores)
    financial, carbon = row.financial_impact_estimate or {}, row.carbon_impact_estimate or {}
    return replace(
        summary,
        acknowledged=row.acknowledged_at is not None,
        top_cause=causes[0][0] if causes else "",
        top_probability=causes[0][1] if causes else None,
        financial_impact=_decimal(financial.get("total_estimated_cost")),
        currency=str(financial.get("currency") or "USD"),
        carbon_kg=_decimal(carbon.get("carbon_kg")),
        story=row.event_story or "",
        causes=causes,
        actions=tuple(str(action.get("action", "")) for action in row.recommended_actions or ()),
        provisional=row.rca_status != "COMPLETED",
    )


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _milliseconds(time: datetime) -> int:
    return to_micros(time) // 1000
