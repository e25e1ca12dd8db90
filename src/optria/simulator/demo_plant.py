"""The physics of the whole demo plant, one second at a time."""

import numpy as np

from optria.simulator.catalogue import ASSETS
from optria.simulator.dynamics import Disturbances, Upsets, day_wave
from optria.simulator.operations import Orders
from optria.simulator.readings import (
    Readings,
    export_readings,
    gas_readings,
    oil_readings,
    utility_readings,
)
from optria.simulator.train import GasTrain, OilTrain
from optria.simulator.utilities import Utilities

STEP_S = 1.0
_DISTURBANCE_TAU_S = [float(s) for s in (20, 15, 30, 25, 20, 12, 12, 20, 25, 15, 20, 15, 15, 20, 20)]


class DemoPlant:
    """Physics of PLANT-A and PLANT-B; set `upsets` and call `step`. About 25 µs a step."""

    def __init__(self, rng: np.random.Generator, time_of_day_s: float = 0.0) -> None:
        self.upsets = {asset.code: Upsets() for asset in ASSETS}
        self.time_of_day_s = time_of_day_s
        self._gusts = Disturbances(_DISTURBANCE_TAU_S, rng)
        self._oil = OilTrain(self.upsets)
        self._gas = GasTrain(self.upsets)
        self._utilities = Utilities(self.upsets)
        self._ambient_c = 32.0

    def order(self, orders: Orders) -> None:
        """From now on operate the plant so."""
        self._oil.orders = self._gas.orders = self._utilities.orders = orders

    def step(self) -> None:
        """Advance all units by one second."""
        self.time_of_day_s += STEP_S
        day = day_wave(self.time_of_day_s)
        self._ambient_c = 32.0 + 3.5 * day
        self._gusts.step()
        gas, oil = self._gas, self._oil
        oil.step(gas.pressure_bar, self._gusts, day, self._ambient_c, STEP_S)
        gas.step(oil.wells.gas, oil.temperature_c, self._gusts.values, self._ambient_c, STEP_S)
        self._utilities.step(self._gusts, day, self._ambient_c, STEP_S)

    def readings(self) -> Readings:
        """The true value behind every tag of the catalogue."""
        return {
            **oil_readings(self._oil, self._gas.pressure_bar),
            **export_readings(self._oil, self._ambient_c),
            **gas_readings(self._gas, self._ambient_c),
            **utility_readings(self._utilities, self._ambient_c),
        }
