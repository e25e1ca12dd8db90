"""The gate: what a sample must be before it may mean anything; everything refused is counted by reason."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import PlantModel
from optria.core.tag import Quality, SampleBatch, to_micros
from optria.streams.roster import Roster
from optria.streams.stuck import StuckTimer

OLDEST = timedelta(days=7)
NEWEST = timedelta(seconds=5)
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class Admitted:
    """What the gate lets through, in plant units, by ascending time.

    ``row`` is the place of each sample's tag in the roster; ``scored`` marks what a detector may see;
    ``late`` are samples older than one already admitted of their tag: for the history only.
    """

    batch: SampleBatch
    row: NDArray[np.intp]
    scored: NDArray[np.bool_]
    late: SampleBatch


class Gate:
    """Scales, corrects clocks, and checks a batch; see :class:`Admitted`.

    Unknown tags and times outside [now - 7 d, now + 5 s] are refused. A value that is not finite or out
    of the engineering range goes on with quality BAD. ``counts`` has a number per reason.
    """

    def __init__(self, plant: PlantModel, now: Callable[[], datetime], roster: Roster | None = None) -> None:
        self.roster = roster or Roster.of(plant)
        self._now = now
        mappings = self.roster.mappings
        self._scale = np.array([m.scale for m in mappings], np.float64)
        self._offset = np.array([m.offset for m in mappings], np.float64)
        self._low = np.array([-np.inf if m.low is None else m.low for m in mappings], np.float64)
        self._high = np.array([np.inf if m.high is None else m.high for m in mappings], np.float64)
        drift = [plant.clock_drift_s.get(m.integration_id, 0.0) for m in mappings]
        self._drift_us = np.round(np.array(drift, np.float64) * 1e6).astype(np.int64)
        self.last_time = np.full(len(mappings), NEVER, np.int64)
        self.stuck = StuckTimer(self.roster.scan_us)
        self.counts: Counter[str] = Counter()

    def admit(self, batch: SampleBatch) -> Admitted:
        """Everything of ``batch`` that is a sample of this plant."""
        row = self.roster.find(batch.tag)
        time = batch.source_time - np.where(row >= 0, self._drift_us[row], 0) if len(self.roster) else None
        if time is None:
            self._count("unknown_tag", len(batch))
            return Admitted(SampleBatch.of([]), np.empty(0, np.intp), np.empty(0, bool), SampleBatch.of([]))
        usable = self._usable(row, time)
        order = np.flatnonzero(usable)
        order = order[np.argsort(time[order], kind="stable")]
        row, time = row[order], time[order]
        fresh, late = self._by_age(row, time)
        clean, good = self._measured(batch.select(order), row, time)
        self.last_time[row[fresh]] = time[fresh]  # ascending: the last one stays
        row, kept = row[fresh], clean.select(fresh)
        scored = good[fresh]
        scored &= ~self.stuck.observe(row, kept.source_time, kept.value, scored)
        self._count("stuck", int(good[fresh].sum() - scored.sum()))
        return Admitted(kept, row, scored, clean.select(late))

    def take_over(self, other: "Gate", before: NDArray[np.intp], after: NDArray[np.intp]) -> None:
        """Know of the rows ``after`` what ``other`` knows of its rows ``before``, and count on."""
        self.stuck.take_over(other.stuck, before, after)
        self.last_time[after] = other.last_time[before]
        self.counts = other.counts

    def is_stuck(self, row: int) -> bool:
        """Whether the tag of this row has shown one value for far too long."""
        return bool(self.stuck.flagged[row])

    def _usable(self, row: NDArray[np.intp], time: NDArray[np.int64]) -> NDArray[np.bool_]:
        now = self._now()
        known = row >= 0
        old, future = time < to_micros(now - OLDEST), time > to_micros(now + NEWEST)
        self._count("unknown_tag", int((~known).sum()))
        self._count("too_old", int((known & old).sum()))
        self._count("in_future", int((known & future).sum()))
        return np.asarray(known & ~old & ~future)

    def _by_age(
        self, row: NDArray[np.intp], time: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Masks of what moves its tag forward and of what is late; a repeated time is neither."""
        newer = time > self.last_time[row]
        again = np.zeros(len(row), bool)
        order = np.lexsort((np.arange(len(row)), time, row))
        same = (row[order][1:] == row[order][:-1]) & (time[order][1:] == time[order][:-1])
        again[order[1:]] = same
        again |= time == self.last_time[row]
        late = ~newer & ~again
        self._count("duplicate", int(again.sum()))
        self._count("late", int(late.sum()))
        return newer & ~again, late

    def _measured(
        self, batch: SampleBatch, row: NDArray[np.intp], time: NDArray[np.int64]
    ) -> tuple[SampleBatch, NDArray[np.bool_]]:
        with np.errstate(over="ignore", invalid="ignore"):
            value = batch.value * self._scale[row] + self._offset[row]
        finite = np.isfinite(value)
        outside = finite & ((value < self._low[row]) | (value > self._high[row]))
        quality = np.minimum(batch.quality, np.uint8(Quality.BAD))
        flawed = ~finite | outside
        self._count("not_finite", int((~finite & (quality != Quality.BAD)).sum()))
        self._count("out_of_range", int(outside.sum()))
        self._count("bad_quality", int((quality == Quality.BAD).sum()))
        self._count("uncertain", int((quality == Quality.UNCERTAIN).sum()))
        quality = np.where(flawed, np.uint8(Quality.BAD), quality).astype(np.uint8)
        value = np.where(finite, value, np.nan)
        return SampleBatch(batch.tag, time, value, quality), quality == Quality.GOOD

    def _count(self, reason: str, number: int) -> None:
        if number:
            self.counts[reason] += number
