"""What a stream hands to the one that takes its place when the plant is configured anew.

Only a tag that still means the same (:func:`optria.streams.checkpoint.meaning`) is taken over; another one
begins as new.
"""

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch
from optria.streams.checkpoint import meaning
from optria.streams.pipeline import Pipeline
from optria.streams.roster import Roster


def hand_over(old: Pipeline, new: Pipeline) -> None:
    """Give ``new`` the learned state, the samples in memory, limits crossed and counts of ``old``.

    ``new`` shares the history of ``old``, whose buffer goes on.
    """
    old.release_all()
    new.errors, new.taken, new.busy_s = old.errors, old.taken, old.busy_s
    new.restore(old.state())
    before, after = unchanged(old.roster, new.roster)
    new.live.continue_after(old.live)
    new.remember(_samples(old, before))
    new.gate.take_over(old.gate, before, after)
    new.limits.take_over(old.limits)


def unchanged(old: Roster, new: Roster) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows, in the old roster and in the new one, of the tags that mean the same in both."""
    meant = {mapping.id: (row, meaning(mapping)) for row, mapping in enumerate(old.mappings)}
    pairs = [
        (meant[mapping.id][0], row)
        for row, mapping in enumerate(new.mappings)
        if mapping.id in meant and meant[mapping.id][1] == meaning(mapping)
    ]
    both = np.array(pairs, np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _samples(old: Pipeline, rows: NDArray[np.intp]) -> SampleBatch:
    parts = []
    for row in rows.tolist():
        tag, series = old.roster.mappings[row].id, old.recent.all_of(row)
        parts.append(
            SampleBatch(np.full(len(series), tag, np.int32), series.time, series.value, series.quality)
        )
    return SampleBatch.concat(parts)
