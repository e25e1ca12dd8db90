"""Any River detector by name, kept from what would break it, and held to a budget.

What is known of River 0.26 is guarded here: a sample that is not finite never reaches a model (some
stay NaN for ever, ``RollingQuantile`` panics), detectors that change while they score or are too slow
to run in line are refused by name, and one that overruns its budget is switched off.
"""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from river import anomaly
from river.base.anomaly_detector import AnomalyDetector, SupervisedAnomalyDetector

from optria.core.asset import DetectorChoice
from optria.core.errors import ConfigurationError
from optria.streams.detectors.built_in import BUILT_IN, built_in
from optria.streams.detectors.reference import GatedDifferenceVariance, GatedLevel, ZScore

OWN: Mapping[str, type[Any]] = {
    "ZScore": ZScore,
    "GatedLevel": GatedLevel,
    "GatedDifferenceVariance": GatedDifferenceVariance,
}
__all__ = ["BUILT_IN", "Attached", "build", "looks_at_one_tag", "names"]
REFUSED: Mapping[str, str] = {
    "LocalOutlierFactor": "one score takes tens of milliseconds",
    "PredictiveAnomalyDetection": "its score changes its state",
    "QuantileFilter": "it wraps another detector; the limit is learned here",
    "ThresholdFilter": "it wraps another detector; the limit is learned here",
}
BOUNDED = ("HalfSpaceTrees", "GaussianScorer")
"""Their scores end at 1, where no limit can be passed: the surprise -log(1 - score) is looked at instead."""
CEILING = {"LODA": 27.6}
"""-log(1e-12): the score of a value in no bin of any histogram; the limit must stay below it."""
SINGLE = (ZScore, GatedLevel, GatedDifferenceVariance)
BUDGET_US = 3_000.0
"""CPU time of one sample, scored and learned."""
WARM_UP, CALIBRATE_FROM, KEPT, FACTOR = 400, 100, 4, 1.4


def names() -> list[str]:
    """Every name that :func:`build` takes."""
    stock = [n for n in anomaly.__all__ if n not in REFUSED]
    return sorted([BUILT_IN, *OWN, *stock])


def build(choice: DetectorChoice) -> Any:
    """The River estimator of a choice; of the built-in detectors, their settings.

    Raises:
        ConfigurationError: for a name or parameter that does not exist or cannot run in line.
    """
    if choice.name == BUILT_IN:
        return built_in(choice.parameters)
    if choice.name in REFUSED:
        raise ConfigurationError(f"The detector {choice.name} cannot be used: {REFUSED[choice.name]}.")
    kind = OWN.get(choice.name) or getattr(anomaly, choice.name, None)
    if not (isinstance(kind, type) and issubclass(kind, (AnomalyDetector, SupervisedAnomalyDetector))):
        raise ConfigurationError(f"There is no detector {choice.name}. Choose one of: {', '.join(names())}.")
    try:
        return kind(**choice.parameters)
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            f"The parameters of the detector {choice.name} do not fit: {error}."
        ) from error


def looks_at_one_tag(detector: object) -> bool:
    """Whether an estimator takes one value at a time, so that each tag needs its own."""
    return isinstance(detector, (SupervisedAnomalyDetector, *SINGLE))


class Attached:
    """A River detector on some tags: gated (learns only what is normal), calibrated, within a budget.

    ``rows`` are its tags, ``scale`` a (low, high) per tag that maps to [0, 1]; None leaves a value as it is.
    """

    def __init__(
        self, choice: DetectorChoice, rows: Sequence[int], scale: Sequence[tuple[float, float] | None]
    ) -> None:
        self.choice, self.rows, self._scale = choice, tuple(rows), tuple(scale)
        self._begin()

    def _begin(self) -> None:
        self.detector = build(self.choice)
        self._supervised = isinstance(self.detector, SupervisedAnomalyDetector)
        self.count, self._top, self.limit = 0, [0.0] * KEPT, math.inf
        self.cost_us, self.enabled = 0.0, True

    def observe(self, values: Sequence[float]) -> float:
        """Score over limit of one value per row, then learn it if it is normal; 0 during warm-up.

        Raises:
            ValueError: when the detector's score is not a number.
        """
        if not self.enabled or not all(math.isfinite(v) for v in values):
            return 0.0
        began = time.thread_time()
        sample = self._sample(values)
        score = self._score(sample)
        if not math.isfinite(score):
            raise ValueError(f"{self.choice.name} scored {score}")
        ratio = score / self.limit if self.limit > 0 else 0.0
        if self.count < WARM_UP or ratio < 1.0:
            self._learn(sample)
        self._calibrate(score)
        self._spend((time.thread_time() - began) * 1e6)
        return ratio

    def reset(self) -> None:
        """Forget everything: it warms up again."""
        self._begin()

    def _sample(self, values: Sequence[float]) -> dict[str, float]:
        scaled = (
            v if s is None else (v - s[0]) / (s[1] - s[0]) for v, s in zip(values, self._scale, strict=True)
        )
        return {str(row): v for row, v in zip(self.rows, scaled, strict=True)}

    def _score(self, sample: dict[str, float]) -> float:
        if self._supervised:
            score = float(self.detector.score_one({}, next(iter(sample.values()))))
        else:
            score = float(self.detector.score_one(sample))
        return -math.log(max(1.0 - score, 1e-12)) if self.choice.name in BOUNDED else score

    def _learn(self, sample: dict[str, float]) -> None:
        if self._supervised:
            self.detector.learn_one({}, next(iter(sample.values())))
        else:
            self.detector.learn_one(sample)

    def _calibrate(self, score: float) -> None:
        if CALIBRATE_FROM <= self.count < WARM_UP:
            self._top = sorted([*self._top, score])[1:]
        self.count += 1
        if self.count == WARM_UP:
            highest = 0.9 * CEILING.get(self.choice.name, math.inf)
            self.limit = min(max(FACTOR * self._top[0], 1e-9), highest)

    def _spend(self, cost_us: float) -> None:
        self.cost_us += 0.05 * (cost_us - self.cost_us)
        if self.count > CALIBRATE_FROM and self.cost_us > BUDGET_US:
            self.enabled = False
