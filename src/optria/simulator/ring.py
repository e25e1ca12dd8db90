"""The last hours of every tag, in memory."""

import numpy as np
from numpy.typing import NDArray

from optria.simulator.source import Qualities, Series, Times, Values


class HistoryRing:
    """Keeps the last `rows` instants of `columns` tags; the oldest is overwritten."""

    def __init__(self, rows: int, columns: int) -> None:
        self._time = np.zeros((rows, columns), np.int64)
        self._value = np.zeros((rows, columns))
        self._quality = np.zeros((rows, columns), np.uint8)
        self._present = np.zeros((rows, columns), np.bool_)
        self._next = 0

    def append(self, time: Times, value: Values, quality: Qualities, present: NDArray[np.bool_]) -> None:
        """Store one instant; columns that are not `present` had no sample."""
        row = self._next % len(self._time)
        self._time[row] = time
        self._value[row] = value
        self._quality[row] = quality
        self._present[row] = present
        self._next += 1

    def read(self, column: int, start_us: int, end_us: int, limit: int) -> Series:
        """The first `limit` samples of one tag in [start, end] by time; a limit of 0 or less means all."""
        times = self._time[:, column]
        inside = self._present[:, column] & (times >= start_us) & (times <= end_us)
        rows = np.flatnonzero(inside)
        rows = rows[np.argsort(times[rows], kind="stable")]
        if limit > 0:
            rows = rows[:limit]
        return times[rows], self._value[rows, column], self._quality[rows, column]
