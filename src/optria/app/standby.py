"""A server that stands by shows what the one on duty has stored: some seconds old, and nothing is scored."""

from datetime import timedelta
from typing import Final

import numpy as np

from optria.core.tag import SampleBatch, from_micros
from optria.db.session import Tx
from optria.kit import clock
from optria.streams.gate import NEVER
from optria.streams.history import read_window
from optria.streams.pipeline import Pipeline

AT_FIRST: Final = timedelta(minutes=10)
OVERLAP: Final = timedelta(seconds=15)
"""Tags are not stored equally far at the same moment."""


async def follow(tx: Tx, pipeline: Pipeline) -> int:
    """Take over what was stored since the last time; the number of samples."""
    now, known = clock.now(), pipeline.gate.last_time
    newest = int(known.max(initial=NEVER))
    start = from_micros(newest) - OVERLAP if newest > NEVER else now - AT_FIRST
    stored = await read_window(tx, pipeline.roster.ids.tolist(), max(start, now - AT_FIRST), now)
    parts = []
    for tag, series in stored.items():
        row = pipeline.roster.row_of(tag)
        new = series.time > (known[row] if row is not None else NEVER)
        if new.any():
            size = int(new.sum())
            parts.append(
                SampleBatch(
                    np.full(size, tag, np.int32), series.time[new], series.value[new], series.quality[new]
                )
            )
    samples = SampleBatch.concat(parts)
    pipeline.remember(samples)
    return len(samples)
