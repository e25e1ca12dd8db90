"""The detectors as scalar River estimators: what the banks compute, one value at a time.

Gated references: Basseville & Nikiforov, *Detection of Abrupt Changes* (1993), ch. 2 (geometric moving
average); holding the reference during a deviation keeps the fault from being learned.
"""

import math
from typing import Any

from river.base.anomaly_detector import AnomalyDetector

from optria.streams.detectors.tuning import (
    DIFFERENCE_FLOOR,
    DIFFERENCE_GAIN,
    DIFFERENCE_REFERENCE_GAIN,
    DIFFERENCE_VARIANCE,
    KEPT,
    LEVEL,
    GatedTuning,
)

TINY = 1e-12


def single(x: dict[Any, Any]) -> float:
    """The one value of a sample; these detectors look at one tag."""
    (value,) = x.values()
    return float(value)


class GatedLevel(AnomalyDetector):
    """Fast mean against a slow reference that is held while they differ; score is |z| / limit.

    >>> detector = GatedLevel(floor=0.1)
    >>> for i in range(500):
    ...     detector.learn_one({"level": 50 + (i % 5) / 10})
    >>> detector.score_one({"level": 50.2}) < 1 < detector.score_one({"level": 80.0})
    True
    """

    def __init__(self, floor: float = TINY, tuning: GatedTuning = LEVEL) -> None:
        self.floor = max(floor, TINY)
        self.tuning = tuning
        self.age = self.count = 0.0
        self.fast = self.slow = self.variance = self.long_variance = self.spread = self.held = 0.0
        self.limit = math.inf
        self.top = [0.0] * KEPT

    @property
    def state(self) -> dict[str, object]:
        """Everything learned, as JSON."""
        names = ("age", "count", "fast", "slow", "variance", "long_variance", "spread", "held")
        learned: dict[str, object] = {name: getattr(self, name) for name in names}
        return learned | {"limit": None if math.isinf(self.limit) else self.limit, "top": list(self.top)}

    def score_one(self, x: dict[Any, Any]) -> float:
        return abs(self.z(single(x))) / self.limit

    def z(self, value: float) -> float:
        """Signed deviation in sigmas of what was learned before ``value``."""
        return self._z(self._fast(value))

    def learn_one(self, x: dict[Any, Any]) -> None:
        value, tuning = single(x), self.tuning
        fast = self._fast(value)
        size = abs(self._z(fast))
        slow = value if self.count == 0 else self.slow
        warm = math.isfinite(self.limit)
        self._hold(size)
        if self.held == 0:
            self._learn_open(fast - slow, value - slow)
            self.slow = slow + self._gain(tuning.slow) * (fast - slow)
        self.fast = fast
        given_up = self.held > (tuning.patience if warm else tuning.restless)
        if given_up:
            self.slow, self.held = fast, 0.0
        self.count += 1
        self.age += 1
        self._calibrate(size)
        if given_up and not warm:
            self._restart(value)

    def _fast(self, value: float) -> float:
        before = value if self.count == 0 else self.fast
        return before + self._gain(self.tuning.fast) * (value - before)

    def _z(self, fast: float) -> float:
        slow = fast if self.count == 0 else self.slow
        return (fast - slow) / math.sqrt(max(self.variance, self.long_variance) + self.floor**2)

    def _hold(self, size: float) -> None:
        holding = size > self.tuning.hold or (size >= self.tuning.release and self.held > 0)
        self.held = self.held + 1 if holding and self.count >= self.tuning.calibrate_from else 0.0

    def _learn_open(self, gap: float, raw_gap: float) -> None:
        self.variance += self._gain(self.tuning.variance) * (gap**2 - self.variance)
        self.long_variance += self._gain(self.tuning.long_variance) * (gap**2 - self.long_variance)
        self.spread += self._gain(self.tuning.long_variance) * (raw_gap**2 - self.spread)

    def _calibrate(self, size: float) -> None:
        tuning = self.tuning
        if self.count - 1 < tuning.calibrate_from or math.isfinite(self.limit):
            return
        least = self.top.index(min(self.top))
        self.top[least] = max(size, self.top[least])
        if self.age >= tuning.warm_up and self.count >= tuning.settled:
            self.limit = max(tuning.factor * min(self.top), tuning.lowest_limit)

    def _restart(self, value: float) -> None:
        self.variance = self.long_variance = self.spread = self.held = 0.0
        self.fast = self.slow = value
        self.count = 1.0
        self.top = [0.0] * KEPT

    def _gain(self, gain: float) -> float:
        return max(gain, 1.0 / (self.count + 1.0))


class GatedDifferenceVariance(AnomalyDetector):
    """A :class:`GatedLevel` over the log of the mean squared first difference."""

    def __init__(self, floor: float = TINY, tuning: GatedTuning = DIFFERENCE_VARIANCE) -> None:
        self.floor = floor
        self.tuning = tuning
        self.gate = GatedLevel(0.05, tuning)
        self.previous = self.seen = self.mean = self.reference = 0.0

    @property
    def state(self) -> dict[str, object]:
        """Everything learned, as JSON."""
        own: dict[str, object] = {n: getattr(self, n) for n in ("previous", "seen", "mean", "reference")}
        return own | {"gate": self.gate.state}

    def score_one(self, x: dict[Any, Any]) -> float:
        return abs(self.z(single(x))) / self.gate.limit

    def z(self, value: float) -> float:
        """Signed deviation of the log variance in sigmas; 0 for the first two values."""
        return 0.0 if self.seen < 2 else self.gate.z(self._log_variance(value))

    def learn_one(self, x: dict[Any, Any]) -> None:
        value = single(x)
        log_variance, mean = self._log_variance(value), self._mean(value)
        if self.seen >= 1:
            self.gate.learn_one({"log_variance": log_variance})
            if self.gate.held == 0:
                self.reference += max(DIFFERENCE_REFERENCE_GAIN, 1.0 / self.seen) * (mean - self.reference)
        self.mean, self.previous, self.seen = mean, value, self.seen + 1

    def _mean(self, value: float) -> float:
        if self.seen == 0:
            return self.mean
        gain = max(DIFFERENCE_GAIN, 1.0 / self.seen)
        return self.mean + gain * ((value - self.previous) ** 2 - self.mean)

    def _log_variance(self, value: float) -> float:
        floor = max(self.floor, TINY) ** 2
        return math.log(self._mean(value) + DIFFERENCE_FLOOR * self.reference + floor)


class ZScore(AnomalyDetector):
    """The plain z-score: |value - mean| / standard deviation of all values learned so far (Welford)."""

    def __init__(self) -> None:
        self.count = self.mean = self.squares = 0.0

    @property
    def state(self) -> dict[str, object]:
        """Everything learned, as JSON."""
        return {"count": self.count, "mean": self.mean, "squares": self.squares}

    def score_one(self, x: dict[Any, Any]) -> float:
        if self.count < 2 or self.squares == 0:
            return 0.0
        return abs(single(x) - self.mean) / math.sqrt(self.squares / (self.count - 1))

    def learn_one(self, x: dict[Any, Any]) -> None:
        value = single(x)
        self.count += 1
        gap = value - self.mean
        self.mean += gap / self.count
        self.squares += gap * (value - self.mean)
