"""Banks: one detector over all tags of a tenant, state in arrays, one pass per batch.

The mathematics of :mod:`optria.streams.detectors.reference`, which is the scalar River estimator; a
property test holds the two equal. A bank scores before it learns. ``rows`` are positions of tags in
the bank, each at most once per call.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.streams.detectors.tuning import (
    DIFFERENCE_FLOOR,
    DIFFERENCE_GAIN,
    DIFFERENCE_REFERENCE_GAIN,
    DIFFERENCE_VARIANCE,
    KEPT,
    LEVEL,
    GatedTuning,
)

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.intp]
Selector: TypeAlias = Rows | slice
TINY = 1e-12


class LevelBank:
    """Gated level: fast mean against slow reference, in sigmas of their difference.

    ``floor`` (one per tag, in its unit) is the least sigma: what the instrument cannot resolve or the
    process does not care about.
    """

    FIELDS = ("age", "count", "fast", "slow", "variance", "long_variance", "spread", "held", "limit")

    def __init__(self, floor: Floats, tuning: GatedTuning = LEVEL) -> None:
        size = len(floor)
        self.tuning = tuning
        self.floor = np.maximum(np.asarray(floor, np.float64), TINY)
        self.age = np.zeros(size)
        self.count = np.zeros(size)
        self.fast = np.zeros(size)
        self.slow = np.zeros(size)
        self.variance = np.zeros(size)
        self.long_variance = np.zeros(size)
        self.spread = np.zeros(size)
        self.held = np.zeros(size)
        self.limit = np.full(size, np.inf)
        self.top = np.zeros((size, KEPT))

    def score_many(self, rows: Selector, values: Floats) -> Floats:
        """Signed z of each value against what was learned before it; 0 for the first value of a tag."""
        return self._z(rows, self._fast(rows, values))

    def learn_many(self, rows: Selector, values: Floats) -> Rows:
        """Take the values in; a held reference does not move.

        Returns the positions in ``rows`` of tags whose warm-up began anew with this value.
        """
        tuning, count, age = self.tuning, self.count[rows], self.age[rows]
        fast = self._fast(rows, values)
        size = np.abs(self._z(rows, fast))
        slow = np.where(count == 0, values, self.slow[rows])
        warm = np.isfinite(self.limit[rows])
        held = _hold(self.held[rows], size, count >= tuning.calibrate_from, tuning)
        open_, given_up = held == 0, held > np.where(warm, tuning.patience, tuning.restless)
        self._learn_open(rows, open_, fast - slow, values - slow)
        moved = np.where(open_, slow + self._gain(tuning.slow, count) * (fast - slow), slow)
        self.slow[rows] = np.where(given_up, fast, moved)
        self.fast[rows], self.held[rows] = fast, np.where(given_up, 0.0, held)
        self.count[rows], self.age[rows] = count + 1, age + 1
        self._calibrate(rows, size)
        restless = np.flatnonzero(given_up & ~warm)
        if len(restless):
            self._restart(np.arange(len(self.count))[rows][restless], values[restless])
        return restless

    def ratio(self, rows: Selector, z: Floats) -> Floats:
        """Signed z over the limit: beyond 1 the tag is not normal; 0 during warm-up."""
        return np.asarray(z / self.limit[rows])

    def band(self, row: int) -> tuple[float, float] | None:
        """The range that the next raw value is expected in (3 sigma), None during warm-up."""
        if np.isinf(self.limit[row]):
            return None
        half = 3.0 * float(np.sqrt(self.spread[row] + self.floor[row] ** 2))
        return float(self.slow[row]) - half, float(self.slow[row]) + half

    def reset(self, rows: Sequence[int] | Rows) -> None:
        """Forget these tags: they warm up again."""
        for name in self.FIELDS:
            getattr(self, name)[rows] = 0.0
        self.limit[rows] = np.inf
        self.top[rows] = 0.0

    def state_of(self, row: int) -> dict[str, object]:
        """What was learned of one tag, as JSON."""
        state: dict[str, object] = {name: float(getattr(self, name)[row]) for name in self.FIELDS}
        state["limit"] = None if np.isinf(self.limit[row]) else float(self.limit[row])
        state["top"] = self.top[row].tolist()
        return state

    def restore_of(self, row: int, state: Mapping[str, object]) -> None:
        """Take back :meth:`state_of`; raises KeyError, TypeError or ValueError for what is no such state."""
        read = {name: np.inf if state[name] is None else float(str(state[name])) for name in self.FIELDS}
        top = np.asarray(state["top"], np.float64)
        if top.shape != (KEPT,) or not all(np.isfinite(v) for k, v in read.items() if k != "limit"):
            raise ValueError("not the state of a gated level")
        for name, value in read.items():
            getattr(self, name)[row] = value
        self.top[row] = top

    def _fast(self, rows: Selector, values: Floats) -> Floats:
        count = self.count[rows]
        before = np.where(count == 0, values, self.fast[rows])
        return np.asarray(before + self._gain(self.tuning.fast, count) * (values - before))

    def _z(self, rows: Selector, fast: Floats) -> Floats:
        floor = self.floor[rows]
        variance = np.maximum(self.variance[rows], self.long_variance[rows])
        slow = np.where(self.count[rows] == 0, fast, self.slow[rows])
        return np.asarray((fast - slow) / np.sqrt(variance + floor * floor))

    def _learn_open(self, rows: Selector, open_: NDArray[np.bool_], gap: Floats, raw_gap: Floats) -> None:
        count, tuning, squared = self.count[rows], self.tuning, gap * gap
        for state, gain, target in (
            (self.variance, tuning.variance, squared),
            (self.long_variance, tuning.long_variance, squared),
            (self.spread, tuning.long_variance, raw_gap * raw_gap),
        ):
            before = state[rows]
            state[rows] = before + np.where(open_, self._gain(gain, count), 0.0) * (target - before)

    def _calibrate(self, rows: Selector, size: Floats) -> None:
        tuning, count, age = self.tuning, self.count[rows] - 1, self.age[rows]
        warming = (count >= tuning.calibrate_from) & np.isinf(self.limit[rows])
        if not warming.any():
            return
        top = self.top[rows]
        least = top.argmin(axis=1)
        at = np.arange(len(top)), least
        top[at] = np.where(warming & (size > top[at]), size, top[at])
        self.top[rows] = top
        ready = warming & (age >= tuning.warm_up) & (count + 1 >= tuning.settled)
        limit = np.maximum(tuning.factor * top.min(axis=1), tuning.lowest_limit)
        self.limit[rows] = np.where(ready, limit, self.limit[rows])

    def _restart(self, rows: Rows, values: Floats) -> None:
        for state in (self.variance, self.long_variance, self.spread, self.held):
            state[rows] = 0.0
        self.fast[rows] = self.slow[rows] = values
        self.count[rows] = 1.0
        self.top[rows] = 0.0

    @staticmethod
    def _gain(gain: float, count: Floats) -> Floats:
        return np.asarray(np.maximum(gain, 1.0 / (count + 1.0)))


def _hold(held: Floats, size: Floats, gated: NDArray[np.bool_], tuning: GatedTuning) -> Floats:
    holding = np.where(size > tuning.hold, True, np.where(size < tuning.release, False, held > 0))
    return np.asarray(np.where(gated & holding, held + 1, 0.0))


class DifferenceVarianceBank:
    """Gated log of the mean squared first difference: sees noise, oscillation and freezing."""

    FIELDS = ("previous", "seen", "mean", "reference")

    def __init__(self, floor: Floats, tuning: GatedTuning = DIFFERENCE_VARIANCE) -> None:
        size = len(floor)
        self.gate = LevelBank(np.full(size, 0.05), tuning)
        self.floor = np.maximum(np.asarray(floor, np.float64), TINY) ** 2
        self.previous = np.zeros(size)
        self.seen = np.zeros(size)
        self.mean = np.zeros(size)
        self.reference = np.zeros(size)

    @property
    def held(self) -> Floats:
        return self.gate.held

    def log_variance(self, rows: Selector, values: Floats) -> Floats:
        """Log of the mean squared difference with these values, before they are learned."""
        floor = DIFFERENCE_FLOOR * self.reference[rows] + self.floor[rows]
        return np.asarray(np.log(self._mean(rows, values) + floor))

    def score_many(self, rows: Selector, values: Floats) -> Floats:
        """Signed z; 0 for the first two values of a tag."""
        z = self.gate.score_many(rows, self.log_variance(rows, values))
        return np.asarray(np.where(self.seen[rows] < 2, 0.0, z))

    def learn_many(self, rows: Selector, values: Floats) -> None:
        """Take the values in; the reference is held with the gate."""
        log_variance, mean, seen = self.log_variance(rows, values), self._mean(rows, values), self.seen[rows]
        ready = seen >= 1
        chosen = np.arange(len(self.seen))[rows][ready]
        if len(chosen):
            self.gate.learn_many(chosen, log_variance[ready])
        gain = np.where(
            ready & (self.gate.held[rows] == 0),
            np.maximum(DIFFERENCE_REFERENCE_GAIN, 1.0 / np.maximum(seen, 1.0)),
            0.0,
        )
        self.reference[rows] += gain * (mean - self.reference[rows])
        self.mean[rows], self.previous[rows], self.seen[rows] = mean, values, seen + 1

    def ratio(self, rows: Selector, z: Floats) -> Floats:
        """Signed z over the limit, 0 during warm-up."""
        return self.gate.ratio(rows, z)

    def reset(self, rows: Sequence[int] | Rows) -> None:
        """Forget these tags."""
        self.gate.reset(rows)
        for name in self.FIELDS:
            getattr(self, name)[rows] = 0.0

    def state_of(self, row: int) -> dict[str, object]:
        """What was learned of one tag, as JSON."""
        own: dict[str, object] = {name: float(getattr(self, name)[row]) for name in self.FIELDS}
        return own | {"gate": self.gate.state_of(row)}

    def restore_of(self, row: int, state: Mapping[str, object]) -> None:
        """Take back :meth:`state_of`; raises KeyError, TypeError or ValueError for what is no such state."""
        gate, read = state["gate"], {name: float(str(state[name])) for name in self.FIELDS}
        if not isinstance(gate, dict) or not np.isfinite(list(read.values())).all():
            raise ValueError("not the state of a difference-variance")
        self.gate.restore_of(row, gate)
        for name, value in read.items():
            getattr(self, name)[row] = value

    def _mean(self, rows: Selector, values: Floats) -> Floats:
        seen, mean = self.seen[rows], self.mean[rows]
        squared = np.where(seen == 0, 0.0, values - self.previous[rows]) ** 2
        gain = np.where(seen == 0, 0.0, np.maximum(DIFFERENCE_GAIN, 1.0 / np.maximum(seen, 1.0)))
        return np.asarray(mean + gain * (squared - mean))
