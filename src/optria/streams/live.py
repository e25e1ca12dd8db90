"""The latest sample of each tag, conflated: whoever reads sees the newest, however fast the plant is."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch

Latest: TypeAlias = tuple[float, int, int]
"""Value (NaN where there is none), source time in milliseconds since 1970 UTC, quality."""


class Live:
    """One cell per tag. The hub asks once per tick what has changed and sends the same to every client."""

    def __init__(self, tags: Sequence[int]) -> None:
        self._tags = np.asarray(tags, np.int64)
        self._row = {int(tag): row for row, tag in enumerate(tags)}
        self._value = np.full(len(tags), np.nan)
        self._time_us = np.zeros(len(tags), np.int64)
        self._quality = np.zeros(len(tags), np.uint8)
        self._version = np.zeros(len(tags), np.int64)
        self._cursor = 0

    def put(self, batch: SampleBatch, row: NDArray[np.intp]) -> None:
        """Take in samples by ascending time; ``row`` is the position of each tag. Older ones than shown are
        left out."""
        newer = batch.source_time >= self._time_us[row]
        if not newer.all():
            batch, row = batch.select(newer), row[newer]
        if not len(batch):
            return
        self._cursor += 1
        # the same tag twice: numpy assigns in order, so the newest stays
        self._value[row], self._time_us[row], self._quality[row] = (
            batch.value,
            batch.source_time,
            batch.quality,
        )
        self._version[row] = self._cursor

    def forget_times(self, rows: NDArray[np.intp]) -> None:
        """Whatever comes next of these rows is newer: their clock was wrong."""
        self._time_us[rows] = 0

    def continue_after(self, other: "Live") -> None:
        """Count on where ``other`` ended: to a reader with a cursor of ``other`` everything here is new."""
        self._cursor = other._cursor

    def changed_since(self, cursor: int) -> tuple[int, dict[int, Latest]]:
        """The tags with a sample after ``cursor`` (0: all that have one), and the cursor to ask with next."""
        rows = np.flatnonzero(self._version > cursor)
        return self._cursor, self._read(rows)

    def latest(self, tag: int) -> Latest | None:
        """The newest sample of a tag, None if there is none."""
        row = self._row.get(tag)
        if row is None or not self._version[row]:
            return None
        return self._read(np.array([row]))[tag]

    def snapshot(self) -> Mapping[int, Latest]:
        """The newest sample of every tag that has one."""
        return self.changed_since(0)[1]

    def _read(self, rows: NDArray[np.intp]) -> dict[int, Latest]:
        values, times = self._value[rows].tolist(), (self._time_us[rows] // 1000).tolist()
        cells = zip(values, times, self._quality[rows].tolist(), strict=True)
        return dict(zip(self._tags[rows].tolist(), cells, strict=True))
