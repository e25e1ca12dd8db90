"""A cooler that may foul."""

import math

from optria.simulator.dynamics import Upsets, lag


class Cooler:
    """An exchanger that cools the process to coolant + approach; approach = (inlet - coolant) exp(-NTU)."""

    def __init__(self, inlet_c: float, coolant_c: float, outlet_c: float, upsets: Upsets) -> None:
        self.upsets = upsets
        self.coolant_c = coolant_c
        self.approach_k = outlet_c - coolant_c
        self._ntu = math.log((inlet_c - coolant_c) / self.approach_k)

    @property
    def outlet_c(self) -> float:
        """Process outlet temperature in °C."""
        return self.coolant_c + self.approach_k

    def step(self, inlet_c: float, coolant_c: float, ntu_factor: float, dt_s: float) -> None:
        """`ntu_factor` says how much better than nominal the flows make the transfer."""
        self.coolant_c = lag(self.coolant_c, coolant_c, 15.0, dt_s)
        ntu = self._ntu * ntu_factor * (1.0 - 0.55 * self.upsets.fouling)
        approach = max(inlet_c - self.coolant_c, 0.0) * math.exp(-ntu)
        self.approach_k = lag(self.approach_k, approach, 25.0, dt_s)
