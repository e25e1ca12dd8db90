"""A pump with its sensors, and cases around one anchor, for tests of the analysis."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from optria.core.asset import Asset, Link, PlantModel, Site, Threshold
from optria.core.event import EventWindow, Severity
from optria.core.incident import Anchor, Contribution
from optria.core.tag import Quality, SignalMapping, to_micros
from optria.db.starting_rules import read_rules
from optria.rca.case import (
    CarbonFactor,
    Case,
    CostReference,
    DowntimeReference,
    MachineSpec,
    MaintenanceLog,
    PastIncident,
    RawEntry,
    Series,
    Step,
)
from optria.rca.rules import CausalRule, parse_rule

ANCHOR = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
PUMP = Asset(1, "P-101", "Feed Pump", "Pump", 1, "high", "مضخة التغذية")
VALVE = Asset(2, "LCV-1", "Level Valve", "Valve", 1)
VESSEL = Asset(3, "V-1", "Vessel", "Separator", 1)

NORMAL: Mapping[str, tuple[float, float, str]] = {
    "vibration": (2.0, 0.1, "mm/s"),
    "bearing_temperature": (65.0, 0.5, "°C"),
    "temperature": (55.0, 0.5, "°C"),
    "flow": (400.0, 4.0, "m³/h"),
    "pressure": (40.0, 0.3, "bar"),
    "power": (500.0, 3.0, "kW"),
}
"""Metric to mean, deviation and unit."""


@cache
def rules() -> tuple[CausalRule, ...]:
    """The rules that a tenant begins with."""
    return tuple(parse_rule({**row, "id": number}) for number, row in enumerate(read_rules(), start=1))


def mapping(tag: int, metric: str, asset_id: int = 1) -> SignalMapping:
    mean, deviation, unit = NORMAL.get(metric, (50.0, 1.0, "%"))
    return SignalMapping(
        id=tag,
        integration_id=1,
        asset_id=asset_id,
        external_tag=f"P-101.T-{tag}",
        metric=metric,
        unit=unit,
        normal_low=mean - 4 * deviation,
        normal_high=mean + 4 * deviation,
        decimals=2,
    )


@cache
def series(tag: int, metric: str, shift: float = 0.0, asset_id: int = 1, minutes_after: int = 30) -> Series:
    """75 min at 1 Hz: noise about the mean, and from the anchor on ``shift`` deviations more."""
    mean, deviation, _ = NORMAL.get(metric, (50.0, 1.0, "%"))
    start = to_micros(ANCHOR - timedelta(minutes=75))
    time = start + 1_000_000 * np.arange(1, (75 + minutes_after) * 60 + 1, dtype=np.int64)
    noise = np.random.default_rng(tag).normal(0.0, deviation, len(time))
    value = mean + noise + shift * deviation * (time > to_micros(ANCHOR))
    return Series(mapping(tag, metric, asset_id), time, value, np.zeros(len(time), np.uint8))


def sensors(**shifts: float) -> tuple[Series, ...]:
    """The six tags of the pump, each moved by so many deviations after the anchor."""
    return tuple(series(tag, metric, shifts.get(metric, 0.0)) for tag, metric in enumerate(NORMAL, start=1))


def plant(*thresholds: Threshold) -> PlantModel:
    return PlantModel(
        tenant_id=1,
        sites=(Site(1, "S", "Site"),),
        assets=(PUMP, VALVE, VESSEL),
        links=(Link(3, 1), Link(1, 2)),
        thresholds=thresholds,
    )


def case(**changes: Any) -> Case:
    """A pump whose vibration and bearing temperature rise, with everything an analysis may know."""
    whole = Case(
        incident_id="now",
        number="BB-0100",
        severity=Severity.MAJOR,
        asset=PUMP,
        plant=plant(),
        anchor=Anchor(1, ANCHOR, 1.4, 0.8, (Contribution(1, 1.4, ANCHOR, "high"),), "level"),
        window=EventWindow.around(ANCHOR, timedelta(minutes=30), timedelta(minutes=30)),
        now=ANCHOR + timedelta(minutes=30),
        events=(
            operator("Operator raised the load", ANCHOR - timedelta(minutes=9)),
            limit_event("vibration", 5.1, 4.5, time=ANCHOR - timedelta(minutes=2)),
        ),
        series=sensors(vibration=25, bearing_temperature=15, power=8),
        maintenance=(log(),),
        history=(past(1, "Bearing Fault"),),
        rules=rules(),
        spec=spec(),
        cost_references=(CostReference(Decimal(8000)),),
        downtime_references=(DowntimeReference("Bearing Fault", Decimal(6)),),
        carbon_factors=(CarbonFactor("electricity", Decimal("0.42")),),
        typical_power_kw=Decimal(480),
    )
    return replace(whole, **changes)


def operator(summary: str, time: datetime) -> RawEntry:
    return RawEntry("dcs", time, "event", summary, category="OPERATOR_ACTION", asset_id=1)


def limit_event(
    metric: str,
    value: float | None,
    limit: float | None,
    direction: str = "high",
    time: datetime = ANCHOR,
    asset_id: int | None = 1,
    severity: Severity = Severity.MAJOR,
) -> RawEntry:
    cells = {"metric": metric, "value": value, "limit": limit, "direction": direction}
    payload = {key: cell for key, cell in cells.items() if cell is not None}
    summary = f"{metric} {direction} limit passed"
    return RawEntry("alarms", time, "event", summary, severity, "ALERT", asset_id, payload=payload)


def log(downtime_h: Decimal | None = Decimal(20), cause: str = "Bearing Fault") -> MaintenanceLog:
    time = ANCHOR - timedelta(days=40)
    return MaintenanceLog(7, "WO-7", 1, time, "Greased bearing", "ran hot", cause, downtime_h)


def past(number: int, cause: str, signature: Mapping[str, float] | None = None) -> PastIncident:
    shown = {
        "vibration.level": 70.0,
        "vibration.given": 75.0,
        "bearing_temperature.level": 50.0,
        "bearing_temperature.given": 44.0,
        "power.level": 20.0,
        "power.given": 24.0,
    }
    return PastIncident(
        id=f"past-{number}",
        number=f"BB-{number:04d}",
        asset_id=1,
        asset_type="Pump",
        cause=cause,
        signature=shown if signature is None else signature,
        event_types=("OPERATOR_ACTION", "ALERT:vibration:high"),
        resolution="Replaced the drive-end bearing.",
        downtime_h=Decimal(10),
    )


def spec() -> MachineSpec:
    return MachineSpec(
        document="Feed pump manual",
        checklist_page=22,
        typical_power_kw=Decimal(470),
        cause_steps={"Seal Leak": (Step("Replace the seal cartridge.", "استبدال خرطوشة مانع التسرب."),)},
    )


def spoiled(whole: Series, quality: Quality) -> Series:
    """The same samples, of another quality after the anchor."""
    after = whole.time > to_micros(ANCHOR)
    return replace(whole, quality=np.where(after, quality, whole.quality).astype(np.uint8))
