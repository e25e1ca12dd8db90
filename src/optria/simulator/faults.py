"""The faults of a plant over time: begin, grow, end; each with its label."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from optria.core.catalogue import AssetEntry, FaultLabel, PlantCatalogue
from optria.simulator.dynamics import Upsets, clamp
from optria.simulator.fault_kinds import FAULT_KINDS, BadFault, FaultKind, UnknownFault

SENSOR_METRICS = ("bearing_temperature", "temperature", "pressure", "level", "flow", "valve_position")
"""Which instrument of an asset a sensor fault takes: the first of these metrics that it has."""


@dataclass(slots=True)
class Fault:
    """A fault in plant time: intensity rises linearly over `ramp_s` from `onset_s`, is gone at the end."""

    label: FaultLabel
    kind: FaultKind
    onset_s: float
    duration_s: float | None
    falls: bool = False

    def intensity(self, time_s: float) -> float:
        """0 to severity at a plant time."""
        age = time_s - self.onset_s
        ramp = 1.0 if self.label.ramp_s <= 0 else clamp(age / self.label.ramp_s, 0.0, 1.0)
        return self.label.severity * ramp if age >= 0 else 0.0

    def is_over(self, time_s: float) -> bool:
        """Has it lasted its duration?"""
        return self.duration_s is not None and time_s - self.onset_s >= self.duration_s


class FaultBook:
    """All faults of one plant, those acting and those past."""

    def __init__(self, catalogue: PlantCatalogue) -> None:
        self.catalogue = catalogue
        self._faults: dict[str, Fault] = {}
        self._touched: list[tuple[Upsets, str]] = []

    def begin(self, ask: "FaultAsk", time_s: float, at: datetime) -> FaultLabel:
        """Start a fault at plant time `time_s`, wall-clock `at`; raises BadFault."""
        kind, asset = _checked(ask, self.catalogue)
        label = FaultLabel(
            id=f"F{len(self._faults) + 1:04d}",
            kind=kind.kind,
            cause=kind.cause,
            asset=asset.code,
            tags=(ask.tag,) if ask.tag else affected_tags(kind, asset.code, self.catalogue),
            severity=ask.severity,
            started_at=at,
            ramp_s=ask.ramp_s,
        )
        self._faults[label.id] = Fault(label, kind, time_s, ask.duration_s, ask.falls)
        return label

    def end(self, fault_id: str, at: datetime) -> None:
        """End a fault; one that is over stays as it is. Raises UnknownFault."""
        fault = self._faults.get(fault_id)
        if fault is None:
            raise UnknownFault(f"No fault has the id {fault_id!r}; GET /plant/faults lists them.")
        if fault.label.ended_at is None:
            fault.label = replace(fault.label, ended_at=at)

    def expire(self, time_s: float, at: datetime) -> None:
        """End those that have lasted their duration."""
        for fault in self.acting():
            if fault.is_over(time_s):
                self.end(fault.label.id, at)

    def acting(self) -> Iterator[Fault]:
        """The faults that have not ended."""
        return (fault for fault in self._faults.values() if fault.label.ended_at is None)

    def labels(self) -> list[FaultLabel]:
        """All labels, oldest first."""
        return [fault.label for fault in self._faults.values()]

    def apply(self, upsets: dict[str, Upsets], time_s: float) -> None:
        """Set what is wrong with each asset from the faults acting on the machines."""
        for asset_upsets, field in self._touched:
            setattr(asset_upsets, field, 0.0)
        self._touched.clear()
        for fault in self.acting():
            if fault.kind.group == "machine":
                field = fault.kind.kind.replace("-", "_")
                asset_upsets = upsets[fault.label.asset]
                strongest = max(getattr(asset_upsets, field), fault.intensity(time_s))
                setattr(asset_upsets, field, strongest)
                self._touched.append((asset_upsets, field))


@dataclass(frozen=True, slots=True)
class FaultAsk:
    """What somebody wants to break; seconds are plant seconds.

    For a sensor fault `tag` is the instrument (None: the asset's main one); with `falls` it drifts down.
    """

    kind: str
    asset: str
    severity: float = 0.7
    ramp_s: float = 60.0
    duration_s: float | None = None
    tag: str | None = None
    falls: bool = False


def fitting_assets(kind: FaultKind, catalogue: PlantCatalogue) -> list[str]:
    """Codes of the assets that can have this kind of fault."""
    excluded = {code for code, _reason in kind.not_on}
    return [
        asset.code
        for asset in catalogue.assets
        if (not kind.asset_types or asset.asset_type in kind.asset_types) and asset.code not in excluded
    ]


def affected_tags(kind: FaultKind, asset: str, catalogue: PlantCatalogue) -> tuple[str, ...]:
    """The tags of the asset that this kind moves."""
    tags = catalogue.tags_of(asset)
    if kind.group == "data":
        return tuple(tag.name for tag in tags)
    if kind.group == "sensor":
        by_metric = {tag.metric: tag.name for tag in tags}
        return (next((by_metric[m] for m in SENSOR_METRICS if m in by_metric), tags[0].name),)
    return tuple(tag.name for tag in tags if tag.metric in kind.metrics)


def _checked(ask: FaultAsk, catalogue: PlantCatalogue) -> tuple[FaultKind, AssetEntry]:
    kind = FAULT_KINDS.get(ask.kind)
    if kind is None:
        raise BadFault(f"There is no fault {ask.kind!r}; choose one of: {', '.join(FAULT_KINDS)}.")
    asset = catalogue.asset(ask.asset)
    fitting = ", ".join(fitting_assets(kind, catalogue))
    if asset is None:
        raise BadFault(f"The plant has no asset {ask.asset!r}; {kind.kind} fits: {fitting}.")
    if asset.code not in fitting_assets(kind, catalogue):
        reason = dict(kind.not_on).get(asset.code, f"is a {asset.asset_type}")
        raise BadFault(f"{asset.code} {reason}; {kind.kind} fits: {fitting or 'no asset here'}.")
    _check_numbers(ask)
    _check_tag(ask, kind, catalogue)
    return kind, asset


def _check_numbers(ask: FaultAsk) -> None:
    if not 0.0 < ask.severity <= 1.0:
        raise BadFault(f"The severity is {ask.severity:g}; it must be above 0 and at most 1.")
    if not 0.0 <= ask.ramp_s <= 86_400.0:
        raise BadFault(f"The ramp is {ask.ramp_s:g} s; it must be between 0 and 86400 s.")
    if ask.duration_s is not None and not 0.0 < ask.duration_s <= 864_000.0:
        raise BadFault(f"The duration is {ask.duration_s:g} s; it must be above 0 and at most 864000 s.")


def _check_tag(ask: FaultAsk, kind: FaultKind, catalogue: PlantCatalogue) -> None:
    if ask.tag is None:
        return
    if kind.group != "sensor":
        raise BadFault(f"{kind.kind} is no fault of one instrument; leave the tag out.")
    names = [tag.name for tag in catalogue.tags_of(ask.asset)]
    if ask.tag not in names:
        raise BadFault(f"{ask.asset} has no tag {ask.tag!r}; it has: {', '.join(names)}.")
