"""Where an incident began, without knowing any past one: tags and assets, the likeliest first.

A tag speaks by how much of it was not foreseen, in logarithm, and up to twice as loud the earlier it left.
What an asset shows may have come to it along the process, so part of its weight walks up the links to
neighbours that show something themselves (a random walk, as in Kim, Sumbaly, Shah, Root cause detection in a
service-oriented architecture, SIGMETRICS 2013).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optria.core.asset import Link
from optria.rca.baseline import ONSET_BINS, Baseline, Floats, summed
from optria.rca.case import Case
from optria.rca.localise import Onset
from optria.rca.signals import SECOND, Signals
from optria.rca.signature import conditional, stem, values_of

BINS = 360
"""Bins after the anchor that speak."""
ONSET_BEFORE, ONSET_AFTER = 60, 120
"""Bins about the anchor in which tags may leave."""
BEYOND = 1.1
"""Times what normal running ever showed, in SUSTAINED of WITHIN bins, is an onset."""
SUSTAINED, WITHIN = 3, 6
LATER_BINS = 4.0
"""A tag that left so many bins after the first gains a third of what that one does."""
WALK, LEAK, STEPS = 0.4, 0.1, 2
"""Share of an asset's weight that loud neighbours upstream may take over, and that all do, at each step."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Id of an asset and of a tag's mapping with its share; shares of each sum to 1, or there are none."""

    assets: tuple[tuple[int, float], ...] = ()
    tags: tuple[tuple[int, float], ...] = ()


def rank(case: Case, signals: Signals | None, found: Sequence[Onset]) -> Ranking:
    """Rank the assets and tags of a case. A tag's asset is that of the plant's mapping."""
    if signals is None:
        return Ranking()
    weights = tag_weights(case, signals, found)
    tags = {tag.mapping.id: float(weights[row]) for row, tag in enumerate(signals.tags)}
    return Ranking(_shares(_assets(case, tags)), _shares(tags))


def tag_weights(case: Case, signals: Signals, found: Sequence[Onset]) -> Floats:
    """How much each tag was not foreseen after the anchor and how early, float64[tags]."""
    normal = case.normal
    if normal is not None and normal.step == signals.step and len(signals.time) >= signals.after_start + 5:
        size, later = _unforeseen(signals, normal)
    else:
        size, later = _conditional(signals), _bins_later(signals, found)
    trusted = np.array([1.0 if tag.trouble is None else 0.3 for tag in signals.tags])
    weights: Floats = trusted * np.log1p(np.maximum(size - 1.0, 0.0)) * (1.0 + np.exp(-later / LATER_BINS))
    return weights


def _unforeseen(signals: Signals, normal: Baseline) -> tuple[Floats, Floats]:
    """Root mean square of the summed surprises, 1 in normal running, and bins after the first onset."""
    surprises = normal.surprises(values_of(signals, normal))
    start = signals.after_start
    size = np.sqrt((summed(surprises[start : start + BINS] / normal.usual) ** 2).mean(axis=0))
    later = _first_beyond(surprises[max(0, start - ONSET_BEFORE) : start + ONSET_AFTER], normal)
    column = {name: place for place, name in enumerate(normal.names)}
    places = [column.get(stem(tag), -1) for tag in signals.tags]
    return np.append(size, 0.0)[places], np.append(later, np.inf)[places]


def _first_beyond(surprises: Floats, normal: Baseline) -> Floats:
    """Bins from the first onset of all to that of each tag; infinite for one that never left."""
    rows, tags = surprises.shape
    ratio = np.zeros((rows + WITHIN - 1, tags))
    for bins, most in zip(ONSET_BINS, normal.most, strict=True):
        if bins <= rows:
            ratio[bins - 1 : rows] = np.maximum(
                ratio[bins - 1 : rows], np.abs(summed(surprises, bins)) / most
            )
    beyond = ratio > BEYOND
    often = np.lib.stride_tricks.sliding_window_view(beyond, WITHIN, axis=0).sum(axis=2) >= SUSTAINED
    left = often & beyond[:rows]
    first = np.where(left.any(axis=0), left.argmax(axis=0), np.inf)
    return first - first.min() if np.isfinite(first).any() else first


def _conditional(signals: Signals) -> Floats:
    """Root mean square of each tag's shift that the others do not explain."""
    shift = np.array([tag.z for tag in signals.tags])[:, signals.after_start : signals.after_start + BINS]
    size: Floats = np.sqrt((conditional(signals, shift) ** 2).mean(axis=1))
    return size


def _bins_later(signals: Signals, found: Sequence[Onset]) -> Floats:
    later = {onset.tag.mapping.id: float(onset.time - found[0].time) for onset in found}
    step = max(signals.step.total_seconds(), 1.0) * SECOND
    return np.array([later.get(tag.mapping.id, np.inf) for tag in signals.tags]) / step


def _assets(case: Case, tags: Mapping[int, float]) -> dict[int, float]:
    """Weight of each asset: of its strongest tag, after the walk."""
    asset_of = {m.id: m.asset_id for m in (*(s.mapping for s in case.series), *case.plant.mappings)}
    own: dict[int, float] = {}
    for tag, weight in tags.items():
        own[asset_of[tag]] = max(own.get(asset_of[tag], 0.0), weight)
    return walked(own, case.plant.links)


def walked(own: Mapping[int, float], links: Sequence[Link]) -> dict[int, float]:
    """Weights after STEPS steps up the links; their sum stays."""
    above = {
        asset: sorted({link.source for link in links if link.target == asset} & own.keys() - {asset})
        for asset in own
    }
    weights = dict(own)
    for _ in range(STEPS):
        now = dict(weights)
        for asset in (one for one in own if above[one] and own[one] > 0.0):
            loud = sum(own[source] ** 3 for source in above[asset])
            for source in above[asset]:
                share = min(1.0, own[source] / own[asset]) * own[source] ** 3 / loud if loud > 0.0 else 0.0
                given = weights[asset] * (WALK * share + LEAK / len(above[asset]))
                now[source] += given
                now[asset] -= given
        weights = now
    return weights


def _shares(weights: Mapping[int, float]) -> tuple[tuple[int, float], ...]:
    total = sum(weights.values())
    if total <= 0.0:
        return ()
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return tuple((one, round(weight / total, 4)) for one, weight in ranked)
