"""Everything that the analysis of one incident may know; what is not here is no evidence.

A case is filled by whoever can read (the database, a simulated plant, a test) and never changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import Asset, PlantModel, Threshold
from optria.core.event import EventCategory, EventWindow, Severity
from optria.core.incident import Anchor
from optria.core.tag import SignalMapping
from optria.rca.baseline import Baseline
from optria.rca.rules import CausalRule

RawTime: TypeAlias = datetime | str | int | float
"""A time as a source writes it: aware or naive datetime, ISO 8601 text, or milliseconds since 1970 UTC."""

EntryKind: TypeAlias = Literal["event", "sensor", "maintenance"]


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One entry of a source, its time not yet aligned.

    ``source`` is the key into ``Case.clock_drift_s`` and ``Case.time_zones``. ``payload`` of a limit event
    is that of :class:`optria.core.event.Event`: ``metric``, ``value``, ``limit``, ``direction``, ``unit``.
    """

    source: str
    time: RawTime
    kind: EntryKind = "event"
    summary: str = ""
    severity: Severity = Severity.INFO
    category: str = EventCategory.ALERT
    asset_id: int | None = None
    source_type: str = "ALERT"
    payload: Mapping[str, object] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The samples of one tag in columns of equal length, oldest first, in the mapping's unit.

    ``time`` int64 µs since 1970 UTC, ``value`` float64 (NaN where there is none), ``quality`` uint8 of
    :class:`optria.core.tag.Quality`. ``source`` names the clock whose drift is still in ``time``; the
    stream removes drift before it stores, so stored history has "".
    """

    mapping: SignalMapping
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    source: str = ""


@dataclass(frozen=True, slots=True)
class MaintenanceLog:
    """A work order of the past with its failure note, of the asset itself (``same_asset``) or one like it."""

    id: int
    code: str
    asset_id: int
    time: RawTime
    title: str
    failure_note: str = ""
    cause: str = ""
    downtime_h: Decimal | None = None
    same_asset: bool = True
    source: str = "maintenance"


@dataclass(frozen=True, slots=True)
class PastIncident:
    """A closed incident: its pattern, the cause that *people confirmed* (a label), and what resolved it.

    An incident whose cause is only the opinion of an earlier analysis does not belong here.
    """

    id: str
    number: str
    asset_id: int
    asset_type: str
    cause: str
    signature: Mapping[str, float]
    event_types: tuple[str, ...] = ()
    resolution: str = ""
    resolution_ar: str = ""
    downtime_h: Decimal | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a maker's procedure, English and Arabic."""

    text: str
    text_ar: str = ""


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """What the maker says of an asset or its type: checklist, expected ranges, typical consumption.

    ``expected`` is metric to (low, high) in normal operation; ``cause_pages`` and ``cause_steps`` are the
    pages and steps for single causes (by label), where the maker gives them.
    """

    document: str = "MachineSpecs"
    checklist_page: int | None = None
    checklist: tuple[Step, ...] = ()
    typical_power_kw: Decimal | None = None
    energy_type: str = "electricity"
    expected: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    cause_pages: Mapping[str, int] = field(default_factory=dict)
    cause_steps: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CostReference:
    """The approved cost of one hour of downtime: of an asset, else a site, else a type, else the tenant."""

    cost_per_hour: Decimal
    currency: str = "SAR"
    asset_id: int | None = None
    site_id: int | None = None
    asset_type: str | None = None
    source: str = ""
    id: int | None = None
    approved_at: datetime | None = None
    approved_by: str = ""
    came_later: bool = False
    """Approved only after the incident; counts where nothing was in force at its time."""


@dataclass(frozen=True, slots=True)
class DowntimeReference:
    """Typical downtime of a cause (label), in hours; ``asset_type`` None holds for every type."""

    cause: str
    hours: Decimal
    asset_type: str | None = None
    source: str = ""
    id: int | None = None


@dataclass(frozen=True, slots=True)
class DowntimeHistory:
    """What confirmed orders of a cause (label) on an asset type really took, in hours.

    ``low_h`` and ``high_h`` are the 10th and 90th percentile, ``orders`` the codes of the newest.
    """

    cause: str
    asset_type: str
    count: int
    mean_h: Decimal
    low_h: Decimal
    high_h: Decimal
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CarbonFactor:
    """kg CO2 per kWh of an energy type."""

    energy_type: str
    factor_kg_per_kwh: Decimal
    source: str = ""
    id: int | None = None
    valid_from: date | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that the analysis of one incident may know.

    ``series`` are the tags of the asset and of its process neighbours, from well before the window (the
    reference period: 20 min and more) to ``now``. ``events`` are those of the asset and its neighbours, with
    everything the product itself wrote (AI_OUTPUT, SYSTEM) left in or out: it is ignored. ``history`` may
    hold any asset type; only the asset's own type counts. ``provisional`` while ``now`` is before the
    window's end. ``clock_drift_s`` is source to seconds its clock is ahead of UTC, ``time_zones`` source to
    the IANA zone its naive times are meant in (default: the site's). ``missing_sources`` are sources that
    could not be read, by name. ``temperature`` of the probabilities; None: as the history tells it,
    times ``calibration``, which the tenant's confirmed orders tell (:mod:`optria.rca.calibration`).
    ``normal`` is how these tags run when nothing is wrong, where that was learned from longer history.
    """

    incident_id: str
    number: str
    severity: Severity
    asset: Asset
    plant: PlantModel
    anchor: Anchor
    window: EventWindow
    now: datetime
    provisional: bool = False
    events: tuple[RawEntry, ...] = ()
    series: tuple[Series, ...] = ()
    maintenance: tuple[MaintenanceLog, ...] = ()
    history: tuple[PastIncident, ...] = ()
    rules: tuple[CausalRule, ...] = ()
    spec: MachineSpec | None = None
    cost_references: tuple[CostReference, ...] = ()
    downtime_references: tuple[DowntimeReference, ...] = ()
    carbon_factors: tuple[CarbonFactor, ...] = ()
    typical_power_kw: Decimal | None = None
    clock_drift_s: Mapping[str, float] = field(default_factory=dict)
    time_zones: Mapping[str, str] = field(default_factory=dict)
    missing_sources: tuple[str, ...] = ()
    temperature: float | None = None
    calibration: float = 1.0
    downtime_history: tuple[DowntimeHistory, ...] = ()
    normal: Baseline | None = None

    @property
    def time_zone(self) -> str:
        """IANA zone of the asset's site; UTC where the site is unknown."""
        zones = (site.time_zone for site in self.plant.sites if site.id == self.asset.site_id)
        return next(zones, "UTC")

    @property
    def upstream(self) -> frozenset[int]:
        """Assets one process link before this one."""
        return frozenset(link.source for link in self.plant.links if link.target == self.asset.id)

    @property
    def downstream(self) -> frozenset[int]:
        """Assets one process link after this one."""
        return frozenset(link.target for link in self.plant.links if link.source == self.asset.id)

    def thresholds_of(self, asset_id: int | None, metric: str) -> tuple[Threshold, ...]:
        """The approved limits on a metric of an asset; none for an asset the plant does not know."""
        asset = self.plant.asset(asset_id) if asset_id is not None else None
        return self.plant.thresholds_of(asset, metric) if asset else ()
