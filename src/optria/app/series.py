"""One series of a tag from two sources: what is stored, and what memory holds beyond it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from optria.core.tag import to_micros
from optria.streams.recent import Series

MEMORY_MARGIN_S = 5.0


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
