"""Sensor data and detector opinions for tests, made by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from optria.core.incident import Anchor
from optria.core.tag import SignalMapping, to_micros
from optria.db.session import Tx
from optria.rca.case import Series


@dataclass(slots=True)
class FakeSensors:
    """Steady noise at 1 Hz; tags in ``shifted`` rise by so much from ``shifted_at`` on."""

    shifted: dict[str, float] = field(default_factory=dict)
    shifted_at: datetime | None = None

    async def read(
        self, tx: Tx, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> tuple[Series, ...]:
        return tuple(self._series(mapping, start, end) for mapping in mappings)

    def _series(self, mapping: SignalMapping, start: datetime, end: datetime) -> Series:
        seconds = max(int((end - start) / timedelta(seconds=1)), 0)
        time = to_micros(start) + np.arange(seconds, dtype=np.int64) * 1_000_000
        value = 2.0 + 0.05 * np.random.default_rng(mapping.id).standard_normal(seconds)
        if self.shifted_at is not None:
            value[time >= to_micros(self.shifted_at)] += self.shifted.get(mapping.metric, 0.0)
        return Series(mapping, time, value, np.zeros(seconds, np.uint8))


@dataclass(slots=True)
class FakeWatch:
    """What the detectors think, set by the test."""

    active: set[int] = field(default_factory=set)
    anchors: dict[int, Anchor] = field(default_factory=dict)
    probabilities: dict[int, float] = field(default_factory=dict)

    def is_active(self, tenant_id: int, asset_id: int) -> bool:
        return asset_id in self.active

    def probability(self, tenant_id: int, asset_id: int) -> float:
        return self.probabilities.get(asset_id, 0.0)

    def seen(self, tenant_id: int, asset_id: int) -> Anchor | None:
        return self.anchors.get(asset_id)
