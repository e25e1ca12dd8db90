"""One series of a tag from two sources: what is stored, and what memory holds beyond it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from optria.core.tag import SignalMapping, to_micros
from optria.db.session import Tx
from optria.rca.case import Series as TagSeries
from optria.streams.history import read_window
from optria.streams.pipeline import Pipeline
from optria.streams.recent import Series

MEMORY_MARGIN_S = 5.0


async def read_series(
    tx: Tx, pipeline: Pipeline | None, mappings: Sequence[SignalMapping], start: datetime, end: datetime
) -> tuple[TagSeries, ...]:
    """Samples of a window: from memory, and from stored history where memory does not reach back."""
    tags = [mapping.id for mapping in mappings]
    recent = pipeline.recent.windows(tags, start, end) if pipeline else {}
    stored = await read_window(tx, tags, start, end) if reaches_short(recent, tags, start) else {}
    found = {tag: longer(recent.get(tag), stored.get(tag)) for tag in tags}
    return tuple(
        TagSeries(mapping, series.time, series.value, series.quality)
        for mapping in mappings
        if (series := found[mapping.id]) is not None
    )


def reaches_short(recent: Mapping[int, Series], tags: Sequence[int], start: datetime) -> bool:
    """Whether memory holds nothing of a tag, or begins too late."""
    begin = to_micros(start) + int(MEMORY_MARGIN_S * 1e6)
    return any(tag not in recent or not len(recent[tag]) or recent[tag].time[0] > begin for tag in tags)


def longer(recent: Series | None, stored: Series | None) -> Series | None:
    """What is stored, continued by what memory has beyond it."""
    if recent is None or not len(recent):
        return stored
    if stored is None or not len(stored) or stored.time[0] >= recent.time[0]:
        return recent
    old = stored.time < recent.time[0]
    return Series(
        np.concatenate([stored.time[old], recent.time]),
        np.concatenate([stored.value[old], recent.value]),
        np.concatenate([stored.quality[old], recent.quality]),
    )
