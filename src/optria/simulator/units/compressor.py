"""A centrifugal compressor with its suction and discharge resistance and surge."""

import math
from dataclasses import dataclass

from optria.simulator.dynamics import Upsets, lag
from optria.simulator.units.machine import Machine, MachineSpec

KELVIN = 273.15


@dataclass(frozen=True, slots=True)
class CompressorSpec:
    """Nominal flow (kSm³/h), pressures (bar), temperatures (°C), speed (rpm).

    Pressure ratio = 1 + speed_gain n² - flow_loss f² (n, f relative); the line behind takes
    `back_bar` + (discharge - back_bar) f².
    """

    flow: float
    suction_bar: float
    discharge_bar: float
    suction_c: float
    discharge_c: float
    speed_rpm: float
    flow_loss: float
    back_bar: float
    machine: MachineSpec


class Compressor:
    """State of one compressor; surge shakes flow and pressure at 0.5-3 Hz, seen once a second."""

    def __init__(self, spec: CompressorSpec, upsets: Upsets) -> None:
        self.spec = spec
        self.upsets = upsets
        self.machine = Machine(spec.machine, upsets)
        self.export = 1.0
        self.recycle = 0.0
        self.n = 1.0
        self.suction_bar = spec.suction_bar
        self.discharge_bar = spec.discharge_bar
        self.suction_c = spec.suction_c
        self.discharge_c = spec.discharge_c
        self.swing = 0.0
        self._phase = 0.0
        ratio = spec.discharge_bar / spec.suction_bar
        self._speed_gain = ratio - 1.0 + spec.flow_loss
        heat = math.log((spec.discharge_c + KELVIN) / (spec.suction_c + KELVIN))
        self._exponent = heat / math.log(ratio)
        shaft_kw = spec.machine.power_kw * spec.machine.motor_efficiency
        self._kw_per_k = shaft_kw / (spec.discharge_c - spec.suction_c)

    @property
    def flow(self) -> float:
        """Flow / nominal through the machine, with the swing of a surge."""
        return max(0.0, self.export + self.recycle + self.swing)

    def step(self, inlet: tuple[float, float], ambient_c: float, line_bar: float, dt_s: float) -> None:
        """`inlet` is pressure (bar) before the strainer and temperature (°C); `line_bar` what the line
        behind loses beyond its nominal at nominal flow. Set `n` and `recycle` before."""
        self._surge(dt_s)
        steady = self.export + self.recycle
        self._pressures(inlet[0], steady)
        self._flow(line_bar, dt_s)
        target_c = inlet[1] + 16.0 * self.upsets.surge
        self.suction_c = lag(self.suction_c, target_c, 20.0, dt_s)
        ratio = max(self.discharge_bar / max(self.suction_bar, 0.5), 1.0)
        self.discharge_c = (self.suction_c + KELVIN) * ratio**self._exponent - KELVIN
        shaft_kw = self._kw_per_k * self.flow * (self.discharge_c - self.suction_c)
        idle_kw = 0.1 * self.spec.machine.power_kw
        self.machine.step(max(shaft_kw, idle_kw), ambient_c, 3.0 * self.upsets.surge, dt_s)

    def _surge(self, dt_s: float) -> None:
        surge = self.upsets.surge
        self._phase += 2.0 * math.pi * (0.5 + 1.37 * surge) * dt_s
        self.swing = 0.35 * surge * math.sin(self._phase)

    def _pressures(self, inlet_bar: float, steady: float) -> None:
        spec, upsets = self.spec, self.upsets
        square = steady * steady
        strainer = 0.3 * spec.suction_bar * upsets.suction_blockage * square
        self.suction_bar = max(0.5, inlet_bar - strainer)
        ratio = 1.0 + self._speed_gain * self.n * self.n - spec.flow_loss * square
        lost = spec.discharge_bar * (0.12 * self.swing + 0.06 * upsets.surge)
        self.discharge_bar = self.suction_bar * max(ratio, 1.0) - lost

    def _flow(self, line_bar: float, dt_s: float) -> None:
        spec = self.spec
        nominal = spec.discharge_bar - spec.back_bar
        resistance = nominal + line_bar + 2.0 * nominal * self.upsets.discharge_blockage
        drive = max(self.discharge_bar - spec.back_bar, 0.0)
        self.export = lag(self.export, math.sqrt(drive / resistance), 4.0, dt_s)
