"""The latest sample of each tag, conflated: whoever reads sees the newest, however fast the plant is."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch

Latest: TypeAlias = tuple[float, int, int]
"""Value (NaN where there is none), source time in milliseconds since 1970 UTC, quality."""


class Live:
    """One cell per tag. The hub asks once per tick what has changed and sends the same to every client."""

    def __init__(self, tags: Sequence[int], monotonic: Callable[[], float]) -> None:
        self._tags = np.asarray(tags, np.int64)
        self._row = {int(tag): row for row, tag in enumerate(tags)}
        self._value = np.full(len(tags), np.nan)
        self._time_us = np.zeros(len(tags), np.int64)
        self._quality = np.zeros(len(tags), np.uint8)
        self._version = np.zeros(len(tags), np.int64)
        self._cursor = 0
        self._monotonic = monotonic
        self._rate_from, self._rate_updates, self._rate = monotonic(), 0, 0.0
        self.updates = 0
        """Samples taken in since the start."""

    def put(self, batch: SampleBatch, row: NDArray[np.intp]) -> None:
        """Take in samples by ascending time; ``row`` is the position of each tag."""
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
        self.updates += len(batch)

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

    def updates_per_s(self) -> float:
        """Samples per second over the last second or more between two calls."""
        elapsed = self._monotonic() - self._rate_from
        if elapsed >= 1.0:
            self._rate = (self.updates - self._rate_updates) / elapsed
            self._rate_from, self._rate_updates = self._monotonic(), self.updates
        return self._rate

    def adopt(self, other: "Live") -> None:
        """Take over what another one knows of the same tags; cursors stay valid."""
        self._cursor, self.updates = other._cursor, other.updates
        for tag, row in self._row.items():
            source = other._row.get(tag)
            if source is not None:
                for mine, theirs in (
                    (self._value, other._value),
                    (self._time_us, other._time_us),
                    (self._quality, other._quality),
                    (self._version, other._version),
                ):
                    mine[row] = theirs[source]

    def _read(self, rows: NDArray[np.intp]) -> dict[int, Latest]:
        values, times = self._value[rows].tolist(), (self._time_us[rows] // 1000).tolist()
        cells = zip(values, times, self._quality[rows].tolist(), strict=True)
        return dict(zip(self._tags[rows].tolist(), cells, strict=True))
