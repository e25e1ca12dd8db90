"""One gated comparison over all tags of a tenant: a fast mean against a slow reference that is held.

Four things make one configuration fit a white flow signal and a wandering temperature:

* **Caution.** Sigma is estimated from samples that follow one another. With ``r`` the mean square step
  of the gap and ``s`` its mean square, they are worth ``n r / 2s`` independent ones (Bartlett 1946, for a
  first-order process); limit and hold widen as the quantile of Student's t with so few degrees of freedom
  does, ``sqrt(nu (exp(q²/nu) - 1)) / q`` (Hill 1970, leading term).
* **Persistence.** A deviation held for ``h`` samples has been seen in ``1 + h / tau`` independent ones,
  ``tau = 2s / r``: its z counts by the square root of that (as a mean does), up to a bound.
* **Return.** A deviation of which a fifth of its largest size is left is over; the reference then goes
  with the tag for a while, so that a process that does not come back exactly is no new fault.
* **Experience.** The limit widens with the samples since the warm-up as the normal quantile of a chance
  that falls as 1/n does: false alarms of a tag that runs for months do not add up as its hours do.

The mathematics is that of the scalar estimator in :mod:`optria.streams.detectors.reference`; a property
test holds the two equal. A bank scores before it learns. ``rows`` are positions of tags in the bank, each
at most once per call.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.streams.detectors import tuning as at
from optria.streams.detectors.comparison import LEARNED, TINY
from optria.streams.detectors.tuning import KEPT, GatedTuning

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.intp]
Selector: TypeAlias = Rows | slice
Mask: TypeAlias = NDArray[np.bool_]
LARGEST = 1e300
"""Instead of an infinite bound, which has no sum."""


class GatedBank:
    """``floor`` (one per tag, in its unit) is the least sigma: what the instrument cannot resolve or the
    process does not care about. ``warm_up`` and ``hold`` may differ from tag to tag."""

    FIELDS = (
        *("age", "count", "fast", "near", "slow", "variance", "long_variance", "spread", "rough", "gap"),
        *("learned", "held", "peak", "back", "settling", "first", "limit", "caution", "tau"),
    )
    """``settling`` counts down, ``learned`` counts the samples that sigma was learned from, ``first`` is the
    limit at the end of the warm-up."""

    def __init__(self, floor: Floats, tuning: GatedTuning) -> None:
        size = len(floor)
        self.tuning = tuning
        self.floor = np.maximum(np.asarray(floor, np.float64), TINY)
        self.warm_up = np.full(size, float(tuning.warm_up))
        self.hold, self.release = np.full(size, tuning.hold), np.full(size, tuning.release)
        for name in self.FIELDS:
            setattr(self, name, np.zeros(size))
        self.age: Floats
        self.count: Floats
        self.fast: Floats
        self.near: Floats
        self.slow: Floats
        self.variance: Floats
        self.long_variance: Floats
        self.spread: Floats
        self.rough: Floats
        self.gap: Floats
        self.learned: Floats
        self.held: Floats
        self.peak: Floats
        self.back: Floats
        self.settling: Floats
        self.first: Floats
        self.limit = np.full(size, np.inf)
        self.caution, self.tau = np.ones(size), np.ones(size)
        self.top = np.zeros((size, KEPT))

    def score_many(self, rows: Selector, values: Floats) -> Floats:
        """Signed z of each value against what was learned before it; 0 for the first value of a tag."""
        return self._z(rows, self.fast_after(rows, values))

    def ratio(self, rows: Selector, z: Floats) -> Floats:
        """Signed z over the limit: beyond 1 the tag is not normal; 0 during warm-up."""
        ratio = z / (self.limit[rows] * self.caution[rows])
        held = self.held[rows]
        lasting = np.flatnonzero(held)
        if len(lasting):
            independent = 1.0 + held[lasting] / self.tau[rows][lasting]
            ratio[lasting] *= np.sqrt(np.minimum(independent, at.PERSISTENCE_MOST))
        return np.asarray(ratio)

    def fast_after(self, rows: Selector, values: Floats) -> Floats:
        """The fast mean with these values; one far beyond the limit counts as one a little beyond (Huber)."""
        count, slow = self.count[rows], self.slow[rows]
        most = np.minimum(at.CLIP_LIMITS * self.limit[rows] * self.caution[rows] * self._sigma(rows), LARGEST)
        before = _or_first(count, values, self.fast[rows])
        clipped = np.minimum(np.maximum(values, slow - most), slow + most)
        return np.asarray(before + gain_of(self.tuning.fast, count) * (clipped - before))

    def learn_many(
        self, rows: Selector, values: Floats, freeze: Rows | None = None, follow: Mask | None = None
    ) -> tuple[Rows, Rows]:
        """Take the values in; a held reference does not move.

        ``freeze`` are places in ``rows`` to hold for another's sake, ``follow`` a mask of held ones to
        go with. Returns the places in ``rows`` whose warm-up began anew, and whose deviation is over.
        """
        count, fast = self.count[rows], self.fast_after(rows, values)
        slow = _or_first(count, values, self.slow[rows])
        z = self._z(rows, fast)
        near = self._nearer(rows, values, count)
        settling = self.settling[rows] > 0
        held = self._hold(rows, np.abs(z), count)
        if freeze is not None and len(freeze):
            held[freeze] = np.maximum(held[freeze], 1.0)
        held[settling] = 0.0
        open_ = (held == 0) & ~settling
        gap = fast - slow
        self._learn_open(rows, open_, gap, values - slow, count)
        moves = open_ if not held.any() else self._followed(rows, open_, held, z, follow)
        moved = slow + np.where(moves, gain_of(self.tuning.slow, count), 0.0) * gap
        moved[settling] = near[settling]
        self.fast[rows], self.slow[rows], self.held[rows] = fast, moved, held
        self.near[rows], self.gap[rows] = near, gap
        restless = self._give_up(rows)
        over = self._returned(rows)
        self.count[rows], self.age[rows] = count + 1, self.age[rows] + 1
        if settling.any():
            self.settling[rows] = np.maximum(self.settling[rows] - settling, 0.0)
        self._calibrate(rows, np.abs(z))
        if len(restless):
            self._restart(self._absolute(rows, restless), values[restless])
        self._look_anew(rows)
        return restless, over

    def settle(self, rows: Rows) -> None:
        """What these tags are at is the new normal: their references go with them for a while."""
        self.settling[rows], self.held[rows], self.peak[rows], self.back[rows] = at.SETTLING, 0.0, 0.0, 0.0
        self.fast[rows] = self.slow[rows] = self.near[rows]

    def size(self, rows: Selector) -> Floats:
        """Deviation of the last values over the limit, without a bound: which of several is the largest."""
        away = np.abs(self.near[rows] - self.slow[rows])
        return np.asarray(away / (self._sigma(rows) * self.limit[rows] * self.caution[rows]))

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
        self.caution[rows] = self.tau[rows] = 1.0
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
        if top.shape != (KEPT,) or not np.isfinite(top).all() or not _sound(read):
            raise ValueError("not the state of a gated level")
        for name, value in read.items():
            getattr(self, name)[row] = value
        self.top[row] = top

    def _sigma(self, rows: Selector) -> Floats:
        floor = self.floor[rows]
        variance = np.maximum(self.variance[rows], self.long_variance[rows])
        return np.asarray(np.sqrt(variance + floor * floor))

    def _z(self, rows: Selector, fast: Floats) -> Floats:
        slow = _or_first(self.count[rows], fast, self.slow[rows])
        return np.asarray((fast - slow) / self._sigma(rows))

    def _nearer(self, rows: Selector, values: Floats, count: Floats) -> Floats:
        before = _or_first(count, values, self.near[rows])
        return np.asarray(before + gain_of(at.RETURN_GAIN, count) * (values - before))

    def _hold(self, rows: Selector, size: Floats, count: Floats) -> Floats:
        before, measure = self.held[rows], size / self.caution[rows]
        holding = (measure > self.hold[rows]) | ((measure >= self.release[rows]) & (before > 0))
        holding &= count >= self.tuning.gate_from
        return np.asarray((before + 1.0) * holding)

    def _followed(self, rows: Selector, open_: Mask, held: Floats, z: Floats, follow: Mask | None) -> Mask:
        """Held tags whose reference moves all the same: no alarm for long, or told so."""
        warm = np.isfinite(self.limit[rows])
        before = self.held[rows]
        lasting = np.sqrt(np.minimum(1.0 + before / self.tau[rows], at.PERSISTENCE_MOST))
        quiet = np.abs(z) * lasting < self.limit[rows] * self.caution[rows]
        accepted = warm & (held > self.tuning.accept) & quiet
        return np.asarray(open_ | accepted | (follow if follow is not None else False))

    def _learn_open(self, rows: Selector, open_: Mask, gap: Floats, raw_gap: Floats, count: Floats) -> None:
        tuning = self.tuning
        short = np.where(open_, gain_of(tuning.variance, count), 0.0)
        long = np.where(open_, gain_of(tuning.long_variance, count), 0.0)
        steady = long * (self.held[rows] == 0)
        step = gap - self.gap[rows]
        squared = gap * gap
        self.variance[rows] += short * (squared - self.variance[rows])
        self.long_variance[rows] += long * (squared - self.long_variance[rows])
        self.spread[rows] += long * (raw_gap * raw_gap - self.spread[rows])
        self.rough[rows] += steady * (step * step - self.rough[rows])
        self.learned[rows] += open_

    def _give_up(self, rows: Selector) -> Rows:
        """Take the new level for the reference after a long hold; places that restart their warm-up."""
        held = self.held[rows]
        if held.max(initial=0.0) <= self.tuning.restless:
            return np.empty(0, np.intp)
        warm = np.isfinite(self.limit[rows])
        given_up = np.flatnonzero(held > np.where(warm, self.tuning.patience, self.tuning.restless))
        chosen = self._absolute(rows, given_up)
        self.slow[chosen] = self.fast[chosen] = self.near[chosen]
        self.held[chosen] = 0.0
        return np.asarray(given_up[~warm[given_up]], np.intp)

    def _returned(self, rows: Selector) -> Rows:
        """Places whose deviation is over: most of the way back from its largest size, and steady."""
        held = self.held[rows]
        places = np.flatnonzero(held)
        chosen = self._absolute(rows, np.flatnonzero(self.peak[rows] * (held == 0)))
        self.peak[chosen] = self.back[chosen] = 0.0
        if not len(places):
            return places
        mine = self._absolute(rows, places)
        away = np.abs(self.near[mine] - self.slow[mine])
        peak = np.maximum(self.peak[mine], away)
        large = peak > at.RETURN_LIMITS * self._sigma(mine) * self.limit[mine] * self.caution[mine]
        back = np.where(large & (away < at.RETURN_PART * peak), self.back[mine] + 1, 0.0)
        self.peak[mine], self.back[mine] = peak, back
        over = back >= at.RETURN_SAMPLES
        ended = mine[over]
        self.settle(ended)
        return places[over]

    def _calibrate(self, rows: Selector, size: Floats) -> None:
        tuning, limits = self.tuning, self.limit[rows]
        cold = np.isinf(limits)
        if not cold.any():
            return
        count = self.count[rows] - 1
        warming = (count >= tuning.calibrate_from) & cold
        top = self.top[rows]
        least = top.argmin(axis=1)
        place = np.arange(len(top)), least
        top[place] = np.where(warming & (size > top[place]), size, top[place])
        self.top[rows] = top
        ready = warming & (self.age[rows] >= self.warm_up[rows])
        ready &= count + 1 >= np.minimum(tuning.settled, self.warm_up[rows])
        limit = np.maximum(tuning.factor * top.min(axis=1), tuning.lowest_limit)
        self.limit[rows] = np.where(ready, limit, limits)
        self.first[rows] = np.where(ready, limit, self.first[rows])

    def _look_anew(self, rows: Selector) -> None:
        """Caution, time constant and limit from what was seen so far, every few samples."""
        places = np.flatnonzero(self.count[rows] % at.REFRESH == 0)
        if not len(places):
            return
        mine = self._absolute(rows, places)
        floor = self.floor[mine] ** 2
        square, rough = self.long_variance[mine] + floor, self.rough[mine] + floor
        tau = np.maximum(2.0 * square / rough, 1.0)
        memory = np.minimum(self.learned[mine], 2.0 / self.tuning.long_variance)
        freedom = np.maximum(memory / tau, at.LEAST_FREEDOM)
        square_q = at.CAUTION_SIGMA**2
        caution = np.sqrt(freedom * np.expm1(square_q / freedom)) / at.CAUTION_SIGMA
        self.caution[mine], self.tau[mine] = np.minimum(caution, at.CAUTION_MOST), tau
        seen = np.maximum(self.count[mine] / np.maximum(self.warm_up[mine], 1.0), 1.0)
        wider = np.minimum(np.sqrt(1.0 + 2.0 * np.log(seen) / at.HELD_SIGMA**2), at.WIDEST)
        self.limit[mine] = np.where(np.isinf(self.limit[mine]), np.inf, self.first[mine] * wider)

    def _restart(self, rows: Rows, values: Floats) -> None:
        for name in LEARNED:
            getattr(self, name)[rows] = 0.0
        self.fast[rows] = self.slow[rows] = self.near[rows] = values
        self.count[rows] = 1.0
        self.caution[rows] = self.tau[rows] = 1.0
        self.top[rows] = 0.0

    def _absolute(self, rows: Selector, places: Rows) -> Rows:
        return places if isinstance(rows, slice) else np.asarray(rows[places], np.intp)


def gain_of(gain: float, count: Floats) -> Floats | float:
    """The gain of a mean after ``count`` samples: 1/n at first."""
    if count.min(initial=np.inf) + 1.0 >= 1.0 / gain:
        return gain
    return np.asarray(np.maximum(gain, 1.0 / np.maximum(count + 1.0, 1.0)))


def _or_first(count: Floats, values: Floats, state: Floats) -> Floats:
    """The state of each tag, or its value where it has none yet."""
    return state if count.min(initial=1.0) > 0 else np.where(count == 0, values, state)


def _sound(read: Mapping[str, float]) -> bool:
    finite = all(np.isfinite(value) for name, value in read.items() if name != "limit")
    return finite and read["limit"] > 0 and read["caution"] >= 1.0 and read["tau"] > 0
