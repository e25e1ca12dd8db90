"""At which asset it began: by the first tag to leave what the others predict, and by who can explain it.

A disturbance runs through a train within seconds, so the detector that speaks first may be a neighbour's.
An incident that has reached several assets is therefore looked at from each of them; it is rooted where a
known cause explains it best, the likelier the sooner that asset deviated.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import numpy as np

from optria.core.asset import Link
from optria.core.incident import OTHER, Analysis
from optria.rca.signals import SECOND, Signals, TagSignal
from optria.rca.signature import conditional

LIMIT = 4.0
"""Conditional standard deviations; the first sustained residual beyond them is an onset."""
SUSTAINED_BINS = 3
_AHEAD_S = 30.0
LATE_HALF_S = 60.0
AT_ONCE_S = 5.0
CLEARLY = 1.05
"""How much likelier another asset must be before an incident is moved to it."""


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


@dataclass(frozen=True, slots=True)
class View:
    """An incident analysed as one of an asset that it has reached, which deviated ``since`` then."""

    asset_id: int
    since: datetime
    analysis: Analysis

    @property
    def cause(self) -> str:
        """The likeliest known cause; empty where there is none."""
        return next((label for label, p in self.analysis.scores.items() if label != OTHER and p > 0.0), "")

    @property
    def explained(self) -> float:
        """Its probability."""
        return self.analysis.scores.get(self.cause, 0.0)


def root_of(views: Sequence[View], root_asset_id: int, links: Collection[Link]) -> View:
    """The view from where it began; ``root_asset_id`` is where it was thought to, and keeps the doubt.

    Another asset is named only when a known cause is likelier there than not, and clearly likelier than at
    the present root. Raises ValueError for no views.
    """
    begin = min(view.since for view in views)
    branches = _branches(views, links)
    weight = {
        v.asset_id: 0.0 if v.asset_id in branches else v.explained * _soon((v.since - begin).total_seconds())
        for v in views
    }
    best = max(views, key=lambda view: weight[view.asset_id])
    present = next((view for view in views if view.asset_id == root_asset_id), best)
    clear = weight[best.asset_id] >= CLEARLY * weight[present.asset_id]
    return best if clear and best.explained > 0.5 else present


def _branches(views: Sequence[View], links: Collection[Link]) -> set[int]:
    """Branches that are no roots: what two of one joint show alike and at once came to them from the joint,
    which must be explained too and have deviated soon.
    """
    seen = {view.asset_id: view for view in views if view.cause}
    found: set[int] = set()
    for side in (_by(links, "source", "target"), _by(links, "target", "source")):
        for joint, arms in side.items():
            alike = [seen[arm] for arm in arms & seen.keys()] if joint in seen else []
            for one, other in combinations(alike, 2):
                at_once = abs((one.since - other.since).total_seconds()) <= AT_ONCE_S
                soon = (seen[joint].since - one.since).total_seconds() <= LATE_HALF_S
                if one.cause == other.cause and at_once and soon:
                    found |= {one.asset_id, other.asset_id}
    return found


def _by(links: Collection[Link], end: str, other: str) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for link in links:
        found.setdefault(getattr(link, end), set()).add(getattr(link, other))
    return found


def _soon(late_s: float) -> float:
    """1 for the first asset to deviate, half for one that did so a minute later."""
    return float(0.5 ** (late_s / LATE_HALF_S))


def _first_sustained(beyond: np.ndarray[tuple[int], np.dtype[np.bool_]], begin: int) -> int | None:
    run = 0
    for row in range(begin, len(beyond)):
        run = run + 1 if beyond[row] else 0
        if run == SUSTAINED_BINS:
            return row - SUSTAINED_BINS + 1
    return None
