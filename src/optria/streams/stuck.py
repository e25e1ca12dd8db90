"""Tags that show one value for far longer than they ever did: a frozen instrument, not a calm process."""

import numpy as np
from numpy.typing import NDArray

LEARN_CHANGES = 100
LEAST_SAMPLES = 30
TIMES_LONGEST = 8.0
LEAST_US = 30_000_000


class StuckTimer:
    """Learns how long each tag stays the same, and flags one that stays ``TIMES_LONGEST`` as long.

    A tag is judged only after ``LEARN_CHANGES`` changes of value, never before 30 samples and 30 s.
    """

    def __init__(self, scan_us: NDArray[np.int64]) -> None:
        size = len(scan_us)
        self.least_us = np.maximum(LEAST_US, LEAST_SAMPLES * scan_us)
        self.value = np.full(size, np.nan)
        self.since = np.zeros(size, np.int64)
        self.longest_us = np.zeros(size, np.int64)
        self.changes = np.zeros(size, np.int64)
        self.flagged = np.zeros(size, bool)

    def observe(
        self,
        row: NDArray[np.intp],
        time: NDArray[np.int64],
        value: NDArray[np.float64],
        good: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Take samples in (ascending time); mask of those whose tag is stuck at that moment."""
        stuck = np.zeros(len(row), bool)
        pending = np.flatnonzero(good)
        while len(pending):
            _, first = np.unique(row[pending], return_index=True)
            now = pending[first]
            stuck[now] = self._step(row[now], time[now], value[now])
            pending = np.delete(pending, first)
        return stuck

    def take_over(self, other: "StuckTimer", before: NDArray[np.intp], after: NDArray[np.intp]) -> None:
        """Know of the rows ``after`` what ``other`` knows of its rows ``before``."""
        for name in ("value", "since", "longest_us", "changes", "flagged"):
            getattr(self, name)[after] = getattr(other, name)[before]

    def forget(self, rows: NDArray[np.intp]) -> None:
        """Begin anew with what these tags show; how long they usually stay the same is kept."""
        self.value[rows], self.flagged[rows] = np.nan, False

    def _step(
        self, row: NDArray[np.intp], time: NDArray[np.int64], value: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        changed = value != self.value[row]
        started = np.isnan(self.value[row])
        run = np.where(started, 0, time - self.since[row])
        calm = changed & ~started & ~self.flagged[row]
        self.longest_us[row] = np.where(calm, np.maximum(self.longest_us[row], run), self.longest_us[row])
        self.changes[row] += calm
        allowed = np.maximum(self.least_us[row], (TIMES_LONGEST * self.longest_us[row]).astype(np.int64))
        self.flagged[row] = ~changed & (self.changes[row] >= LEARN_CHANGES) & (run > allowed)
        self.since[row] = np.where(changed, time, self.since[row])
        self.value[row] = value
        return self.flagged[row]
