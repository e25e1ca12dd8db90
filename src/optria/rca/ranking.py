"""Where an incident began, without knowing any past one: tags and assets, the likeliest first.

A tag speaks by how much of it was not foreseen, in logarithm. What an asset shows may have come to it along
the process, so its weight walks up the links to neighbours that show something themselves (a random walk, as
in Kim, Sumbaly, Shah, MonitorRank, SIGMETRICS 2013).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optria.core.tag import SignalMapping
from optria.rca.baseline import Floats, summed
from optria.rca.case import Case
from optria.rca.localise import Onset
from optria.rca.signals import SECOND, Signals
from optria.rca.signature import conditional, stem, values_of

BINS = 360
"""Bins after the anchor that speak."""
WALK = 0.3
"""Share of an asset's weight that its neighbours upstream may take over."""
FIRST_GAIN = 0.5
"""What the tag that left first gains, and one that left a time constant later a third of it."""
_LATER_BINS = 6.0


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
    return Ranking(_shares(_assets(case, signals, weights)), _shares(tags))


def tag_weights(case: Case, signals: Signals, found: Sequence[Onset]) -> Floats:
    """How much each tag was not foreseen after the anchor, float64[tags], in logarithm."""
    sizes = _surprise_sizes(case, signals)
    if sizes is None:
        shift = np.array([t.z for t in signals.tags])[:, signals.after_start : signals.after_start + BINS]
        sizes = np.sqrt((conditional(signals, shift) ** 2).mean(axis=1))
    trusted = np.array([1.0 if t.trouble is None else 0.3 for t in signals.tags])
    weights: Floats = trusted * np.log1p(np.maximum(sizes - 1.0, 0.0))
    return weights * (1.0 + _first(signals, found))


def _surprise_sizes(case: Case, signals: Signals) -> Floats | None:
    """Root mean square of the summed surprises, 1 in normal running; None where none was learned."""
    if case.normal is None or case.normal.step != signals.step:
        return None
    surprises = case.normal.surprises(values_of(signals, case.normal))
    after = surprises[signals.after_start : signals.after_start + BINS] / case.normal.usual
    if len(after) < 5:
        return None
    size = np.sqrt((summed(after) ** 2).mean(axis=0))
    by_name = dict(zip(case.normal.names, size.tolist(), strict=True))
    return np.array([by_name.get(stem(tag), 0.0) for tag in signals.tags])


def _first(signals: Signals, found: Sequence[Onset]) -> Floats:
    """FIRST_GAIN for the tag that left first, less for those after it, 0 for those that did not leave."""
    gain = np.zeros(len(signals.tags))
    step = max(signals.step.total_seconds(), 1.0)
    rows = {tag.mapping.id: row for row, tag in enumerate(signals.tags)}
    for onset in found:
        later = (onset.time - found[0].time) / SECOND / step
        gain[rows[onset.tag.mapping.id]] = FIRST_GAIN * np.exp(-later / _LATER_BINS)
    return gain


def _assets(case: Case, signals: Signals, weights: Floats) -> dict[int, float]:
    """Weight of each asset: of its strongest tag, after the walk."""
    asset_of: Mapping[int, SignalMapping] = {m.id: m for m in case.plant.mappings}
    own: dict[int, float] = {}
    for tag, weight in zip(signals.tags, weights.tolist(), strict=True):
        asset = asset_of.get(tag.mapping.id, tag.mapping).asset_id
        own[asset] = max(own.get(asset, 0.0), weight)
    return _walked(own, [(link.source, link.target) for link in case.plant.links])


def _walked(own: Mapping[int, float], links: list[tuple[int, int]]) -> dict[int, float]:
    """Each asset gives WALK of its weight up the links, by the share of those that speak as loudly."""
    walked = dict(own)
    for asset, weight in own.items():
        above = [source for source, target in links if target == asset and source in own and source != asset]
        loud = [source for source in above if own[source] > 0.0 and weight > 0.0]
        for source in loud:
            given = WALK * weight * min(1.0, own[source] / weight) ** 2 / len(loud)
            walked[source] += given
            walked[asset] -= given
    return walked


def _shares(weights: Mapping[int, float]) -> tuple[tuple[int, float], ...]:
    total = sum(weights.values())
    if total <= 0.0:
        return ()
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return tuple((one, round(weight / total, 4)) for one, weight in ranked)
