"""A centrifugal pump in its line: head curve, cavitation, blockages, power = flow x pressure / efficiency."""

import math
from dataclasses import dataclass

from optria.simulator.dynamics import Upsets, clamp, lag
from optria.simulator.units.machine import Machine, MachineSpec

SHUT_OFF = 1.25
"""Head at zero flow over head at nominal flow; head falls with the square of flow."""
KW_PER_BAR_M3H = 1.0 / 36.0


@dataclass(frozen=True, slots=True)
class PumpSpec:
    """Nominal flow (m³/h), differential pressure and suction pressure (bar) and fluid temperature rise (K).

    `suction_k` and `discharge_k` are the pressure drops (bar at nominal flow) of a line blocked to the worst.
    """

    flow: float
    head_bar: float
    suction_bar: float
    suction_k: float
    discharge_k: float
    machine: MachineSpec


class Pump:
    """State of one running pump; the line it stands in gives it the flow."""

    def __init__(self, spec: PumpSpec, upsets: Upsets) -> None:
        self.spec = spec
        self.upsets = upsets
        self.machine = Machine(spec.machine, upsets)
        self.x = 1.0
        self.suction_bar = spec.suction_bar
        self.discharge_bar = spec.suction_bar + spec.head_bar
        self.casing_rise_k = 1.5
        self.bubbles = 0.0
        shaft_kw = spec.machine.power_kw * spec.machine.motor_efficiency
        self._efficiency = spec.flow * spec.head_bar * KW_PER_BAR_M3H / shaft_kw

    @property
    def flow(self) -> float:
        """Flow after the pump in m³/h; what leaks at the seal does not reach the meter."""
        return self.spec.flow * self.x * (1.0 - 0.08 * self.upsets.seal_leak)

    @property
    def shut_off_bar(self) -> float:
        """Head at zero flow, less what bubbles and leakage take."""
        return SHUT_OFF * self.spec.head_bar * self._health

    @property
    def resistance_bar(self) -> float:
        """Pressure lost per (flow / nominal)², in the pump itself and in its blocked lines."""
        own = (SHUT_OFF - 1.0) * self.spec.head_bar * self._health
        return own + self.suction_loss_bar + self.spec.discharge_k * self.upsets.discharge_blockage

    @property
    def suction_loss_bar(self) -> float:
        """Pressure lost in the suction strainer at nominal flow."""
        return self.spec.suction_k * self.upsets.suction_blockage

    @property
    def capacity(self) -> float:
        """Flow / nominal that a cavitating pump can pass at most."""
        return 1.06 - 0.45 * self.bubbles if self.bubbles > 0.02 else math.inf

    @property
    def _health(self) -> float:
        return (1.0 - 0.35 * self.bubbles) * (1.0 - 0.05 * self.upsets.seal_leak)

    def step(self, x: float, header_bar: float, fluid: tuple[float, float], gust: float, dt_s: float) -> None:
        """`x` is flow / nominal, `header_bar` the pressure before the strainer, `fluid` the temperature of
        fluid and ambient in °C, `gust` a unit normal that drives the bubbles."""
        self.x = x
        self._cavitate(header_bar, gust, dt_s)
        self._pressures(header_bar)
        rise = max(self.discharge_bar - self.suction_bar, 0.0)
        shaft_kw = self.spec.flow * x * rise * KW_PER_BAR_M3H / self._efficiency
        idle_kw = 0.05 * self.spec.machine.power_kw
        roughness = 5.5 * self.bubbles + 0.8 * self.upsets.discharge_blockage * max(0.0, 1.0 - x)
        self.machine.step(max(shaft_kw, idle_kw), fluid[1], roughness, dt_s)
        churn = 1.5 / max(x, 0.1) + 12.0 * self.upsets.cavitation
        self.casing_rise_k = lag(self.casing_rise_k, churn, 90.0, dt_s)

    def _cavitate(self, header_bar: float, gust: float, dt_s: float) -> None:
        """Bubbles come in bursts of seconds; a starved suction makes them too (NPSH margin)."""
        suction = header_bar - self.suction_loss_bar * self.x * self.x
        starved = clamp(1.0 - suction / (0.35 * self.spec.suction_bar), 0.0, 1.0)
        burst = clamp(0.65 + 0.45 * gust, 0.1, 1.0)
        self.bubbles = lag(self.bubbles, burst * max(self.upsets.cavitation, starved), 2.0, dt_s)

    def _pressures(self, header_bar: float) -> None:
        square = self.x * self.x
        starving = 0.3 * self.spec.suction_bar * self.bubbles
        self.suction_bar = max(0.1, header_bar - self.suction_loss_bar * square - starving)
        own = (SHUT_OFF - 1.0) * self.spec.head_bar * self._health
        self.discharge_bar = self.suction_bar + self.shut_off_bar - own * square


def line_flow(drive_bar: float, resistance_bar: float) -> float:
    """Flow / nominal at which what drives equals what resists: drive = resistance x²."""
    return math.sqrt(max(drive_bar, 0.0) / resistance_bar)
