"""The asset's T² as a scalar River estimator: what :class:`LevelT2Bank` computes, for one asset."""

import math
from typing import Any

import numpy as np
from river.base.anomaly_detector import AnomalyDetector

from optria.streams.detectors.bank import Floats
from optria.streams.detectors.joint_tuning import JOINT, JointTuning

KEPT = 3


class JointChannel:
    """One channel of the asset: a smoothed vector against its slow reference."""

    def __init__(self, gain: float, lowest_limit: float, floor: Floats, tuning: JointTuning) -> None:
        size = len(floor)
        self.gain, self.lowest_limit, self.floor, self.tuning = gain, lowest_limit, floor, tuning
        self.smooth: Floats = np.zeros(size)
        self.slow: Floats = np.zeros(size)
        self.covariance: Floats = np.zeros((size, size))
        self.precision: Floats = np.zeros((size, size))
        self.sigma: Floats = np.ones(size)
        self.held = 0
        self.top = [0.0] * KEPT
        self.limit = math.inf

    def excess(self, vector: Floats, count: int) -> float:
        """sqrt(T² - tags) of this vector, before it is learned."""
        gap = self._smooth(vector, count) - (vector if count == 0 else self.slow)
        scaled = gap / self.sigma
        return math.sqrt(max(float(scaled @ self.precision @ scaled) - len(vector), 0.0))

    def learn(self, vector: Floats, count: int) -> None:
        tuning, excess, smooth = self.tuning, self.excess(vector, count), self._smooth(vector, count)
        slow = vector if count == 0 else self.slow
        self._hold(excess, count)
        gap = smooth - slow
        if self.held == 0:
            self.slow = slow + max(tuning.slow, 1.0 / (count + 1)) * gap
            rate = max(tuning.covariance, 1.0 / (count + 1))
            self.covariance = self.covariance + rate * (np.outer(gap, gap) - self.covariance)
        elif self.held > tuning.patience:
            self.slow, self.held = smooth, 0
        self.smooth = smooth
        self._calibrate(excess, count)
        if count >= tuning.invert_from and count % tuning.refresh == 0:
            self._invert()

    def _smooth(self, vector: Floats, count: int) -> Floats:
        before = vector if count == 0 else self.smooth
        return np.asarray(before + max(self.gain, 1.0 / (count + 1)) * (vector - before))

    def _hold(self, excess: float, count: int) -> None:
        far, near = excess > self.tuning.hold * self.limit, excess >= self.tuning.release * self.limit
        holding = far or (near and self.held > 0)
        self.held = self.held + 1 if holding and count >= self.tuning.warm_up else 0

    def _calibrate(self, excess: float, count: int) -> None:
        if self.tuning.calibrate_from <= count < self.tuning.warm_up:
            self.top = sorted([*self.top, excess])[1:]
        if count + 1 == self.tuning.warm_up:
            factor = self.tuning.factor * (1.0 + len(self.floor) / (2.0 * self.tuning.warm_up))
            self.limit = max(factor * self.top[0], self.lowest_limit)

    def _invert(self) -> None:
        self.sigma = np.sqrt(np.diag(self.covariance) + self.floor**2)
        correlation = (1.0 - self.tuning.shrink) * self.covariance / np.outer(self.sigma, self.sigma)
        np.fill_diagonal(correlation, 1.0)
        self.precision = np.asarray(np.linalg.inv(correlation), np.float64)


class JointT2(AnomalyDetector):
    """T² over the tags of one asset. A sample maps each tag to its value and ``("log", tag)`` to the log
    of its mean squared difference; the score is the largest channel over its limit.
    """

    def __init__(self, floors: dict[Any, float], tuning: JointTuning = JOINT) -> None:
        self.floors, self.tuning = floors, tuning
        self.count = 0
        levels = np.array(list(floors.values()))
        self.channels = [
            JointChannel(gain, lowest, levels if k < 3 else np.full(len(floors), 0.05), tuning)
            for k, (gain, lowest) in enumerate(zip((*tuning.fast, 1.0), tuning.lowest_limit, strict=True))
        ]

    def excesses(self, x: dict[Any, Any]) -> list[float]:
        """Excess of each channel in sigmas."""
        return [c.excess(v, self.count) for c, v in zip(self.channels, self._vectors(x), strict=True)]

    def score_one(self, x: dict[Any, Any]) -> float:
        return max(e / c.limit for e, c in zip(self.excesses(x), self.channels, strict=True))

    def learn_one(self, x: dict[Any, Any]) -> None:
        for channel, vector in zip(self.channels, self._vectors(x), strict=True):
            channel.learn(vector, self.count)
        self.count += 1

    @property
    def state(self) -> dict[str, object]:
        """Everything learned, as JSON."""
        return {"count": self.count, "channels": [_channel_state(c) for c in self.channels]}

    def _vectors(self, x: dict[Any, Any]) -> list[Floats]:
        level = np.array([float(x[tag]) for tag in self.floors])
        log_variance = np.array([float(x[("log", tag)]) for tag in self.floors])
        return [level, level, level, log_variance]


def _channel_state(channel: JointChannel) -> dict[str, object]:
    arrays = {
        name: np.asarray(getattr(channel, name)).tolist()
        for name in ("smooth", "slow", "covariance", "precision", "sigma")
    }
    limit = None if math.isinf(channel.limit) else channel.limit
    return {**arrays, "held": channel.held, "top": channel.top, "limit": limit}
