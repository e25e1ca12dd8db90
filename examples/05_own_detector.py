"""Any River detector, chosen by name for an asset type, runs in the same stream."""

from datetime import timedelta

import numpy as np

from optria.core.asset import Asset, DetectorChoice, PlantModel
from optria.core.incident import Anchor
from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.kit import clock
from optria.kit.settings import Settings
from optria.streams.pipeline import Pipeline

pump = Asset(1, "P-101", "Export pump", "Pump", None)
tags = [SignalMapping(n, 1, 1, f"P-101.T{n}", f"metric_{n}", "") for n in (1, 2, 3)]
chosen = DetectorChoice("GaussianScorer", asset_type="Pump")
plant = PlantModel(1, assets=(pump,), mappings=tuple(tags), detectors=(chosen,))
anchors: list[Anchor] = []
pipeline = Pipeline(plant, Settings(), anchors.append, print, lambda asset_id: None)

begin = to_micros(clock.now() - timedelta(minutes=20))
noise = np.random.default_rng(2)
for second in range(1_000):
    value = noise.normal([1.0, 5.0, 20.0], 0.1) + (2.0 if second > 900 else 0.0)
    time = np.full(3, begin + second * 1_000_000, np.int64)
    pipeline.ingest(SampleBatch(np.array([1, 2, 3], np.int32), time, value, np.zeros(3, np.uint8)))

for anchor in anchors:
    print(f"{anchor.detector} anchored at second {(to_micros(anchor.time) - begin) // 1_000_000}")
