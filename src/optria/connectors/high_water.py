"""Up to when the samples of each tag have come, over all tries of a connection."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from optria.connectors.base import batch_of
from optria.core.tag import Quality, SampleBatch, from_micros

NEVER = -(2**63)
JUST_AFTER_US = 1_000
"""A gap begins this much after the last sample before it."""


class HighWater:
    """The newest source time of each of ``tags``, in the source's own clock.

    What history says again of the time before is known already, whichever server or session tells it.
    """

    def __init__(self, tags: Sequence[int]) -> None:
        self._tags = np.unique(np.array([-1, *tags], np.int64))
        self._newest = np.full(len(self._tags), NEVER, np.int64)

    def copy(self) -> "HighWater":
        """As it is now."""
        other = HighWater([])
        other._tags, other._newest = self._tags, self._newest.copy()
        return other

    def note(self, batch: SampleBatch) -> None:
        """These samples have been passed on."""
        rows, known = self._rows(batch)
        np.maximum.at(self._newest, rows[known], batch.source_time[known])

    def beyond(self, batch: SampleBatch) -> SampleBatch:
        """Those later than what has been passed on of their tag."""
        rows, known = self._rows(batch)
        return batch.select(known & (batch.source_time > self._newest[rows]))

    def not_again(self, batch: SampleBatch) -> SampleBatch:
        """Without those that are the newest of their tag once more, as a new subscription begins."""
        rows, known = self._rows(batch)
        return batch.select(~known | (batch.source_time != self._newest[rows]))

    @property
    def newest(self) -> datetime | None:
        """The newest sample of any tag."""
        newest = int(self._newest.max(initial=NEVER))
        return None if newest == NEVER else from_micros(newest)

    def gap(self, tags: Sequence[int]) -> SampleBatch:
        """A sample without value just after the last of each of ``tags``: from there nothing is known."""
        rows = np.searchsorted(self._tags, np.array(sorted(set(tags)), np.int64))
        rows = rows[self._newest[rows] != NEVER]
        times = (self._newest[rows] + JUST_AFTER_US).tolist()
        count = len(times)
        return batch_of(self._tags[rows].tolist(), times, [float("nan")] * count, [Quality.BAD] * count)

    def _rows(self, batch: SampleBatch) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        rows = np.minimum(np.searchsorted(self._tags, batch.tag), len(self._tags) - 1)
        return rows, self._tags[rows] == batch.tag
