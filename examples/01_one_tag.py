"""One tag through the stream: what the gate lets pass, what the screens see, what the detector expects."""

from datetime import timedelta

import numpy as np

from optria.core.asset import Asset, PlantModel
from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.kit import clock
from optria.kit.settings import Settings
from optria.streams.pipeline import Pipeline

pump = Asset(id=1, code="P-101", name="Export pump", asset_type="Pump", site_id=None)
vibration = SignalMapping(1, 1, pump.id, "P-101.VT-1", "vibration", "mm/s", low=0, high=25)
plant = PlantModel(tenant_id=1, assets=(pump,), mappings=(vibration,))
anchors: list[object] = []
pipeline = Pipeline(plant, Settings(), anchors.append, print, lambda asset_id: None)

begin = to_micros(clock.now() - timedelta(minutes=15))
noise = np.random.default_rng(1)
for second in range(900):
    fault = max(0, second - 800) * 0.05
    value = 2.0 + 0.1 * noise.standard_normal() + fault
    pipeline.ingest(
        SampleBatch(
            tag=np.array([vibration.id], np.int32),
            source_time=np.array([begin + second * 1_000_000], np.int64),
            value=np.array([value]),
            quality=np.array([0], np.uint8),
        )
    )

print("latest:", pipeline.live.latest(vibration.id))
print("expected now:", pipeline.expected(vibration.id))
print("refused:", dict(pipeline.counts))
print("anchor:", anchors[0] if anchors else None)
