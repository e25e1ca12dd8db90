"""Banks over the tags of a tenant: the level, compared on two time scales, and the difference-variance.

State in arrays, one pass per batch; the mathematics of :mod:`optria.streams.detectors.reference`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from optria.streams.detectors import tuning as at
from optria.streams.detectors.comparison import TINY
from optria.streams.detectors.gated import Floats, GatedBank, Mask, Rows, Selector, gain_of
from optria.streams.detectors.tuning import DIFFERENCE_VARIANCE, RECENT, USUAL, GatedTuning

__all__ = ["DifferenceVarianceBank", "Floats", "LevelBank", "Mask", "Rows", "Selector"]


class LevelBank:
    """The level of each tag against its usual reference, and against its recent one.

    The recent comparison sees a sudden change sooner and smaller. It knows little of how far the tag
    wanders, so it speaks alone only for ``TIRED`` samples, never of a way back towards the usual
    reference, and holds that reference while it speaks.
    """

    def __init__(self, floor: Floats, tuning: GatedTuning = USUAL, recent: GatedTuning = RECENT) -> None:
        self.usual, self.recent = GatedBank(floor, tuning), GatedBank(floor, recent)

    @property
    def floor(self) -> Floats:
        return self.usual.floor

    @property
    def limit(self) -> Floats:
        return self.usual.limit

    @property
    def count(self) -> Floats:
        return self.usual.count

    def held(self, rows: Selector) -> Mask:
        """Which of these tags are away from a reference."""
        return np.asarray((self.usual.held[rows] > 0) | (self.recent.held[rows] > 0))

    def score_many(self, rows: Selector, values: Floats) -> Floats:
        """Signed z of each value against its usual reference; 0 for the first value of a tag."""
        return self.usual.score_many(rows, values)

    def ratio(self, rows: Selector, values: Floats) -> Floats:
        """Signed deviation of these values over its limit, the larger of the two; 0 during warm-up."""
        ratio = self.usual.ratio(rows, self.usual.score_many(rows, values))
        sudden, places, _ = self._sudden(rows, values, ratio)
        return _larger(ratio, sudden, places)

    def observe_many(self, rows: Selector, values: Floats) -> tuple[Floats, Floats, Rows, Rows]:
        """Score these values, then take them in: (z, ratio, restless places, places that came back)."""
        z = self.usual.score_many(rows, values)
        ratio = self.usual.ratio(rows, z)
        sudden, places, follow = self._sudden(rows, values, ratio)
        self.recent.learn_many(rows, values, follow=follow)
        speaking = places[np.abs(sudden) > 1.0]
        restless, over = self.usual.learn_many(rows, values, freeze=speaking)
        return z, _larger(ratio, sudden, places), restless, over

    def learn_many(self, rows: Selector, values: Floats) -> Rows:
        """Take the values in; the places in ``rows`` of tags whose warm-up began anew with them."""
        return self.observe_many(rows, values)[2]

    def settle(self, rows: Rows) -> None:
        """The disturbance is over: what is still away of these tags is normal from now on."""
        for bank in (self.usual, self.recent):
            bank.settle(rows[bank.held[rows] > 0])

    def band(self, row: int) -> tuple[float, float] | None:
        """The range that the next raw value is expected in (3 sigma), None during warm-up."""
        return self.usual.band(row)

    def reset(self, rows: Sequence[int] | Rows) -> None:
        """Forget these tags: they warm up again."""
        self.usual.reset(rows)
        self.recent.reset(rows)

    def state_of(self, row: int) -> dict[str, object]:
        """What was learned of one tag, as JSON."""
        return {"usual": self.usual.state_of(row), "recent": self.recent.state_of(row)}

    def restore_of(self, row: int, state: Mapping[str, object]) -> None:
        """Take back :meth:`state_of`; raises KeyError, TypeError or ValueError for what is no such state."""
        usual, recent = state["usual"], state["recent"]
        if not isinstance(usual, dict) or not isinstance(recent, dict):
            raise TypeError("not the state of a level")
        self.usual.restore_of(row, usual)
        self.recent.restore_of(row, recent)

    def _sudden(self, rows: Selector, values: Floats, usual: Floats) -> tuple[Floats, Rows, Mask | None]:
        """Recent ratios worth hearing, their places in ``rows``, and a mask of those to be followed."""
        recent = self.recent
        fast = recent.fast_after(rows, values)
        ratio = recent.ratio(rows, recent.score_many(rows, values))
        tired = recent.held[rows] > at.TIRED
        alone = tired & (np.abs(usual) <= at.AGREES) if tired.any() else None
        places = np.flatnonzero(np.abs(ratio) > at.HEARD)
        reference, before = self.usual.slow[rows][places], recent.slow[rows][places]
        away = np.abs(fast[places] - reference) >= np.abs(before - reference)
        if alone is not None:
            away &= ~alone[places]
        places = places[away]
        return ratio[places], places, alone


def _larger(ratio: Floats, other: Floats, places: Rows) -> Floats:
    mine = ratio[places]
    ratio[places] = np.where(np.abs(other) > np.abs(mine), other, mine)
    return ratio


class DifferenceVarianceBank:
    """Gated log of the mean squared first difference: sees noise, oscillation and freezing.

    A square far beyond what is usual is cut there, so that one step of the level is not taken for noise.
    """

    FIELDS = ("previous", "seen", "mean", "reference")

    def __init__(self, floor: Floats, tuning: GatedTuning = DIFFERENCE_VARIANCE) -> None:
        size = len(floor)
        self.gate = GatedBank(np.full(size, 0.05), tuning)
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
        return self._log(rows, self._mean(rows, values))

    def score_many(self, rows: Selector, values: Floats) -> Floats:
        """Signed z; 0 for the first two values of a tag."""
        z = self.gate.score_many(rows, self.log_variance(rows, values))
        return np.asarray(np.where(self.seen[rows] < 2, 0.0, z))

    def observe_many(self, rows: Selector, values: Floats) -> tuple[Floats, Floats]:
        """Score these values, then take them in: (signed ratio to the limit, log variance)."""
        mean, seen = self._mean(rows, values), self.seen[rows].copy()
        log_variance = self._log(rows, mean)
        ratio = self.gate.ratio(rows, self.gate.score_many(rows, log_variance))
        new = seen.min(initial=2.0) < 2
        if new:
            ratio[seen < 2] = 0.0
        self._learn_gate(rows, log_variance, seen, new)
        gain = np.maximum(at.DIFFERENCE_REFERENCE_GAIN, 1.0 / np.maximum(seen, 1.0))
        open_ = (seen >= 1) & (self.gate.held[rows] == 0)
        self.reference[rows] += np.where(open_, gain, 0.0) * (mean - self.reference[rows])
        self.mean[rows], self.previous[rows], self.seen[rows] = mean, values, seen + 1
        return ratio, log_variance

    def learn_many(self, rows: Selector, values: Floats) -> None:
        """Take the values in; the reference is held with the gate."""
        self.observe_many(rows, values)

    def ratio(self, rows: Selector, z: Floats) -> Floats:
        """Signed z over the limit, 0 during warm-up."""
        return self.gate.ratio(rows, z)

    def settle(self, rows: Rows) -> None:
        """What these tags do is normal from now on."""
        self.gate.settle(rows[self.gate.held[rows] > 0])

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

    def _learn_gate(self, rows: Selector, log_variance: Floats, seen: Floats, new: bool) -> None:
        if not new:
            self.gate.learn_many(rows, log_variance)
            return
        ready = seen >= 1
        chosen = np.arange(len(self.seen))[rows][ready]
        if len(chosen):
            self.gate.learn_many(chosen, log_variance[ready])

    def _log(self, rows: Selector, mean: Floats) -> Floats:
        return np.asarray(np.log(mean + at.DIFFERENCE_FLOOR * self.reference[rows] + self.floor[rows]))

    def _mean(self, rows: Selector, values: Floats) -> Floats:
        seen, mean = self.seen[rows], self.mean[rows]
        squared = (values - self.previous[rows]) ** 2
        most = at.DIFFERENCE_MOST * self.reference[rows] + self.floor[rows]
        squared = np.where(seen > at.DIFFERENCE_MOST_FROM, np.minimum(squared, most), squared)
        gain = gain_of(at.DIFFERENCE_GAIN, seen - 1.0)
        if seen.min(initial=1.0) == 0:
            gain = np.where(seen == 0, 0.0, np.maximum(at.DIFFERENCE_GAIN, 1.0 / np.maximum(seen, 1.0)))
        return np.asarray(mean + gain * (squared - mean))
