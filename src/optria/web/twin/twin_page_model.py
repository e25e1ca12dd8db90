"""What the live twin page shows: plain values, filled by :mod:`optria.web.twin`, read by ``twin.html``.

Severities are the glyph keys ``critical``, ``major``, ``minor``, ``info``
(:func:`optria.web.filters.severity_key`). Times are aware UTC; a last value carries epoch
milliseconds because the browser ages it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from optria.core.tag import Quality
from optria.web.rendering import SiteLink
from optria.web.twin.past_view import PastView

_ORDER: Final = ("normal", "info", "minor", "major", "critical")

Limit = tuple[str, str, float]
"""(severity key, "high" or "low", limit in the signal's unit)."""

Point = tuple[int, float | None]
"""(epoch milliseconds, value); None where there was no good value, drawn as a gap."""


@dataclass(frozen=True, slots=True)
class SignalView:
    """One mapped signal of an asset.

    ``tag`` is the id of its signal mapping; ``label`` is its description; ``range_low``/``range_high`` the
    engineering range; ``history`` the last 60 minutes (about 120 points), given for the selected asset only.
    """

    tag: int
    external_tag: str
    label: str
    metric: str
    unit: str
    decimals: int | None = None
    range_low: float | None = None
    range_high: float | None = None
    normal_low: float | None = None
    normal_high: float | None = None
    limits: tuple[Limit, ...] = ()
    scan_s: float = 1.0
    value: float | None = None
    time_ms: int | None = None
    quality: int = 0
    history: tuple[Point, ...] = ()
    source: str = ""
    """Name of the connection that it comes over."""

    @property
    def instrument(self) -> str:
        return self.external_tag.rsplit(".", 1)[-1]

    @property
    def shown_decimals(self) -> str:
        return "" if self.decimals is None else str(self.decimals)

    @property
    def low(self) -> float:
        """Left end of the analogue indicator."""
        return self._scale()[0]

    @property
    def high(self) -> float:
        """Right end of the analogue indicator."""
        return self._scale()[1]

    def _scale(self) -> tuple[float, float]:
        """The normal range with room on both sides and for every limit, inside the engineering range."""
        if self.normal_low is None or self.normal_high is None:
            return self.range_low or 0.0, 100.0 if self.range_high is None else self.range_high
        width = (self.normal_high - self.normal_low) or abs(self.normal_high) or 1.0
        marks = [limit for _severity, _side, limit in self.limits]
        low = min([self.normal_low - 0.9 * width, *(mark - 0.3 * width for mark in marks)])
        high = max([self.normal_high + 0.9 * width, *(mark + 0.3 * width for mark in marks)])
        if self.range_low is not None:
            low = max(low, self.range_low)
        if self.range_high is not None:
            high = min(high, self.range_high)
        return round(low, 6), round(high, 6)

    def _fraction(self, value: float | None) -> float:
        low, high = self._scale()
        return 0.0 if value is None or high <= low else min(1.0, max(0.0, (value - low) / (high - low)))

    @property
    def fraction(self) -> float:
        return self._fraction(self.value)

    @property
    def normal_from(self) -> float:
        return self._fraction(self.normal_low)

    @property
    def normal_to(self) -> float:
        return self._fraction(self.normal_high)

    def alarm_of(self, value: float) -> str:
        """The worst limit that ``value`` is past, or ``normal``."""
        past = [s for s, side, limit in self.limits if (value > limit if side == "high" else value < limit)]
        return max(past, key=_ORDER.index, default="normal")

    def state_at(self, now_ms: int) -> str:
        """normal, minor, major, critical, uncertain, stale or bad; the same rules as ``js/values.js``."""
        if self.time_ms is None:
            return "stale"
        if self.value is None or self.quality == Quality.BAD:
            return "bad"
        if (now_ms - self.time_ms) / 1000 > 2 * max(3 * self.scan_s, 5.0):
            return "stale"
        alarm = self.alarm_of(self.value)
        return "uncertain" if alarm == "normal" and self.quality == Quality.UNCERTAIN else alarm


@dataclass(frozen=True, slots=True)
class IncidentView:
    """An active incident of an asset. A viewer gets number, title, severity, status and start only."""

    id: str
    number: str
    title: str
    severity: str
    status: str
    started: datetime
    acknowledged: bool = False
    top_cause: str = ""
    top_probability: float | None = None
    financial_impact: Decimal | None = None
    currency: str = ""
    carbon_kg: Decimal | None = None
    story: str = ""
    causes: tuple[tuple[str, float], ...] = ()
    """Root causes, most likely first."""
    actions: tuple[str, ...] = ()
    provisional: bool = False
    story_ar: str = ""
    actions_ar: tuple[str, ...] = ()
    """As ``actions``, in Arabic where there is one."""
    root_code: str = ""
    """Code of the asset it began on; only on the others that it has reached."""


@dataclass(frozen=True, slots=True)
class OrderView:
    """An open work order of an asset; ``incident_id`` when it came from one."""

    id: str
    number: str
    title: str
    status: str
    priority: str
    assignee: str = ""
    due: datetime | None = None
    incident_id: str | None = None


@dataclass(frozen=True, slots=True)
class AssetView:
    """``health`` 0..100, ``risk`` 0..1 (latest anomaly score), both None while unknown.

    ``state`` is ``running``, ``stopped``, ``unknown`` or ``out_of_service``.
    """

    id: int
    code: str
    name: str
    asset_type: str
    criticality: str
    name_ar: str = ""
    state: str = "running"
    health: float | None = None
    risk: float | None = None
    incidents: tuple[IncidentView, ...] = ()
    """Active incidents that began on it, worst first."""
    orders: tuple[OrderView, ...] = ()
    """Open orders, most urgent first."""
    signals: tuple[SignalView, ...] = ()
    reached_by: tuple[IncidentView, ...] = ()
    """Active incidents of other assets whose disturbance has reached it, worst first."""

    @property
    def incident(self) -> IncidentView | None:
        return self.incidents[0] if self.incidents else None

    @property
    def incident_order(self) -> OrderView | None:
        """The order that the first incident already has."""
        if self.incident is None:
            return None
        return next((o for o in self.orders if o.incident_id == self.incident.id), None)

    def signal(self, metric: str) -> SignalView | None:
        return next((s for s in self.signals if s.metric == metric), None)


@dataclass(frozen=True, slots=True)
class ConnectorView:
    """A source: ``state`` is ``live``, ``connecting``, ``lost``, ``stale`` or ``stopped``."""

    name: str
    state: str
    tag_count: int = 0
    rate_per_s: float | None = None
    lag_s: float | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class TwinPage:
    """The whole page of one site. ``drawing`` is ``twin_layouts.config`` (see ``drawing.py``) or None."""

    site: SiteLink
    assets: tuple[AssetView, ...] = ()
    connectors: tuple[ConnectorView, ...] = ()
    drawing: Mapping[str, object] | None = None
    selected: AssetView | None = None
    may_run_analysis: bool = False
    may_create_orders: bool = False
    may_see_causes: bool = True
    demo: bool = False
    """Fault injection is offered."""
    is_demo: bool = False
    """The plant is the simulated one, whoever looks."""
    may_see_orders: bool = True
    only_assigned: bool = False
    """Incidents and orders of colleagues are not shown."""
    past: PastView | None = None
    """Set where the page shows a moment of the past."""
    may_map: bool = False

    @property
    def signal_count(self) -> int:
        return sum(len(asset.signals) for asset in self.assets)

    def signal_named(self, external_tag: str) -> SignalView | None:
        every = (s for asset in self.assets for s in asset.signals)
        return next((s for s in every if s.external_tag == external_tag), None)

    def asset_coded(self, code: str) -> AssetView | None:
        return next((a for a in self.assets if a.code == code), None)
