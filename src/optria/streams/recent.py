"""The last samples of each tag in memory: rings of equal length in preallocated arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch, to_micros
from optria.streams.roster import occurrence


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Samples of one tag by ascending time: ``time`` int64 µs UTC, ``value`` float64, ``quality`` uint8."""

    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def empty(cls) -> "Series":
        return cls(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint8))

    def between(self, start: datetime, end: datetime) -> "Series":
        """The samples in the closed interval [start, end]."""
        low, high = np.searchsorted(self.time, [to_micros(start), to_micros(end) + 1])
        return Series(self.time[low:high], self.value[low:high], self.quality[low:high])


class Recent:
    """``capacity`` samples of each of ``tags``. Samples of a tag must come by ascending time; :meth:`insert`
    takes those that did not."""

    def __init__(self, tags: Sequence[int], capacity: int) -> None:
        self.capacity = max(1, capacity)
        self._row = {int(tag): row for row, tag in enumerate(tags)}
        shape = len(tags), self.capacity
        self._time = np.zeros(shape, np.int64)
        self._value = np.zeros(shape, np.float64)
        self._quality = np.zeros(shape, np.uint8)
        self._written = np.zeros(len(tags), np.int64)

    def add(self, batch: SampleBatch, row: NDArray[np.intp]) -> None:
        """Keep a batch; ``row`` is the position of each sample's tag in ``tags``."""
        if not len(batch):
            return
        place = occurrence(row)
        counts = np.bincount(row, minlength=len(self._written))
        kept = place >= counts[row] - self.capacity  # more than a ring full: the last ones stay
        at = row[kept], (self._written[row[kept]] + place[kept]) % self.capacity
        self._time[at] = batch.source_time[kept]
        self._value[at] = batch.value[kept]
        self._quality[at] = batch.quality[kept]
        self._written += counts

    def insert(self, batch: SampleBatch, row: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Put late samples in their places; a mask of those that were not there already.

        One older than everything kept of a full ring is news, and has no place.
        """
        news = np.zeros(len(row), np.bool_)
        for each in np.unique(row).tolist():
            mine = np.flatnonzero(row == each)
            kept = self.all_of(each)
            _, first = np.unique(batch.source_time[mine], return_index=True)
            new = mine[first][~np.isin(batch.source_time[mine[first]], kept.time)]
            if len(new):
                news[new] = True
                self._rewrite(each, _merged(kept, batch.select(new)))
        return news

    def forget_after(self, row: int, time_us: int) -> None:
        """Drop what is later than that: its clock was wrong."""
        kept = self.all_of(row)
        early = kept.time <= time_us
        if not early.all():
            self._rewrite(row, Series(kept.time[early], kept.value[early], kept.quality[early]))

    def _rewrite(self, row: int, series: Series) -> None:
        size = min(len(series), self.capacity)
        last = slice(len(series) - size, None)
        self._time[row, :size] = series.time[last]
        self._value[row, :size] = series.value[last]
        self._quality[row, :size] = series.quality[last]
        self._written[row] = size

    def window(self, tag: int, start: datetime, end: datetime) -> Series:
        """What is kept of one tag in [start, end]; empty for an unknown tag."""
        row = self._row.get(tag)
        return Series.empty() if row is None else self.all_of(row).between(start, end)

    def windows(self, tags: Iterable[int], start: datetime, end: datetime) -> dict[int, Series]:
        """The window of each tag; tags that are not known are left out."""
        return {tag: self.window(tag, start, end) for tag in tags if tag in self._row}

    def all_of(self, row: int) -> Series:
        """Everything that is kept of the tag at position ``row``."""
        written = int(self._written[row])
        size, head = min(written, self.capacity), written % self.capacity
        order = np.arange(size) if written <= self.capacity else np.r_[head : self.capacity, 0:head]
        return Series(self._time[row, order], self._value[row, order], self._quality[row, order])


def _merged(kept: Series, new: SampleBatch) -> Series:
    time = np.concatenate([kept.time, new.source_time])
    order = np.argsort(time, kind="stable")
    return Series(
        time[order],
        np.concatenate([kept.value, new.value])[order],
        np.concatenate([kept.quality, new.quality])[order],
    )
