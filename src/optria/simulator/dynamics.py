"""Building blocks of the physics: lags, controllers, disturbances and what can be wrong with an asset."""

import math
from dataclasses import dataclass

import numpy as np

DAY_S = 86_400.0


def clamp(value: float, low: float, high: float) -> float:
    """`value` kept within [low, high]."""
    return max(low, min(value, high))


def lag(value: float, target: float, tau_s: float, dt_s: float) -> float:
    """One Euler step of a first-order lag with time constant `tau_s`."""
    return value + (target - value) * min(1.0, dt_s / tau_s)


@dataclass(slots=True)
class Pi:
    """A PI controller in velocity-free form with clamped integral; acts in the direction of `gain`'s sign.

    `ti_s` is the integral time; `output` starts at the steady state so that nothing bumps.
    """

    setpoint: float
    gain: float
    ti_s: float
    low: float
    high: float
    output: float
    integral: float = 0.0

    def __post_init__(self) -> None:
        self.integral = self.output

    def step(self, measured: float, dt_s: float) -> float:
        """The new output for a measurement."""
        proportional = self.gain * (measured - self.setpoint)
        self.integral = clamp(self.integral + proportional * dt_s / self.ti_s, self.low, self.high)
        self.output = clamp(self.integral + proportional, self.low, self.high)
        return self.output


@dataclass(slots=True)
class Upsets:
    """What is wrong with one asset now; each 0 (nothing) to 1 (worst)."""

    bearing_wear: float = 0.0
    cavitation: float = 0.0
    imbalance: float = 0.0
    misalignment: float = 0.0
    seal_leak: float = 0.0
    suction_blockage: float = 0.0
    discharge_blockage: float = 0.0
    valve_stiction: float = 0.0
    valve_leak: float = 0.0
    fouling: float = 0.0
    motor_electrical: float = 0.0
    surge: float = 0.0
    utility_loss: float = 0.0


class Disturbances:
    """Independent AR(1) disturbances of unit variance, all advanced in one step.

    `tau_s` is the correlation time of each; also offers fresh unit normals and the day pattern.
    """

    def __init__(self, tau_s: list[float], rng: np.random.Generator) -> None:
        self._a = np.exp(-1.0 / np.asarray(tau_s))
        self._b = np.sqrt(1.0 - self._a**2)
        self._rng = rng
        self._state = rng.standard_normal(len(tau_s))
        self.values: list[float] = self._state.tolist()
        self.fresh: list[float] = rng.standard_normal(len(tau_s)).tolist()

    def step(self) -> None:
        """Advance by one second."""
        shock = self._rng.standard_normal((2, self._a.size))
        self._state = self._a * self._state + self._b * shock[0]
        self.values = self._state.tolist()
        self.fresh = shock[1].tolist()


def day_wave(time_s: float) -> float:
    """-1 before dawn (03:00) to +1 in the afternoon (15:00), for a plant time in seconds of the day."""
    return -math.cos(2.0 * math.pi * (time_s / DAY_S - 0.125))
