"""Instruments: noise on the true values, and instruments that drift or stick."""

from collections.abc import Iterable

import numpy as np

from optria.core.catalogue import PlantCatalogue
from optria.simulator.faults import Fault
from optria.simulator.source import Values

NOISE_SHARE = 0.02
"""Standard deviation of an instrument's noise as a share of the tag's normal range."""
DRIFT_SPANS = 1.5
"""A drift of the worst severity in normal ranges."""


class SensorFaults:
    """Applies sensor faults to one step of values, in catalogue order."""

    def __init__(self, catalogue: PlantCatalogue) -> None:
        self._column = {tag.name: index for index, tag in enumerate(catalogue.tags)}
        self._span = [tag.normal_high - tag.normal_low for tag in catalogue.tags]
        self._stuck_at: dict[str, float] = {}

    def apply(self, values: Values, faults: Iterable[Fault], time_s: float) -> None:
        """Change `values` in place."""
        for fault in faults:
            intensity = fault.intensity(time_s)
            if fault.kind.group != "sensor" or intensity == 0.0:
                continue
            column = self._column[fault.label.tags[0]]
            if fault.kind.kind == "sensor-drift":
                away = DRIFT_SPANS * self._span[column] * intensity
                values[column] += -away if fault.falls else away
            else:
                values[column] = self._stuck_at.setdefault(fault.label.id, float(values[column]))


class Instruments:
    """Adds noise to true values and keeps them within the engineering range."""

    def __init__(self, catalogue: PlantCatalogue, rng: np.random.Generator) -> None:
        self._names = [tag.name for tag in catalogue.tags]
        self._noise = NOISE_SHARE * np.array([tag.normal_high - tag.normal_low for tag in catalogue.tags])
        self._low = np.array([tag.low for tag in catalogue.tags])
        self._high = np.array([tag.high for tag in catalogue.tags])
        self._rng = rng
        self._faults = SensorFaults(catalogue)

    def read(self, readings: dict[str, float], faults: Iterable[Fault], time_s: float) -> Values:
        """What the instruments show for these true values."""
        values = np.array([readings[name] for name in self._names])
        values += self._noise * self._rng.standard_normal(values.size)
        self._faults.apply(values, faults, time_s)
        clipped: Values = np.clip(values, self._low, self._high)
        return clipped
