"""The samples of an incident's window: from the stream's memory, and from stored history before it."""

from collections.abc import Sequence

import numpy as np

from optria.core.event import EventWindow
from optria.core.tag import SampleBatch, to_micros
from optria.db.session import Tx
from optria.streams.history import read_window
from optria.streams.recent import Series
from optria.web.services import Pipeline

EDGE_US = 60_000_000
"""Memory that reaches this close to the start of the window is enough."""


async def samples_of(
    tx: Tx, pipeline: Pipeline | None, tags: Sequence[int], window: EventWindow
) -> SampleBatch:
    """Every known sample of ``tags`` in the window; where memory and history overlap, memory counts."""
    recent = pipeline.recent.windows(tags, window.start, window.end) if pipeline else {}
    held_from = {tag: int(series.time[0]) for tag, series in recent.items() if len(series)}
    enough = to_micros(window.start) + EDGE_US
    short = [tag for tag in tags if held_from.get(tag, enough + 1) > enough]
    stored = await read_window(tx, short, window.start, window.end) if short else {}
    older = [_batch(tag, _before(series, held_from.get(tag))) for tag, series in stored.items()]
    return SampleBatch.concat([*older, *(_batch(tag, series) for tag, series in recent.items())])


def _before(series: Series, until_us: int | None) -> Series:
    """A series of history up to where memory begins."""
    kept = len(series) if until_us is None else int(np.searchsorted(series.time, until_us))
    return Series(series.time[:kept], series.value[:kept], series.quality[:kept])


def _batch(tag: int, series: Series) -> SampleBatch:
    return SampleBatch(np.full(len(series), tag, np.int32), series.time, series.value, series.quality)
