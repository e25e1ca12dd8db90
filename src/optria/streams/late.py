"""Samples that came after their time, told so that an open incident is analysed with them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch, from_micros
from optria.streams.roster import Roster

DELAYED_US = 30_000_000
"""A sample older than this when it comes was not there for an analysis that may have run meanwhile."""


@dataclass(frozen=True, slots=True)
class Late:
    """``samples`` of an asset, taken between ``first`` and ``last``, that have come only now."""

    asset_id: int
    first: datetime
    last: datetime
    samples: int

    def with_more(self, other: "Late") -> "Late":
        """Both together, of the same asset."""
        first, last = min(self.first, other.first), max(self.last, other.last)
        return Late(self.asset_id, first, last, self.samples + other.samples)


class Lates:
    """Tells of late samples by asset."""

    def __init__(self, roster: Roster, tell: Callable[[Late], None]) -> None:
        self._roster, self._tell = roster, tell

    def note_delayed(self, batch: SampleBatch, row: NDArray[np.intp], now_us: int) -> None:
        """Of samples in order, those that were long on their way, such as after a lost link."""
        delayed = batch.source_time < now_us - DELAYED_US
        if delayed.any():
            self.note(batch.select(delayed), row[delayed])

    def note(self, batch: SampleBatch, row: NDArray[np.intp]) -> None:
        asset = self._roster.asset_row[row]
        for each in np.unique(asset).tolist():
            time = batch.source_time[asset == each]
            first, last = from_micros(int(time.min())), from_micros(int(time.max()))
            self._tell(Late(self._roster.asset_ids[each], first, last, len(time)))
