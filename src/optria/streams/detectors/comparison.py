"""One gated comparison of one tag, a value at a time: what :class:`GatedBank` computes in columns.

Gated references: Basseville & Nikiforov, *Detection of Abrupt Changes* (1993), ch. 2 (geometric moving
average); holding the reference during a deviation keeps the fault from being learned.
"""

import math

from optria.streams.detectors import tuning as at
from optria.streams.detectors.tuning import KEPT, GatedTuning

TINY = 1e-12
LEARNED = ("variance", "long_variance", "spread", "rough", "gap", "learned", "held", "peak", "back")


class Comparison:
    """A fast mean against a slow reference that is held while they differ."""

    def __init__(self, floor: float, tuning: GatedTuning) -> None:
        self.floor, self.tuning = max(floor, TINY), tuning
        self.age = self.count = self.fast = self.near = self.slow = 0.0
        self.variance = self.long_variance = self.spread = self.rough = self.gap = 0.0
        self.learned = self.held = self.peak = self.back = self.settling = 0.0
        self.first, self.limit, self.caution, self.tau = 0.0, math.inf, 1.0, 1.0
        self.top = [0.0] * KEPT

    @property
    def state(self) -> dict[str, object]:
        """Everything learned, as JSON."""
        names = ("age", "count", "fast", "near", "slow", *LEARNED, "settling", "first", "caution", "tau")
        learned: dict[str, object] = {name: getattr(self, name) for name in names}
        return learned | {"limit": None if math.isinf(self.limit) else self.limit, "top": list(self.top)}

    def z(self, value: float) -> float:
        """Signed deviation in sigmas of what was learned before ``value``."""
        return self._z(self.fast_after(value))

    def ratio(self, value: float) -> float:
        """Signed deviation over its limit, weighed by how long it lasts; 0 during warm-up."""
        return self.z(value) * self._lasting() / (self.limit * self.caution)

    def fast_after(self, value: float) -> float:
        """The fast mean with this value."""
        before = value if self.count == 0 else self.fast
        most = at.CLIP_LIMITS * self.limit * self.caution * self._sigma()
        clipped = min(max(value, self.slow - most), self.slow + most)
        return before + self._gain(self.tuning.fast) * (clipped - before)

    def learn(self, value: float, freeze: bool = False, follow: bool = False) -> None:
        """Take a value in; see :meth:`GatedBank.learn_many`."""
        fast, z = self.fast_after(value), self.z(value)
        slow = value if self.count == 0 else self.slow
        before, near = self.held, value if self.count == 0 else self.near
        near += self._gain(at.RETURN_GAIN) * (value - near)
        quiet = abs(z) * self._lasting() < self.limit * self.caution
        held = self._holding(abs(z))
        self.held = 0.0 if self.settling else max(held, 1.0) if freeze else held
        if self.held == 0 and not self.settling:
            self._learn_open(fast - slow, value - slow, steady=before == 0)
        follow |= math.isfinite(self.limit) and self.held > self.tuning.accept and quiet
        if self.settling:
            slow = near
        elif self.held == 0 or follow:
            slow += self._gain(self.tuning.slow) * (fast - slow)
        self.gap = fast - (value if self.count == 0 else self.slow)
        self.fast, self.slow, self.near, settling = fast, slow, near, self.settling > 0
        restless = self._gives_up()
        self._return()
        self.count += 1
        self.age += 1
        self.settling = max(self.settling - settling, 0.0)
        self._calibrate(abs(z))
        if restless:
            self._restart(value)
        if self.count % at.REFRESH == 0:
            self._look_anew()

    def _lasting(self) -> float:
        return math.sqrt(min(1.0 + self.held / self.tau, at.PERSISTENCE_MOST))

    def _sigma(self) -> float:
        return math.sqrt(max(self.variance, self.long_variance) + self.floor**2)

    def _z(self, fast: float) -> float:
        return (fast - (fast if self.count == 0 else self.slow)) / self._sigma()

    def _holding(self, size: float) -> float:
        measure, tuning = size / self.caution, self.tuning
        holding = measure > tuning.hold or (measure >= tuning.release and self.held > 0)
        return self.held + 1 if holding and self.count >= tuning.gate_from else 0.0

    def _learn_open(self, gap: float, raw_gap: float, steady: bool) -> None:
        long, step = self._gain(self.tuning.long_variance), gap - self.gap
        self.variance += self._gain(self.tuning.variance) * (gap**2 - self.variance)
        self.long_variance += long * (gap**2 - self.long_variance)
        self.spread += long * (raw_gap**2 - self.spread)
        if steady:
            self.rough += long * (step**2 - self.rough)
        self.learned += 1

    def _gives_up(self) -> bool:
        warm = math.isfinite(self.limit)
        if self.held <= (self.tuning.patience if warm else self.tuning.restless):
            return False
        self.slow = self.fast = self.near
        self.held = 0.0
        return not warm

    def _return(self) -> None:
        if self.held == 0:
            self.peak = self.back = 0.0
            return
        away = abs(self.near - self.slow)
        self.peak = max(self.peak, away)
        large = self.peak > at.RETURN_LIMITS * self._sigma() * self.limit * self.caution
        self.back = self.back + 1 if large and away < at.RETURN_PART * self.peak else 0.0
        if self.back >= at.RETURN_SAMPLES:
            self.settling, self.held, self.peak, self.back = at.SETTLING, 0.0, 0.0, 0.0
            self.fast = self.slow = self.near

    def _calibrate(self, size: float) -> None:
        tuning = self.tuning
        if self.count - 1 < tuning.calibrate_from or math.isfinite(self.limit):
            return
        least = self.top.index(min(self.top))
        self.top[least] = max(size, self.top[least])
        if self.age >= tuning.warm_up and self.count >= min(tuning.settled, tuning.warm_up):
            self.first = self.limit = max(tuning.factor * min(self.top), tuning.lowest_limit)

    def _look_anew(self) -> None:
        square, rough = self.long_variance + self.floor**2, self.rough + self.floor**2
        self.tau = max(2.0 * square / rough, 1.0)
        memory = min(self.learned, 2.0 / self.tuning.long_variance)
        freedom = max(memory / self.tau, at.LEAST_FREEDOM)
        caution = math.sqrt(freedom * math.expm1(at.CAUTION_SIGMA**2 / freedom)) / at.CAUTION_SIGMA
        self.caution = min(caution, at.CAUTION_MOST)
        if math.isfinite(self.limit):
            seen = max(self.count / max(self.tuning.warm_up, 1.0), 1.0)
            self.limit = self.first * min(math.sqrt(1.0 + 2.0 * math.log(seen) / at.HELD_SIGMA**2), at.WIDEST)

    def _restart(self, value: float) -> None:
        for name in LEARNED:
            setattr(self, name, 0.0)
        self.fast = self.slow = self.near = value
        self.count, self.caution, self.tau = 1.0, 1.0, 1.0
        self.top = [0.0] * KEPT

    def _gain(self, gain: float) -> float:
        return max(gain, 1.0 / (self.count + 1.0))
