"""The overview as plain values: filled by ``overview_view``, read by ``overview.html`` and the API."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from optria.web.overview.latency import Latency
from optria.web.overview.periods import Period
from optria.web.overview.state_bar import Mark

PRIORITIES = ("emergency", "urgent", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount of one currency."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class AtRisk:
    """What active incidents put at risk on one asset; ``share`` of the largest."""

    code: str
    amount: Decimal
    currency: str
    share: float


@dataclass(frozen=True, slots=True)
class OpenOrders:
    """Open work: how much, by priority (most urgent first), overdue, waiting for approval."""

    count: int
    overdue: int
    to_approve: int
    by_priority: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One bar: what began from ``start`` on; ``share`` of the highest bar."""

    start: datetime
    amount: float
    share: float


@dataclass(frozen=True, slots=True)
class Unit:
    """A site, or an asset of the site above it that had something to tell.

    ``health`` of a site is its lowest, on ``lowest``. ``risk`` is empty where nothing is at risk.
    """

    code: str
    name: str
    name_ar: str
    href: str
    is_site: bool
    health: float | None
    lowest: str
    severity: str
    marks: tuple[Mark, ...]
    gaps: tuple[Mark, ...]
    open_orders: int
    risk: tuple[Sum, ...]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A connection: its state, its rate now, and an SVG path of its rate over the last half hour."""

    name: str
    state: str
    rate_per_s: float
    lag_s: float | None
    last_error: str
    spark: str = ""
    last_point: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page. None and empty for what the viewer's role may not see."""

    period: Period
    active: int
    active_by_severity: dict[str, int]
    begun: int
    unresolved: int
    steps: tuple[Step, ...]
    """Carbon in kg by the step in which its incident began; incidents for those who see no carbon."""
    carbon_kg: Decimal | None
    at_risk: tuple[Sum, ...]
    at_risk_assets: tuple[AtRisk, ...]
    latency: Latency | None
    orders: OpenOrders | None
    units: tuple[Unit, ...]
    sources: tuple[SourceLine, ...]
    signals_watched: int
    is_cut_off: bool
    """More incidents than are read: the oldest of the period are missing."""
