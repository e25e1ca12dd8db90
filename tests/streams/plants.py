"""Plants and samples for the tests of the stream."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import Asset, DetectorChoice, PlantModel, Threshold
from optria.core.event import Event
from optria.core.incident import Anchor
from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.kit.settings import Settings
from optria.streams.pipeline import Pipeline

BEGIN = datetime(2026, 3, 1, 6, tzinfo=UTC)
METRICS = ("flow", "suction_pressure", "discharge_pressure", "power", "vibration", "temperature")


def mapping(tag: int, asset: int = 1, metric: str = "flow", **values: object) -> SignalMapping:
    defaults: dict[str, object] = {
        "id": tag,
        "integration_id": 1,
        "asset_id": asset,
        "external_tag": f"P-{asset}.T-{tag}",
        "metric": metric,
        "unit": "bar",
        "low": -1000.0,
        "high": 1000.0,
        "normal_low": 40.0,
        "normal_high": 60.0,
    }
    return SignalMapping(**(defaults | values))  # type: ignore[arg-type]


def plant(
    assets: int = 2,
    thresholds: Sequence[Threshold] = (),
    detectors: Sequence[DetectorChoice] = (),
    drift_s: float = 0.0,
) -> PlantModel:
    """``assets`` pumps of six tags each; tag ids are asset * 100 + place."""
    return PlantModel(
        tenant_id=1,
        assets=tuple(Asset(a, f"P-{a}", f"Pump {a}", "Pump", None) for a in range(1, assets + 1)),
        mappings=tuple(
            mapping(a * 100 + place, a, metric)
            for a in range(1, assets + 1)
            for place, metric in enumerate(METRICS)
        ),
        thresholds=tuple(thresholds),
        detectors=tuple(detectors),
        clock_drift_s={1: drift_s} if drift_s else {},
    )


def batch(
    tags: Sequence[int],
    times: Sequence[datetime],
    values: Sequence[float],
    quality: Sequence[int] | None = None,
) -> SampleBatch:
    return SampleBatch(
        np.array(tags, np.int32),
        np.array([to_micros(t) for t in times], np.int64),
        np.array(values, np.float64),
        np.array(quality if quality is not None else [0] * len(tags), np.uint8),
    )


def normal_run(model: PlantModel, seconds: int, seed: int = 1) -> NDArray[np.float64]:
    """Correlated, autocorrelated values around 50, float64[seconds, tags]."""
    rng = np.random.default_rng(seed)
    size = len(model.mappings)
    load = np.zeros(seconds)
    own = np.zeros((seconds, size))
    shock, noise = rng.standard_normal(seconds), rng.standard_normal((seconds, size))
    for i in range(1, seconds):
        load[i] = 0.95 * load[i - 1] + 0.31 * shock[i]
        own[i] = 0.8 * own[i - 1] + 0.6 * noise[i]
    return np.asarray(50 + 0.8 * load[:, None] * np.linspace(-1, 1, size) + 0.4 * own)


class Run:
    """A pipeline with everything it said, fed a second at a time."""

    def __init__(self, model: PlantModel) -> None:
        self.model = model
        self.anchors: list[Anchor] = []
        self.events: list[Event] = []
        self.cleared: list[int] = []
        self.time = BEGIN
        self.pipeline = self.listening()

    def listening(self) -> Pipeline:
        """A new pipeline that tells this run what it says."""
        return Pipeline(
            self.model,
            Settings(),
            self.anchors.append,
            self.events.append,
            self.cleared.append,
            now=lambda: self.time,
        )

    def feed(self, values: NDArray[np.float64]) -> "Run":
        """One row a second, a column per mapping; NaN is sent as it is."""
        tags = np.array([m.id for m in self.model.mappings], np.int32)
        for row in values:
            self.time += timedelta(seconds=1)
            time = np.full(len(tags), to_micros(self.time), np.int64)
            self.pipeline.ingest(SampleBatch(tags, time, row, np.zeros(len(tags), np.uint8)))
        return self
