"""Which samples may be stored already: those not beyond what was ever handed to the database of their tag."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch

NOTHING = int(np.iinfo(np.int64).min)


class Reach:
    """Until when each tag was written or tried to be, in microseconds."""

    def __init__(self) -> None:
        self._until: dict[int, int] = {}

    def unknown(self, batch: SampleBatch) -> list[int]:
        """Tags that nothing is known of."""
        return [tag for tag in np.unique(batch.tag).tolist() if tag not in self._until]

    def learn(self, tags: list[int], until: Mapping[int, int]) -> None:
        """What the database holds of tags; those it does not name are not stored."""
        self._until.update({tag: until.get(tag, NOTHING) for tag in tags})

    def within(self, batch: SampleBatch) -> NDArray[np.bool_]:
        """Which samples may be stored already."""
        tags, row = np.unique(batch.tag, return_inverse=True)
        until = np.array([self._until[tag] for tag in tags.tolist()], np.int64)
        return np.asarray(batch.source_time <= until[row], np.bool_)

    def extend(self, batch: SampleBatch) -> None:
        """The batch is about to be handed over: whatever becomes of it, it may be stored from now on."""
        tags, row = np.unique(batch.tag, return_inverse=True)
        newest = np.full(len(tags), NOTHING, np.int64)
        np.maximum.at(newest, row, batch.source_time)
        for tag, time in zip(tags.tolist(), newest.tolist(), strict=True):
            self._until[tag] = max(self._until[tag], time)
