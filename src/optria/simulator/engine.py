"""The demo plant without a clock: physics, instruments, faults and delivery, a frame at a time."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from optria.core.catalogue import FaultLabel
from optria.core.tag import from_micros, to_micros
from optria.simulator.catalogue import CATALOGUE
from optria.simulator.delivery import Delivery
from optria.simulator.demo_plant import DemoPlant
from optria.simulator.faults import FaultAsk, FaultBook
from optria.simulator.instruments import Instruments
from optria.simulator.operations import Operation, ordered
from optria.simulator.source import PlantFrame

LOCAL_OFFSET_S = 3 * 3600
"""The plant lives in Asia/Riyadh, which has no summer time."""
SETTLE_STEPS = 120


class PlantEngine:
    """Computes frames as fast as asked; the caller says what time it is.

    Physics, noise and delivery draw from generators of their own, so that two runs with one seed differ
    only by their faults. `operations` are what operators will do, in plant seconds.
    """

    def __init__(self, seed: int, start: datetime, operations: Sequence[Operation] = ()) -> None:
        physics, noise, delivery = np.random.SeedSequence(seed).spawn(3)
        self.catalogue = CATALOGUE
        self.time_us = to_micros(start)
        self.plant_s = 0.0
        self.faults = FaultBook(CATALOGUE)
        self._operations = tuple(operations)
        time_of_day_s = (self.time_us / 1e6 + LOCAL_OFFSET_S) % 86_400.0
        self._plant = DemoPlant(np.random.default_rng(physics), time_of_day_s)
        self._instruments = Instruments(CATALOGUE, np.random.default_rng(noise))
        self.delivery = Delivery(CATALOGUE, np.random.default_rng(delivery))
        self._steps(SETTLE_STEPS)

    def advance(self, seconds: int, time_us: int) -> PlantFrame:
        """The frame at `time_us` (wall clock, µs UTC) after `seconds` more of plant time."""
        self.time_us = time_us
        self._steps(seconds)
        acting = list(self.faults.acting())
        values = self._instruments.read(self._plant.readings(), acting, self.plant_s)
        return self.delivery.deliver(values, time_us, acting, self.plant_s)

    def inject(self, ask: FaultAsk, at: datetime) -> FaultLabel:
        """Begin a fault now in plant time; `at` is what its label says."""
        return self.faults.begin(ask, self.plant_s, at)

    def _steps(self, seconds: int) -> None:
        for _ in range(seconds):
            self.plant_s += 1.0
            self.faults.expire(self.plant_s, from_micros(self.time_us))
            self.faults.apply(self._plant.upsets, self.plant_s)
            if self._operations:
                self._plant.order(ordered(self._operations, self.plant_s))
            self._plant.step()
