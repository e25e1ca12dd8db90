"""The gate: what a sample must be before it may mean anything; everything refused is counted by reason."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import PlantModel
from optria.core.tag import Quality, SampleBatch
from optria.streams.drift import ClockWatch
from optria.streams.present import Present
from optria.streams.quarantine import Quarantine
from optria.streams.roster import Roster
from optria.streams.stuck import StuckTimer

OLDEST = timedelta(days=7)
NEWEST = timedelta(seconds=5)
OLDEST_US, NEWEST_US = OLDEST // timedelta(microseconds=1), NEWEST // timedelta(microseconds=1)
HELD_FOR_A_CLOCK_US = 60_000_000
"""Samples refused as of the future are let in when the clock of their connection is found ahead so soon."""
NEVER = np.iinfo(np.int64).min

Rows = NDArray[np.intp]
Micros = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Admitted:
    """What the gate lets through, in plant units, by ascending time.

    ``row`` is the place of each sample's tag in the roster; ``scored`` marks what a detector may see,
    ``stuck`` what a frozen instrument says.
    ``late`` (of rows ``late_row``) are samples older than one already admitted of their tag: never for a
    detector. ``put_back`` are rows whose clock turned out to have been ahead: they begin anew from here.
    """

    batch: SampleBatch
    row: Rows
    scored: NDArray[np.bool_]
    stuck: NDArray[np.bool_]
    late: SampleBatch
    late_row: Rows
    put_back: Rows


class Gate:
    """Scales, corrects clocks, and checks a batch; see :class:`Admitted`.

    Unknown tags and times outside [now - 7 d, now + 5 s] are refused, and kept in ``quarantine``. A value
    that is not finite or out of the engineering range goes on with quality BAD, a frozen one with UNCERTAIN.
    ``counts`` has a number per reason. With ``steady_s``, a clock that never jumps, a jump of the wall clock
    refuses nothing, and clocks of connections that are ahead are found out (``clocks``).
    """

    def __init__(
        self,
        plant: PlantModel,
        now: Callable[[], datetime],
        roster: Roster | None = None,
        steady_s: Callable[[], float] | None = None,
    ) -> None:
        self.roster = roster or Roster.of(plant)
        self.present = Present(now, steady_s)
        self._watches_clocks = steady_s is not None
        mappings = self.roster.mappings
        self._scale = np.array([m.scale for m in mappings], np.float64)
        self._offset = np.array([m.offset for m in mappings], np.float64)
        self._low = np.array([-np.inf if m.low is None else m.low for m in mappings], np.float64)
        self._high = np.array([np.inf if m.high is None else m.high for m in mappings], np.float64)
        drift = [plant.clock_drift_s.get(each, 0.0) for each in self.roster.connection_ids]
        self.clocks = ClockWatch(np.round(np.array(drift, np.float64) * 1e6).astype(np.int64))
        self.last_time = np.full(len(mappings), NEVER, np.int64)
        self.stuck = StuckTimer(self.roster.scan_us)
        self.quarantine = Quarantine()
        self.counts: Counter[str] = Counter()

    def hear(self, batch: SampleBatch) -> SampleBatch:
        """Compare clocks at the moment a batch arrives; samples that a corrected clock lets in after all."""
        row = self.roster.find(batch.tag) if len(self.roster) else np.empty(0, np.intp)
        known = row >= 0
        if not self._watches_clocks or not known.any():
            return SampleBatch.of([])
        time, connection = self.corrected(row, batch.source_time)[known], self.roster.connection[row[known]]
        self.present.heard(int(np.median(time)))
        _, latest = self.present.bounds()
        corrected = [
            each
            for each in np.unique(connection).tolist()
            if self.clocks.hear(each, int(np.median(time[connection == each])) - latest, latest)
        ]
        return SampleBatch.concat([self._let_in(each, latest) for each in corrected])

    def clock_told(self, integration_id: int, ahead_s: float) -> SampleBatch:
        """The clock of a connection was read: so far it is ahead of ours. What that lets in after all."""
        if integration_id not in self.roster.connection_ids:
            return SampleBatch.of([])
        connection = self.roster.connection_ids.index(integration_id)
        changed = self.clocks.told(connection, round(ahead_s * 1e6))
        return self._let_in(connection, self.present.bounds()[1]) if changed else SampleBatch.of([])

    def clock_ahead_s(self, integration_id: int) -> float:
        """How far the clock of a connection is taken to be ahead."""
        if integration_id not in self.roster.connection_ids:
            return 0.0
        return float(self.clocks.ahead_us[self.roster.connection_ids.index(integration_id)] / 1e6)

    def corrected(self, row: Rows, time: Micros) -> Micros:
        """Source times in UTC; those of unknown tags as they are."""
        ahead = self.clocks.ahead_us[self.roster.connection[row]]
        return np.asarray(time - np.where(row >= 0, ahead, 0), np.int64)

    def in_time(self, row: Rows, time: Micros) -> NDArray[np.bool_]:
        """Which samples are of this plant and of a time that can be."""
        earliest, latest = self.present.bounds()
        return np.asarray((row >= 0) & (time >= earliest - OLDEST_US) & (time <= latest + NEWEST_US))

    def admit(self, batch: SampleBatch) -> Admitted:
        """Everything of ``batch`` that is a sample of this plant."""
        if not len(self.roster):
            return self._nothing(batch)
        row = self.roster.find(batch.tag)
        time = self.corrected(row, batch.source_time)
        usable = self._usable(batch, row, time)
        put_back = self._put_back(row[usable])
        order = np.flatnonzero(usable)
        order = order[np.argsort(time[order], kind="stable")]
        row, time = row[order], time[order]
        fresh, late = self._by_age(row, time)
        clean, good = self._measured(batch.select(order), row, time)
        self.last_time[row[fresh]] = time[fresh]  # ascending: the last one stays
        late_row, row, kept = row[late], row[fresh], clean.select(fresh)
        scored = good[fresh]
        stuck = self.stuck.observe(row, kept.source_time, kept.value, scored) & scored
        self._count("stuck", int(stuck.sum()))
        return Admitted(kept, row, scored & ~stuck, stuck, clean.select(late), late_row, put_back)

    def shown(self, batch: SampleBatch) -> tuple[SampleBatch, Rows]:
        """What is to be seen of samples that have not been admitted yet, by ascending time; not counted."""
        row = self.roster.find(batch.tag)
        time = self.corrected(row, batch.source_time)
        order = np.argsort(time, kind="stable")
        row, time = row[order], time[order]
        value, quality, _ = self._in_units(batch.select(order), row)
        return SampleBatch(self.roster.ids[row], time, value, quality), row

    def take_over(self, other: "Gate", before: Rows, after: Rows) -> None:
        """Know of the rows ``after`` what ``other`` knows of its rows ``before``, and count on."""
        self.stuck.take_over(other.stuck, before, after)
        self.last_time[after] = other.last_time[before]
        self.counts, self.quarantine, self.present = other.counts, other.quarantine, other.present
        mine, theirs = self.roster.connection_ids, other.roster.connection_ids
        both = [each for each in mine if each in theirs]
        self.clocks.take_over(
            other.clocks,
            np.array([theirs.index(each) for each in both], np.intp),
            np.array([mine.index(each) for each in both], np.intp),
        )

    def is_stuck(self, row: int) -> bool:
        """Whether the tag of this row has shown one value for far too long."""
        return bool(self.stuck.flagged[row])

    def _nothing(self, batch: SampleBatch) -> Admitted:
        self._refuse("unknown_tag", batch, np.ones(len(batch), np.bool_), self.present.bounds()[1])
        none, empty = SampleBatch.of([]), np.empty(0, np.intp)
        nobody = np.empty(0, bool)
        return Admitted(none, empty, nobody, nobody, none, empty, empty)

    def _let_in(self, connection: int, now_us: int) -> SampleBatch:
        tags = self.roster.ids[self.roster.connection == connection]
        taken = self.quarantine.take("in_future", tags, now_us - HELD_FOR_A_CLOCK_US)
        self.counts["in_future"] -= len(taken)
        return taken

    def _usable(self, batch: SampleBatch, row: Rows, time: Micros) -> NDArray[np.bool_]:
        earliest, latest = self.present.bounds()
        known = row >= 0
        old, future = time < earliest - OLDEST_US, time > latest + NEWEST_US
        usable = np.asarray(known & ~old & ~future)
        if not usable.all():
            self._refuse("unknown_tag", batch, ~known, latest)
            self._refuse("too_old", batch, known & old, latest)
            self._refuse("in_future", batch, known & future, latest)
        return usable

    def _refuse(self, reason: str, batch: SampleBatch, which: NDArray[np.bool_], now_us: int) -> None:
        self._count(reason, int(which.sum()))
        self.quarantine.put(reason, batch.select(which), now_us)

    def _put_back(self, row: Rows) -> Rows:
        """Tags that were admitted under a clock that was ahead: their newest time has not come yet."""
        _, latest = self.present.bounds()
        rows = np.unique(row[self.last_time[row] > latest + NEWEST_US])
        self.last_time[rows] = NEVER
        self.stuck.forget(rows)
        self._count("put_back", len(rows))
        return rows

    def _by_age(self, row: Rows, time: Micros) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
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

    def _measured(self, batch: SampleBatch, row: Rows, time: Micros) -> tuple[SampleBatch, NDArray[np.bool_]]:
        value, quality, outside = self._in_units(batch, row)
        said = np.minimum(batch.quality, np.uint8(Quality.BAD))
        self._count("not_finite", int((np.isnan(value) & (said != Quality.BAD)).sum()))
        self._count("out_of_range", outside)
        self._count("bad_quality", int((said == Quality.BAD).sum()))
        self._count("uncertain", int((said == Quality.UNCERTAIN).sum()))
        return SampleBatch(batch.tag, time, value, quality), quality == Quality.GOOD

    def _in_units(self, batch: SampleBatch, row: Rows) -> tuple[NDArray[np.float64], NDArray[np.uint8], int]:
        """Values in plant units (NaN where there is none), their quality, how many were out of range."""
        with np.errstate(over="ignore", invalid="ignore"):
            value = batch.value * self._scale[row] + self._offset[row]
        finite = np.isfinite(value)
        outside = finite & ((value < self._low[row]) | (value > self._high[row]))
        quality = np.minimum(batch.quality, np.uint8(Quality.BAD))
        quality = np.where(~finite | outside, np.uint8(Quality.BAD), quality).astype(np.uint8)
        return np.where(finite, value, np.nan), quality, int(outside.sum())

    def _count(self, reason: str, number: int) -> None:
        if number:
            self.counts[reason] += number
