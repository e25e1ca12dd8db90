"""Where an incident began, without knowing any past one: tags and assets, the likeliest first.

The detector may speak late, or once too early. So the begin is sought about its anchor: the row from which
what was not foreseen stays large. From there on, a tag speaks by how much of it was not foreseen, in
logarithm, and up to twice as loud the earlier it left what the others predict. What an asset shows may have
come to it along the process: a neighbour upstream that shows as much, no later, takes over most of its weight
(one step of the walk in Kim, Sumbaly, Shah, Root cause detection in a service-oriented architecture,
SIGMETRICS 2013). What no instrument sees enters where the process begins, so silent sources of the likeliest
asset keep a share.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log

import numpy as np

from optria.core.asset import Link
from optria.rca.baseline import SUM_BINS, Baseline, Floats, summed
from optria.rca.case import Case
from optria.rca.signals import Signals
from optria.rca.signature import stem, values_of

BEFORE, AFTER = 60, 360
"""Bins about the anchor in which it may have begun."""
LARGE, SWAY = 10.0, 3.6
"""Mean square of all tags: more than LARGE counts as LARGE; SWAY over the root of their number is what noise
adds to its 1, so that by chance the begin wanders by a bin or two."""
CLEAR = 5.0
"""What must have gathered beyond that for a begin other than the anchor."""
BINS = 30
"""Bins after the begin that speak."""
AHEAD, ONSET_BINS = 5, 120
"""Bins before the begin, and about it, in which a tag may leave."""
LIMIT, SUSTAINED = 4.0, 3
"""Deviations of what the others do not explain, in so many bins on end, are an onset."""
LEAST_SHRUNK, MOST_SHRUNK = 0.2, 0.9
MOST_SHIFT = 30.0
"""Deviations beyond which a shift explains no more of others."""
SEEN = 10
"""Bins that suffice to say what is usual."""
FLOOR = 1.5
"""Root mean square that says nothing."""
LATER_BINS = 6.0
"""A tag that left so many bins after the first gains a third of what that one does."""
CAME_ALONG, LOUDER, LATER, SOONEST = 4.0, 8.0, 0.4, 2.0
"""Logarithm of the odds that a deviation came from a neighbour as loud and as early, what it loses for each
unit of loudness that this one lacks and for each bin that it is late, and how many bins ahead count."""
SURE = 7.0
LEAST = 0.2
"""Loudness below which nothing comes from a neighbour."""
WALK = 0.7
"""Most that neighbours upstream take over."""
UNSEEN = 0.3
"""Of the likeliest asset's weight: what the sources before it get."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Id of an asset and of a tag's mapping with its share; shares of each sum to 1, or there are none."""

    assets: tuple[tuple[int, float], ...] = ()
    tags: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """How loud a tag or asset is, as logarithm, and how many bins after the first of all it left."""

    loud: float
    later: float

    @property
    def weight(self) -> float:
        """Loudness, up to doubled for an early one."""
        return self.loud * (1.0 + exp(-self.later / LATER_BINS))


def rank(case: Case, signals: Signals | None) -> Ranking:
    """Rank the assets and tags of a case. A tag's asset is that of the plant's mapping."""
    if signals is None:
        return Ranking()
    tags = shown_by(case, signals)
    assets = weights(_of_assets(case, tags), case.plant.links)
    return Ranking(_shares(assets), _shares({tag: shown.weight for tag, shown in tags.items()}))


def shown_by(case: Case, signals: Signals) -> dict[int, Shown]:
    """By id of the mapping: how much of each tag was not foreseen, and how early."""
    normal = case.normal
    if normal is not None and normal.step == signals.step and len(signals.time) > SUM_BINS:
        size, left = _unforeseen(signals, normal)
    else:
        size, left = _unexplained(signals)
    later = left - left.min() if np.isfinite(left).any() else left
    found = {}
    for row, tag in enumerate(signals.tags):
        loud = log(max(float(size[row]) / FLOOR, 1.0)) * (1.0 if tag.trouble is None else 0.3)
        found[tag.mapping.id] = Shown(loud, float(later[row]))
    return found


def _unforeseen(signals: Signals, normal: Baseline) -> tuple[Floats, Floats]:
    """Root mean square of the summed surprises, 1 in normal running, and the row of the first onset."""
    values = values_of(signals, normal)
    moved = summed(normal.surprises(values)) / normal.usual
    moved = np.vstack([np.zeros((SUM_BINS - 1, moved.shape[1])), moved])
    begin = _begin(moved, signals.after_start)
    size, left = _size(moved, begin), _left(normal.standing(values), begin)
    column = {name: place for place, name in enumerate(normal.names)}
    places = [column.get(stem(tag), -1) for tag in signals.tags]
    return np.append(size, 0.0)[places], np.append(left, np.inf)[places]


def _unexplained(signals: Signals) -> tuple[Floats, Floats]:
    """The same of what the others do not explain, by the reference of the case.

    So much is usual as was seen in the reference, or between it and the anchor: what was fitted looks small.
    """
    moved = _standing(np.array([tag.z for tag in signals.tags]), signals.reference_end)
    before = moved[: signals.reference_end]
    since = moved[signals.reference_end : max(signals.reference_end, signals.after_start - AHEAD)]
    usual = _root_mean_square(before)
    if len(since) >= SEEN:
        usual = np.maximum(usual, _root_mean_square(since))
    moved = moved / np.maximum(usual, 1.0)
    begin = _begin(moved, signals.after_start)
    return _size(moved, begin), _left(moved, begin)


def _standing(z: Floats, rows: int) -> Floats:
    """How far each tag of ``z`` [tags, bins] stands from where the others say by its first rows, transposed.

    Sampling spreads the correlation's eigenvalues by the root of tags over rows (Marchenko and Pastur,
    1967); so far it is shrunk towards independence.
    """
    tags = len(z)
    shrunk = min(MOST_SHRUNK, max(LEAST_SHRUNK, float(np.sqrt(tags / rows))))
    covariance = np.cov(z[:, :rows]).reshape(tags, tags)
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    correlation = covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    precision = np.linalg.inv((1.0 - shrunk) * correlation + shrunk * np.eye(tags))
    given: Floats = np.clip(z, -MOST_SHIFT, MOST_SHIFT).T @ (precision / np.sqrt(np.diag(precision)))
    return given


def _begin(moved: Floats, anchor: int) -> int:
    """The row from which most gathers beyond noise until the end; the anchor where it is not clear."""
    start = max(0, anchor - BEFORE)
    quiet = 1.0 + SWAY / np.sqrt(moved.shape[1])
    gain = np.minimum((moved[start : anchor + AFTER] ** 2).mean(axis=1), LARGE) - quiet
    gathered = np.cumsum(gain[::-1])[::-1]
    return start + int(gathered.argmax()) if gathered.max() > CLEAR else anchor


def _size(moved: Floats, begin: int) -> Floats:
    """Root mean square of BINS after the begin; its own sum reaches back."""
    return _root_mean_square(moved[max(0, begin - SUM_BINS + 1) : begin + BINS])


def _root_mean_square(values: Floats) -> Floats:
    size: Floats = np.sqrt((values**2).mean(axis=0))
    return size


def _left(standing: Floats, begin: int) -> Floats:
    """The row in which each tag leaves for good, from a little before the begin; inf where it does not."""
    beyond = np.abs(standing[max(0, begin - AHEAD) : begin + ONSET_BINS]) > LIMIT
    if len(beyond) < SUSTAINED:
        return np.full(standing.shape[1], np.inf)
    sustained = np.lib.stride_tricks.sliding_window_view(beyond, SUSTAINED, axis=0).all(axis=2)
    return np.where(sustained.any(axis=0), sustained.argmax(axis=0), np.inf)


def _of_assets(case: Case, tags: Mapping[int, Shown]) -> dict[int, Shown]:
    """Each asset is as loud as its loudest tag and as early as its first: many are no louder than one."""
    asset_of = {m.id: m.asset_id for m in (*(s.mapping for s in case.series), *case.plant.mappings)}
    found: dict[int, Shown] = {}
    for tag, shown in tags.items():
        before = found.get(asset_of[tag], Shown(0.0, inf))
        found[asset_of[tag]] = Shown(max(before.loud, shown.loud), min(before.later, shown.later))
    return found


def weights(assets: Mapping[int, Shown], links: Iterable[Link]) -> dict[int, float]:
    """How likely it began at each asset, not normed: none gets more than all show, and a share of UNSEEN."""
    pairs = {(link.source, link.target) for link in links if link.source != link.target}
    above = {one: sorted(s for s, t in pairs if t == one and s in assets) for one in assets}
    found = {one: shown.weight for one, shown in assets.items()}
    for one, shown in assets.items():
        odds = {source: _odds(assets[source], shown) for source in above[one]}
        for source, of_source in odds.items():
            given = shown.weight * WALK * of_source / (1.0 + sum(odds.values()))
            found[source] += given
            found[one] -= given
    likeliest = max(found, key=lambda one: (found[one], -one))
    sources = [source for source in above[likeliest] if not above[source]]
    for source in sources:
        found[source] += UNSEEN * found[likeliest] / len(sources)
    return found


def _odds(source: Shown, target: Shown) -> float:
    """That what the target shows came from the source, to that it did not."""
    if source.loud <= LEAST or target.loud <= 0.0:
        return 0.0
    late = 0.0 if source.later == target.later else source.later - target.later
    return exp(
        min(SURE, CAME_ALONG + LOUDER * (source.loud - target.loud) - LATER * max(min(late, 60.0), -SOONEST))
    )


def _shares(weights: Mapping[int, float]) -> tuple[tuple[int, float], ...]:
    total = sum(weights.values())
    if total <= 0.0:
        return ()
    ranked: Sequence[tuple[int, float]] = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return tuple((one, round(weight / total, 4)) for one, weight in ranked)
