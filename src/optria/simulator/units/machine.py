"""A motor-driven rotating machine: vibration, bearing and winding temperature, electrics, seal."""

import math
from dataclasses import dataclass

from optria.simulator.dynamics import Upsets, lag

AMBIENT_C = 32.0
_WEAR_SPAN = math.exp(2.0) - 1.0


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """Nominal values at full load and 32 °C ambient; powers in kW, temperatures in °C, vibration in mm/s."""

    power_kw: float
    current_a: float
    vibration: float
    axial: float
    bearing_c: float
    winding_c: float = 84.0
    power_factor: float = 0.87
    motor_efficiency: float = 0.95
    generates: bool = False


class Machine:
    """State of one machine; `step` follows load, ambient and upsets.

    Vibration grows exponentially with bearing wear through the zones of ISO 20816-3 (2.3 / 4.5 / 7.1 mm/s);
    the bearing temperature lags it by 3 minutes, the winding temperature the current by 5.
    """

    def __init__(self, spec: MachineSpec, upsets: Upsets) -> None:
        self.spec = spec
        self.upsets = upsets
        self.vibration = spec.vibration
        self.axial = spec.axial
        self.bearing_c = spec.bearing_c
        self.winding_c = spec.winding_c
        self.power_kw = spec.power_kw
        self.current_a = spec.current_a
        self.power_factor = spec.power_factor
        self.current_imbalance = 1.1
        self.seal_level = 72.0
        self.flush_bar = 11.5

    def step(self, shaft_kw: float, ambient_c: float, roughness: float, dt_s: float) -> None:
        """`shaft_kw` is the demand of the fluid, `roughness` a broadband vibration in mm/s on top."""
        self._electrics(shaft_kw)
        load = self.power_kw / self.spec.power_kw
        extra = self._shake(load, roughness)
        self._temperatures(load, extra, ambient_c, dt_s)
        leak = self.upsets.seal_leak
        self.seal_level = lag(self.seal_level, 72.0 - 45.0 * leak, 30.0, dt_s)
        self.flush_bar = lag(self.flush_bar, 11.5 - 4.0 * leak, 10.0, dt_s)

    def _electrics(self, shaft_kw: float) -> None:
        upsets, spec = self.upsets, self.spec
        friction = 1.0 + 0.06 * upsets.bearing_wear + 0.03 * upsets.misalignment
        drag = 1.0 / friction if spec.generates else friction
        self.power_kw = shaft_kw * drag / spec.motor_efficiency
        self.power_factor = spec.power_factor - 0.13 * upsets.motor_electrical
        self.current_imbalance = 1.1 + 9.0 * upsets.motor_electrical
        ratio = self.power_kw / spec.power_kw * spec.power_factor / self.power_factor
        self.current_a = spec.current_a * ratio * (1.0 + 0.05 * upsets.motor_electrical)

    def _shake(self, load: float, roughness: float) -> float:
        upsets = self.upsets
        wear = 8.0 * (math.exp(2.0 * upsets.bearing_wear) - 1.0) / _WEAR_SPAN
        extra = wear + 5.0 * upsets.imbalance + 3.0 * upsets.misalignment + roughness
        self.vibration = self.spec.vibration * (0.7 + 0.3 * load) + extra
        axial = 0.25 * wear + 0.8 * upsets.imbalance + 5.0 * upsets.misalignment + 6.0 * upsets.surge
        self.axial = self.spec.axial * (0.7 + 0.3 * load) + axial
        return extra

    def _temperatures(self, load: float, extra: float, ambient_c: float, dt_s: float) -> None:
        upsets = self.upsets
        warmth = 0.5 * (ambient_c - AMBIENT_C)
        rub = 18.0 * upsets.bearing_wear + 9.0 * upsets.misalignment + 2.0 * extra
        bearing = self.spec.bearing_c + warmth + 20.0 * (load - 1.0) + rub
        self.bearing_c = lag(self.bearing_c, bearing, 180.0, dt_s)
        heat = (self.current_a / self.spec.current_a) ** 2 - 1.0
        winding = self.spec.winding_c + warmth + 45.0 * heat + 30.0 * upsets.motor_electrical
        self.winding_c = lag(self.winding_c, winding, 300.0, dt_s)
