"""Sites and assets (ISA-95), and a tenant's plant as one immutable snapshot."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from optria.core.event import Severity
from optria.core.tag import SignalMapping

CRITICALITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Site:
    id: int
    code: str
    name: str
    name_ar: str = ""
    time_zone: str = "Asia/Riyadh"


@dataclass(frozen=True, slots=True)
class Asset:
    id: int
    code: str
    name: str
    asset_type: str
    site_id: int | None
    criticality: str = "medium"
    name_ar: str = ""

    @property
    def criticality_rank(self) -> int:
        """0 (low) to 3 (critical)."""
        return CRITICALITIES.index(self.criticality) if self.criticality in CRITICALITIES else 1


@dataclass(frozen=True, slots=True)
class Link:
    """Process topology: what leaves ``source`` reaches ``target``."""

    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """An approved limit on a metric: beyond ``limit`` in ``direction`` is an event of ``severity``.

    ``asset_id`` None means every asset of ``asset_type``. The dead band is in percent of the signal's normal
    span; it and the delays have usual values where they are None (:mod:`optria.streams.limits`).
    """

    metric: str
    direction: str
    limit: float
    severity: Severity
    asset_type: str | None = None
    asset_id: int | None = None
    unit: str = ""
    dead_band_percent: float | None = None
    on_delay_s: float | None = None
    off_delay_s: float | None = None


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """A detector by name with its parameters, for one asset type (None: every asset)."""

    name: str
    parameters: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    asset_type: str | None = None
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class PlantModel:
    """A tenant's configuration at one moment; replaced whole when it changes."""

    tenant_id: int
    sites: tuple[Site, ...] = ()
    assets: tuple[Asset, ...] = ()
    links: tuple[Link, ...] = ()
    mappings: tuple[SignalMapping, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    detectors: tuple[DetectorChoice, ...] = ()
    clock_drift_s: Mapping[int, float] = field(default_factory=dict)
    """Seconds that an integration's clock is ahead of UTC, by integration id."""
    lateness_s: Mapping[int, float] = field(default_factory=dict)
    """Seconds that samples of an integration may come out of order, by integration id; none: not at all."""

    def asset(self, asset_id: int) -> Asset | None:
        return next((a for a in self.assets if a.id == asset_id), None)

    def mappings_of(self, asset_id: int) -> Iterator[SignalMapping]:
        return (m for m in self.mappings if m.asset_id == asset_id)

    def neighbours(self, asset_id: int) -> frozenset[int]:
        """Assets one process link away, up- or downstream."""
        downstream = {link.target for link in self.links if link.source == asset_id}
        upstream = {link.source for link in self.links if link.target == asset_id}
        return frozenset((downstream | upstream) - {asset_id})

    def thresholds_of(self, asset: Asset, metric: str) -> tuple[Threshold, ...]:
        """The limits that hold for one metric; those of the asset itself replace those of its type."""
        fitting = [t for t in self.thresholds if t.metric == metric and t.asset_id in (None, asset.id)]
        own = tuple(t for t in fitting if t.asset_id == asset.id)
        return own or tuple(t for t in fitting if t.asset_type in (None, asset.asset_type))
