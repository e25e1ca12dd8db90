"""The detectors of single tags as scalar River estimators: what the banks compute, a value at a time."""

import math
from typing import Any

from river.base.anomaly_detector import AnomalyDetector

from optria.streams.detectors import tuning as at
from optria.streams.detectors.comparison import TINY, Comparison
from optria.streams.detectors.tuning import DIFFERENCE_VARIANCE, RECENT, USUAL, GatedTuning


def single(x: dict[Any, Any]) -> float:
    """The one value of a sample; these detectors look at one tag."""
    (value,) = x.values()
    return float(value)


class GatedLevel(AnomalyDetector):
    """The level against its usual reference and against its recent one; the score is over the limit.

    >>> detector = GatedLevel(floor=0.1)
    >>> for i in range(500):
    ...     detector.learn_one({"level": 50 + (i % 5) / 10})
    >>> detector.score_one({"level": 50.2}) < 1 < detector.score_one({"level": 80.0})
    True
    """

    def __init__(
        self, floor: float = TINY, tuning: GatedTuning = USUAL, recent: GatedTuning = RECENT
    ) -> None:
        self.floor, self.tuning, self.recent_tuning = floor, tuning, recent
        self.usual, self.recent = Comparison(floor, tuning), Comparison(floor, recent)

    @property
    def state(self) -> dict[str, object]:
        """Everything learned, as JSON."""
        return {"usual": self.usual.state, "recent": self.recent.state}

    def score_one(self, x: dict[Any, Any]) -> float:
        return abs(self.ratio(single(x)))

    def ratio(self, value: float) -> float:
        """Signed deviation over the limit, the larger of the two comparisons."""
        usual, sudden = self.usual.ratio(value), self._sudden(value)
        return sudden if abs(sudden) > abs(usual) else usual

    def z(self, value: float) -> float:
        """Signed deviation from the usual reference in sigmas of what was learned before ``value``."""
        return self.usual.z(value)

    def learn_one(self, x: dict[Any, Any]) -> None:
        value = single(x)
        speaks, alone = abs(self._sudden(value)) > 1.0, self._alone(value)
        self.recent.learn(value, follow=alone)
        self.usual.learn(value, freeze=speaks)

    def _alone(self, value: float) -> bool:
        """The recent comparison has spoken for long, and the usual one does not agree."""
        return self.recent.held > at.TIRED and abs(self.usual.ratio(value)) <= at.AGREES

    def _sudden(self, value: float) -> float:
        ratio, recent, usual = self.recent.ratio(value), self.recent, self.usual
        homeward = abs(recent.fast_after(value) - usual.slow) < abs(recent.slow - usual.slow)
        return 0.0 if abs(ratio) <= at.HEARD or homeward or self._alone(value) else ratio


class GatedDifferenceVariance(AnomalyDetector):
    """A gated comparison of the log of the mean squared first difference."""

    def __init__(self, floor: float = TINY, tuning: GatedTuning = DIFFERENCE_VARIANCE) -> None:
        self.floor = floor
        self.tuning = tuning
        self.gate = Comparison(0.05, tuning)
        self.previous = self.seen = self.mean = self.reference = 0.0

    @property
    def state(self) -> dict[str, object]:
        """Everything learned, as JSON."""
        own: dict[str, object] = {n: getattr(self, n) for n in ("previous", "seen", "mean", "reference")}
        return own | {"gate": self.gate.state}

    def score_one(self, x: dict[Any, Any]) -> float:
        return abs(self.ratio(single(x)))

    def ratio(self, value: float) -> float:
        """Signed deviation over the limit; 0 for the first two values and during warm-up."""
        return 0.0 if self.seen < 2 else self.gate.ratio(self._log_variance(value))

    def z(self, value: float) -> float:
        """Signed deviation of the log variance in sigmas; 0 for the first two values."""
        return 0.0 if self.seen < 2 else self.gate.z(self._log_variance(value))

    def learn_one(self, x: dict[Any, Any]) -> None:
        value = single(x)
        log_variance, mean = self._log_variance(value), self._mean(value)
        if self.seen >= 1:
            self.gate.learn(log_variance)
            if self.gate.held == 0:
                self.reference += max(at.DIFFERENCE_REFERENCE_GAIN, 1.0 / self.seen) * (mean - self.reference)
        self.mean, self.previous, self.seen = mean, value, self.seen + 1

    def _mean(self, value: float) -> float:
        if self.seen == 0:
            return self.mean
        squared = (value - self.previous) ** 2
        if self.seen > at.DIFFERENCE_MOST_FROM:
            squared = min(squared, at.DIFFERENCE_MOST * self.reference + max(self.floor, TINY) ** 2)
        gain = max(at.DIFFERENCE_GAIN, 1.0 / self.seen)
        return self.mean + gain * (squared - self.mean)

    def _log_variance(self, value: float) -> float:
        floor = max(self.floor, TINY) ** 2
        return math.log(self._mean(value) + at.DIFFERENCE_FLOOR * self.reference + floor)


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
