"""What a plant consists of, as its source describes it: sites, assets, tags and process links.

Pure descriptions without ids of any database. A simulated plant or a recording brings one along;
seeding and screens are derived from it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

TagSource = Literal["opcua", "pi", "sql"]


@dataclass(frozen=True, slots=True)
class SiteEntry:
    """A site (ISA-95) with its name in English and Arabic."""

    code: str
    name: str
    name_ar: str
    location: str


@dataclass(frozen=True, slots=True)
class AssetEntry:
    """A piece of equipment; `typical_power_kw` is its electrical demand in normal operation."""

    code: str
    name: str
    name_ar: str
    asset_type: str
    site: str
    criticality: str
    parent: str | None
    typical_power_kw: float


@dataclass(frozen=True, slots=True)
class TagEntry:
    """A measurement. `low`/`high` are the engineering range (OPC UA EURange), `normal_low`/`normal_high`
    the range of normal operation, both in `unit`; `scan_s` is the period of the source in seconds.
    """

    name: str
    asset: str
    metric: str
    unit: str
    description: str
    low: float
    high: float
    normal_low: float
    normal_high: float
    decimals: int
    source: TagSource
    scan_s: float = 1.0


@dataclass(frozen=True, slots=True)
class LinkEntry:
    """Process flow from one asset (upstream) to another (downstream)."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class FaultLabel:
    """The truth about one fault of a simulated plant, to score an analysis against.

    `cause` is the label a right analysis names, `tags` are those of the asset that
    such a fault acts on (a controller may hold some of them), `severity` is 0-1,
    `ramp_s` is in plant seconds; `ended_at` is None while the fault acts.
    """

    id: str
    kind: str
    cause: str
    asset: str
    tags: tuple[str, ...]
    severity: float
    started_at: datetime
    ramp_s: float
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlantCatalogue:
    """Everything a plant says about itself; order is the order of display."""

    sites: tuple[SiteEntry, ...]
    assets: tuple[AssetEntry, ...]
    tags: tuple[TagEntry, ...]
    links: tuple[LinkEntry, ...]

    def asset(self, code: str) -> AssetEntry | None:
        """The asset of this code, or None."""
        return next((asset for asset in self.assets if asset.code == code), None)

    def tag(self, name: str) -> TagEntry | None:
        """The tag of this name, or None."""
        return next((tag for tag in self.tags if tag.name == name), None)

    def tags_of(self, asset: str) -> tuple[TagEntry, ...]:
        """The tags of one asset, in the order of the catalogue."""
        return tuple(tag for tag in self.tags if tag.asset == asset)
