"""At which asset it began: the first tag to leave what the others predict, and stay away."""

from dataclasses import dataclass

import numpy as np

from optria.rca.signals import SECOND, Signals, TagSignal
from optria.rca.signature import conditional

LIMIT = 4.0
"""Conditional standard deviations; the first sustained residual beyond them is an onset."""
SUSTAINED_BINS = 3
_AHEAD_S = 30.0


@dataclass(frozen=True, slots=True)
class Onset:
    """When (µs UTC, the begin of its bin) a tag left for good, and how far it went."""

    tag: TagSignal
    time: int
    size: float


def onsets(signals: Signals | None) -> tuple[Onset, ...]:
    """First sustained onset of each trusted tag, earliest first."""
    if signals is None:
        return ()
    z = np.array([t.z for t in signals.tags])
    given = np.abs(conditional(signals, z))
    beyond = (given > LIMIT) & (np.abs(z) > LIMIT / 2.0)
    found = []
    for row, tag in enumerate(signals.tags):
        start = _first_sustained(beyond[row], signals.reference_end)
        if start is not None and tag.trouble is None:
            found.append(Onset(tag, int(signals.time[start - 1]), float(given[row, start:].max())))
    return tuple(sorted(found, key=lambda onset: (onset.time, -onset.size)))


def localise(found: tuple[Onset, ...], asset_id: int) -> int:
    """The asset of the first onset; a neighbour only if it was clearly (30 s) ahead of the asset itself."""
    if not found:
        return asset_id
    own = [onset.time for onset in found if onset.tag.mapping.asset_id == asset_id]
    first = found[0]
    if own and own[0] - first.time < _AHEAD_S * SECOND:
        return asset_id
    return first.tag.mapping.asset_id


def _first_sustained(beyond: np.ndarray[tuple[int], np.dtype[np.bool_]], begin: int) -> int | None:
    run = 0
    for row in range(begin, len(beyond)):
        run = run + 1 if beyond[row] else 0
        if run == SUSTAINED_BINS:
            return row - SUSTAINED_BINS + 1
    return None
