"""What is known of a plant at this moment, as the values of the twin page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from optria.core.asset import PlantModel
from optria.core.event import Severity
from optria.core.incident import Analysis, cause_label, plain_title
from optria.core.roles import Permission, can
from optria.core.tag import SignalMapping, to_micros
from optria.db.blackbox import IncidentRow
from optria.db.identity import User
from optria.db.plant import AssetScore
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.streams.recent import Series
from optria.web.assets.asset_views import Found
from optria.web.assets.condition import Condition, Scores
from optria.web.assets.readings import Reading, joined, thinned
from optria.web.filters import severity_key
from optria.web.incidents.incident_views import title_for
from optria.web.page_words import signal_name
from optria.web.people.people import user_name
from optria.web.services import Services, SourceState
from optria.web.sessions import Viewer
from optria.web.sight import sees_analysis
from optria.web.twin.twin_page_model import (
    AssetView,
    ConnectorView,
    IncidentView,
    Limit,
    OrderView,
    SignalView,
)
from optria.web.twin.twin_past import with_analysis

HISTORY: Final = timedelta(minutes=60)
HISTORY_POINTS: Final = 120
CONNECTOR_STATES: Final = {
    "connected": "live",
    "live": "live",
    "connecting": "connecting",
    "backfilling": "connecting",
    "lost": "lost",
}
OUT_OF_SERVICE: Final = frozenset({"out_of_service", "maintenance", "decommissioned"})


def order_view(row: WorkOrderRow, assignee: User | None) -> OrderView:
    return OrderView(
        id=str(row.id),
        number=row.work_order_number or row.code,
        title=row.title,
        status=row.status or "open",
        priority=row.priority or "medium",
        assignee=user_name(assignee) if assignee else "",
        due=row.due_at,
        incident_id=row.incident_id,
    )


def connector_view(link: SourceState, viewer: Viewer) -> ConnectorView:
    """A source; what is wrong with it names hosts and is for those who see connections."""
    tells = can(viewer.role, Permission.VIEW_INTEGRATIONS)
    return ConnectorView(
        name=link.name,
        state=CONNECTOR_STATES.get(str(link.state), "stopped"),
        tag_count=link.tags,
        rate_per_s=link.rate,
        lag_s=link.lag_s,
        last_error=(link.last_error or "") if tells else "",
    )


class History:
    """The hour up to ``end`` of each signal in a few points: what is in memory, after what was ``stored``."""

    def __init__(
        self,
        services: Services,
        tenant_id: int,
        end: datetime | None = None,
        stored: Mapping[int, Series] | None = None,
    ) -> None:
        self._pipeline = services.pipelines.get(tenant_id)
        self._end = end or clock.now()
        self._stored = stored or {}

    def of(self, mapping: SignalMapping) -> tuple[tuple[int, float | None], ...]:
        start = self._end - HISTORY
        series = self._stored.get(mapping.id, Series.empty())
        if self._pipeline is not None:
            series = joined(series, self._pipeline.recent.window(mapping.id, start, self._end))
        return thinned(series, start, self._end, history_steps(mapping.scan_s)) if len(series) else ()


def history_steps(scan_s: float) -> int:
    """In how many steps an hour is drawn: each spans two scans at least, so that none is empty by nature."""
    return max(2, min(HISTORY_POINTS, int(HISTORY.total_seconds() / (2 * scan_s))))


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known of a tenant's plant at this moment."""

    viewer: Viewer
    plant: PlantModel
    scores: Scores
    readings: Mapping[int, Reading]
    incidents: Mapping[int, Sequence[IncidentRow]]
    reached: Mapping[int, Sequence[IncidentRow]]
    orders: Mapping[int, list[OrderView]]
    sources: Mapping[int, str] = field(default_factory=dict)
    """Names of connections by their id."""
    at: datetime | None = None
    """The moment that is shown; None is now."""
    analyses: Mapping[UUID, Analysis] = field(default_factory=dict)
    """Of a past moment: what was known of each incident."""

    def asset(self, found: Found, history: History | None = None) -> AssetView:
        row, _, stored = found
        condition = Condition(row, self._known_then(stored), self.scores)
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
            reached_by=tuple(self._spread(each) for each in self.reached.get(row.id, ())),
            orders=tuple(self.orders.get(row.id, ())),
            signals=tuple(self._signal(m, history) for m in self.plant.mappings_of(row.id)),
        )

    def _known_then(self, stored: AssetScore | None) -> AssetScore | None:
        computed = stored.computed_at if stored else None
        return stored if self.at is None or (computed and computed <= self.at) else None

    def _state(self, asset_id: int) -> str:
        """Running while any signal is fresh; what stands still is for the browser to tell from its tag."""
        now = self.at or clock.now()
        mappings = self.plant.mappings_of(asset_id)
        known = (m for m in mappings if (r := self.readings.get(m.id)) and r.is_fresh(m.scan_s, now))
        return "running" if next(known, None) is not None else "unknown"

    def _signal(self, m: SignalMapping, history: History | None) -> SignalView:
        reading = self.readings.get(m.id)
        return SignalView(
            tag=m.id,
            external_tag=m.external_tag,
            label=signal_name(m.description, m.metric, "en"),
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
            source=self.sources.get(m.integration_id, ""),
        )

    def _limits(self, m: SignalMapping) -> tuple[Limit, ...]:
        asset = self.plant.asset(m.asset_id)
        if asset is None:
            return ()
        found = self.plant.thresholds_of(asset, m.metric)
        return tuple((severity_key(t.severity.name), t.direction, t.limit) for t in found)

    def _spread(self, row: IncidentRow) -> IncidentView:
        root = self.plant.asset(row.root_asset_id or 0)
        return replace(self._incident(row), root_code=root.code if root else "")

    def _incident(self, row: IncidentRow) -> IncidentView:
        summary = IncidentView(
            id=str(row.id),
            number=row.incident_number or "",
            title=title_for(self.viewer, row),
            severity=severity_key(row.severity),
            status=row.status,
            started=row.start_time,
        )
        if not sees_analysis(self.viewer):
            return summary
        if self.at is None:
            return _with_analysis(summary, row)
        plain = plain_title(row.title, row.root_cause_scores or {}) or ""
        return with_analysis(replace(summary, title=plain), row, self.at, self.analyses.get(row.id))


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
        currency=str(financial.get("currency") or ""),
        carbon_kg=_decimal(carbon.get("carbon_kg")),
        story=row.event_story or "",
        causes=causes,
        actions=tuple(str(action.get("action", "")) for action in row.recommended_actions or ()),
        provisional=bool((row.rca_summary or {}).get("provisional")),
        story_ar=row.event_story_ar or "",
        actions_ar=tuple(
            str(action.get("action_ar") or action.get("action", ""))
            for action in row.recommended_actions or ()
        ),
    )


def reached_assets(incidents: Mapping[int, Sequence[IncidentRow]]) -> Mapping[int, list[IncidentRow]]:
    """By asset, the active incidents of other assets whose disturbance has reached it, worst first."""
    reached: dict[int, list[IncidentRow]] = {}
    for row in (row for rows in incidents.values() for row in rows):
        for asset_id in dict.fromkeys((row.impact_scope or {}).get("assets") or ()):
            if asset_id != row.root_asset_id:
                reached.setdefault(asset_id, []).append(row)
    for rows in reached.values():
        rows.sort(key=lambda row: Severity.parse(row.severity), reverse=True)
    return reached


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _milliseconds(time: datetime) -> int:
    return to_micros(time) // 1000
