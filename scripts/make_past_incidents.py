"""Writes the demo's past incidents: simulated faults, seen by the detectors, described by the analysis.

Run it again when the physics, the detectors or the signature change:

    .venv/bin/python scripts/make_past_incidents.py
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from optria.core.asset import Asset, Link, PlantModel, Site, Threshold
from optria.core.catalogue import PlantCatalogue
from optria.core.event import Event, EventWindow, Severity
from optria.core.incident import Anchor
from optria.core.tag import SampleBatch, SignalMapping, from_micros
from optria.db.demo import read
from optria.db.seed import limits_of
from optria.kit.settings import Settings
from optria.rca.case import Case, RawEntry, Series
from optria.rca.engine import analyse
from optria.simulator.catalogue import CATALOGUE
from optria.simulator.fault_run import Recording, fault_run
from optria.streams.pipeline import Pipeline

TARGET = Path(__file__).parent.parent / "src/optria/db/demo/past_incidents.json"
HALF = timedelta(minutes=30)

PAST = (
    # days ago, kind, asset, severity, ramp s, downtime h
    (212, "bearing-wear", "P-102B", 0.8, 240, 6.5),
    (143, "bearing-wear", "PUMP-003", 0.7, 60, 5.0),
    (64, "bearing-wear", "PUMP-001", 0.9, 120, 6.0),
    (188, "cavitation", "P-102B", 0.7, 60, 2.0),
    (97, "cavitation", "PUMP-003", 0.8, 30, 1.5),
    (171, "imbalance", "P-102B", 0.7, 60, 5.0),
    (55, "imbalance", "P-201", 0.8, 30, 4.5),
    (160, "misalignment", "P-102B", 0.8, 60, 4.0),
    (41, "misalignment", "PUMP-002", 0.7, 90, 3.5),
    (133, "seal-leak", "P-102B", 0.7, 120, 5.0),
    (30, "seal-leak", "P-102B", 0.9, 60, 4.5),
    (120, "suction-blockage", "P-102B", 0.7, 60, 1.5),
    (24, "discharge-blockage", "P-102B", 0.7, 60, 1.0),
    (80, "motor-electrical", "P-102B", 0.8, 60, 7.0),
    (19, "motor-electrical", "P-102B", 0.6, 120, 8.0),
    (110, "bearing-wear", "COMP-002", 0.8, 120, 9.0),
    (70, "surge", "COMP-002", 0.8, 30, 3.0),
    (16, "surge", "COMP-001", 0.7, 30, 2.5),
    (101, "imbalance", "COMP-001", 0.7, 60, 6.0),
    (90, "fouling", "E-302", 0.9, 300, 8.0),
    (36, "utility-loss", "HX-001", 0.8, 30, 2.5),
    (60, "valve-stiction", "LCV-101", 0.8, 60, 2.0),
    (48, "valve-leak", "FV-302", 0.8, 60, 3.0),
    (12, "sensor-drift", "SEP-001", 0.9, 120, 0.5),
)

RESOLUTIONS = {
    "Bearing Fault": (
        "Replaced the drive-end bearing and flushed the lube line.",
        "استبدال محمل جهة الإدارة وغسل خط الزيت.",
    ),
    "Pump Cavitation": ("Raised suction pressure and cleaned the strainer.", "رفع ضغط السحب وتنظيف المصفاة."),
    "Rotor Imbalance": ("Cleaned and balanced the rotor.", "تنظيف الدوار وموازنته."),
    "Shaft Misalignment": ("Realigned the coupling hot.", "إعادة محاذاة القارنة وهي ساخنة."),
    "Seal Leak": ("Replaced the mechanical seal.", "استبدال مانع التسرب الميكانيكي."),
    "Suction Blockage": ("Cleaned the suction strainer.", "تنظيف مصفاة السحب."),
    "Discharge Blockage": ("Freed the discharge check valve.", "تحرير صمام عدم الرجوع في الطرد."),
    "Motor Electrical Fault": ("Rewound phase B of the motor.", "إعادة لف الطور ب للمحرك."),
    "Compressor Surge": ("Retuned the anti-surge controller.", "إعادة ضبط متحكم منع الارتجاج."),
    "Exchanger Fouling": ("Cleaned the tube bundle.", "تنظيف حزمة الأنابيب."),
    "Utility Loss": ("Restored the coolant supply.", "إعادة إمداد التبريد."),
    "Valve Stiction": (
        "Repacked the valve and recalibrated the positioner.",
        "تغيير حشوة الصمام ومعايرة الموضّع.",
    ),
    "Valve Leakage": ("Lapped the valve seat.", "صقل مقعد الصمام."),
    "Instrumentation Fault": ("Replaced the transmitter.", "استبدال المرسل."),
}


def plant_of(catalogue: PlantCatalogue) -> PlantModel:
    """The plant as a tenant would have it, ids by position."""
    sites = {s.code: n for n, s in enumerate(catalogue.sites, 1)}
    assets = {a.code: n for n, a in enumerate(catalogue.assets, 1)}
    return PlantModel(
        tenant_id=1,
        sites=tuple(Site(sites[s.code], s.code, s.name) for s in catalogue.sites),
        assets=tuple(
            Asset(assets[a.code], a.code, a.name, a.asset_type, sites[a.site], a.criticality)
            for a in catalogue.assets
        ),
        links=tuple(Link(assets[x.source], assets[x.target]) for x in catalogue.links),
        mappings=tuple(
            SignalMapping(
                number, 1, assets[t.asset], t.name, t.metric, t.unit,
                low=t.low, high=t.high, normal_low=t.normal_low, normal_high=t.normal_high,
                decimals=t.decimals, scan_s=t.scan_s,
            )
            for number, t in enumerate(catalogue.tags, 1)
        ),
        thresholds=tuple(
            Threshold(t.metric, direction, limit, Severity[severity], asset_id=assets[t.asset], unit=t.unit)
            for t in catalogue.tags
            for direction, limit, severity in limits_of(t)
        ),
    )  # fmt: skip


def watch(plant: PlantModel, run: Recording) -> tuple[list[Anchor], list[Event]]:
    """What the stream says of a run: anchors and limit events."""
    anchors: list[Anchor] = []
    events: list[Event] = []
    clock = [from_micros(int(run.time[0]))]
    pipeline = Pipeline(
        plant, Settings(), anchors.append, events.append, lambda _: None, now=lambda: clock[0]
    )
    ids = {m.external_tag: m.id for m in plant.mappings}
    tag = np.array([ids[name] for name in run.tags], np.int32)
    for row, time in enumerate(run.time):
        clock[0] = from_micros(int(time))
        pipeline.ingest(SampleBatch(tag, np.full(len(tag), time), run.value[row], run.quality[row]))
    return anchors, events


def case_of(plant: PlantModel, run: Recording, asset: Asset, anchor: Anchor, events: list[Event]) -> Case:
    near = {asset.id, *plant.neighbours(asset.id)}
    column = {name: index for index, name in enumerate(run.tags)}
    return Case(
        incident_id="past",
        number="past",
        severity=Severity.MAJOR,
        asset=asset,
        plant=plant,
        anchor=anchor,
        window=EventWindow.around(anchor.time, HALF, HALF),
        now=min(from_micros(int(run.time[-1])), anchor.time + HALF),
        events=tuple(
            RawEntry(e.source_system, e.time, summary=e.summary, severity=e.severity, category=e.category,
                     asset_id=e.asset_id, source_type=e.source_type, payload=e.payload)
            for e in events if e.asset_id in near
        ),
        series=tuple(
            Series(m, run.time, run.value[:, column[m.external_tag]], run.quality[:, column[m.external_tag]])
            for m in plant.mappings if m.asset_id in near
        ),
    )  # fmt: skip


def past_incident(plant: PlantModel, number: int, row: tuple[Any, ...]) -> dict[str, Any]:
    days_ago, kind, code, severity, ramp_s, downtime_h = row
    asset = next(a for a in plant.assets if a.code == code)
    run = fault_run(kind, code, severity, 1000 + number, 62.0, 32.0, ramp_s)
    anchors, events = watch(plant, run)
    assert run.label is not None
    mine = [a for a in anchors if a.asset_id == asset.id and a.time >= run.label.started_at]
    false = [a for a in anchors if a.time < run.label.started_at]
    anchor = (
        mine[0] if mine else Anchor(asset.id, run.label.started_at + timedelta(seconds=90), 1, 1, (), "label")
    )
    analysis = analyse(case_of(plant, run, asset, anchor, events))
    delay = (anchor.time - run.label.started_at).total_seconds()
    others = sorted({next(a.code for a in plant.assets if a.id == x.asset_id) for x in anchors} - {code})
    print(
        f"{kind:20} {code:9} anchor after {delay:6.0f} s by {anchor.detector}, "
        f"{len(false)} false, also {others}"
    )
    resolution, resolution_ar = RESOLUTIONS[run.label.cause]
    return {
        "days_ago": days_ago,
        "asset": code,
        "cause": run.label.cause,
        "severity": "MAJOR",
        "downtime_h": downtime_h,
        "resolution": resolution,
        "resolution_ar": resolution_ar,
        "signature": {name: round(value, 4) for name, value in sorted(analysis.signature.items())},
        "event_types": list(analysis.event_types),
    }


def main() -> None:
    plant = plant_of(CATALOGUE)
    past = [past_incident(plant, number, row) for number, row in enumerate(PAST)]
    TARGET.write_text(json.dumps(past, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(past)} past incidents, {TARGET.stat().st_size} bytes; rules: {len(read('rules'))}")


if __name__ == "__main__":
    main()
