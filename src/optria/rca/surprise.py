"""What an incident shows beyond what normal running foresees: where, together with what, and how steadily.

At several horizons after the anchor, so that a young incident is compared with what an old one had shown by
then. At each, the second moments of the surprises summed over a few bins, compressed in size, are kept as
their leading directions: what moves together and what against each other differ, and a disturbance that
flutters looks the same with either sign. One that stands does not: the first direction is the one in which it
stands. Features are ``<tag>.way<n>@<seconds>s`` (n = 1..3), ``*.size`` and ``*.hold<bins>``: how much of it
stands when summed over so many bins, 1 for a step, little for a flutter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optria.rca.baseline import ONSET_BINS, SUM_BINS, Baseline, Floats, summed

HORIZONS = (15, 30, 60, 90, 120, 180, 240, 360)
"""Bins after the anchor."""
WAYS = 3
HOLDS = (5, 20, 60)
NOISE = 2.5
"""Sampling errors by which a size must exceed its normal one to count."""
SIZE = "*.size@"
HOLD_DISTANCE = 0.5
OPPOSED = 0.5
"""What two steps in opposite directions lose of their likeness."""
FAINT = 0.2
"""Size up to which normal running comes by itself: what is no larger is hardly like anything."""
SCALE, STANDING = 0.65, 0.5
"""Power that puts incidents of one cause above 0.75 and those of different causes below it; by STANDING more
where both stand all the time: a step shows the same direction each time, a flutter a sample of it."""
PLAIN = 1.0
"""Size from which it is plain that normal running has ended."""
BEYOND = 1.1
"""Times the largest that normal running showed, in LASTING of WITHIN rows, is a lasting deviation."""
LASTING, WITHIN = 10, 15


def surprise_features(baseline: Baseline, values: Floats, start: int) -> dict[str, float]:
    """The features of a run, float64[rows, tags] on the baseline's grid; the anchor is at row ``start``.

    An anchor may be early, by a false alarm even. Where a lasting deviation begins later, and what follows is
    plainly more than normal running shows, the horizons count from there; not for a few rows, since what
    ends soon after the last horizon would lose it.
    """
    surprises = baseline.surprises(values)
    begin = _lasting_from(surprises, baseline.most, start)
    if begin >= start + HORIZONS[0]:
        features = _from(baseline, surprises[begin:])
        if max((size for name, size in features.items() if name.startswith(SIZE)), default=0.0) >= PLAIN:
            return features
    return _from(baseline, surprises[start:])


def _from(baseline: Baseline, surprises: Floats) -> dict[str, float]:
    surprises = surprises / baseline.usual
    features: dict[str, float] = {}
    for bins in HORIZONS:
        if bins <= len(surprises):
            seconds = f"@{bins * baseline.step.total_seconds():g}s"
            features |= _at(baseline.names, surprises[:bins], seconds)
    return features


def _lasting_from(surprises: Floats, most: Floats, start: int) -> int:
    """The row from ``start`` on in which a lasting deviation begins, a horizon before the end at the latest;
    else ``start``.
    """
    beyond = _beyond_normal(surprises, most)[start:]
    if len(beyond) < max(WITHIN, HORIZONS[0]):
        return start
    lasting = np.lib.stride_tricks.sliding_window_view(beyond, WITHIN).sum(axis=1) >= LASTING
    found = np.flatnonzero(lasting & beyond[: len(lasting)])
    return start + min(int(found[0]), len(beyond) - HORIZONS[0]) if len(found) else start


def _beyond_normal(surprises: Floats, most: Floats) -> NDArray[np.bool_]:
    """Rows in which some tag's sum over ONSET_BINS exceeds all that normal running showed, bool[rows]."""
    beyond = np.zeros(len(surprises), dtype=np.bool_)
    for bins, largest in zip(ONSET_BINS, most, strict=True):
        if bins <= len(surprises):
            beyond[bins - 1 :] |= (np.abs(summed(surprises, bins)) > BEYOND * largest).any(axis=1)
    return beyond


def _at(names: Sequence[str], surprises: Floats, seconds: str) -> dict[str, float]:
    moved = summed(surprises)
    moments = moved.T @ moved / len(moved)
    weight = _weights(moments, len(surprises))
    ways = np.round(_ways(moments * np.outer(weight, weight)), 4)
    ways[:, 0] *= 1.0 if (surprises * weight).sum(axis=0) @ ways[:, 0] >= 0.0 else -1.0
    size = float(np.linalg.norm(ways.T @ ways))
    features = {f"{SIZE}{seconds[1:]}": size}
    if size == 0.0:
        return features
    for way in range(WAYS):
        column = ways[:, way]
        features |= {
            f"{names[j]}.way{way + 1}{seconds}": float(column[j]) for j in np.flatnonzero(column).tolist()
        }
    holds = _holds((surprises * weight) @ (ways[:, 0] / np.linalg.norm(ways[:, 0])))
    return features | {f"*.hold{k}{seconds}": round(v, 4) for k, v in zip(_HOLD_NAMES, holds, strict=True)}


_SOME, _WAY = 20, ".way"
_HOLD_NAMES = (*(str(bins) for bins in HOLDS), "all")


def _weights(moments: Floats, rows: int) -> Floats:
    """What takes each tag's size to the logarithm of what it has beyond the normal one and its error."""
    size = np.sqrt(np.maximum(np.diag(moments), 1.0))
    beyond = np.maximum(size - 1.0 - NOISE * np.sqrt(SUM_BINS / (2.0 * rows)), 0.0)
    weights: Floats = np.log1p(beyond) / size
    return weights


def _ways(moments: Floats) -> Floats:
    """The leading directions, float64[tags, WAYS], each as long as the root of its share."""
    value, vector = np.linalg.eigh(moments)
    ways = np.zeros((len(moments), WAYS))
    kept = min(WAYS, len(value))
    ways[:, :kept] = (vector * np.sqrt(np.maximum(value, 0.0)))[:, ::-1][:, :kept]
    return ways


def _holds(path: Floats) -> list[float]:
    """Share of the path's size that stands when summed over HOLDS bins, and over all of it."""
    total = float(np.sqrt(np.mean(path**2))) or 1.0
    sums = np.concatenate([[0.0], np.cumsum(path)])
    held = []
    for bins in (*HOLDS, len(path)):
        bins = min(bins, len(path))
        held.append(min(1.0, float(np.sqrt(np.mean((sums[bins:] - sums[:-bins]) ** 2))) / bins / total))
    return held


def horizons_of(signature: Mapping[str, float]) -> tuple[str, ...]:
    """Of a signature, longest first, as its features name them: ``900s``."""
    found = [name[len(SIZE) :] for name in signature if name.startswith(SIZE)]
    return tuple(sorted(found, key=lambda seconds: -float(seconds[:-1])))


def is_surprise(feature: str) -> bool:
    """Whether a feature is one of this module: it names its horizon."""
    return "@" in feature


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Signatures at one horizon: ``ways`` float64[n, WAYS, names], ``size`` and ``hold`` float64[n, ...]."""

    ways: Floats
    size: Floats
    hold: Floats

    def alike(self, other: "Bundle") -> Floats:
        """Float64[n, m] in [0, 1]: the cosine between the second moments, less where they hold unlike."""
        (count, ways, tags), others = self.ways.shape, len(other.ways)
        products = self.ways.reshape(count * ways, tags) @ other.ways.reshape(others * ways, tags).T
        shared = (products.reshape(count, ways, others, ways) ** 2).sum(axis=(1, 3))
        sizes = np.outer(self.size, other.size)
        cosine = np.where(sizes > 0.0, shared / np.where(sizes > 0.0, sizes, 1.0), 0.0)
        apart = ((self.hold[:, None] - other.hold[None]) ** 2).sum(axis=2)
        near = np.sqrt(np.clip(cosine, 0.0, 1.0)) * np.exp(-HOLD_DISTANCE * apart) * self._one_way(other)
        power = SCALE + STANDING * np.outer(self.hold[:, -1], other.hold[:, -1])
        least = np.maximum(np.minimum(self.size[:, None], other.size[None]), 1e-9)
        found: Floats = np.clip(1.0 - (1.0 - near**power) * (1.0 + FAINT / least), 0.0, 1.0)
        return found

    def _one_way(self, other: "Bundle") -> Floats:
        """Below 1 where both stand all the time, and against each other."""
        leads = [one.ways[:, 0] / np.sqrt(np.maximum(one.size, 1e-9))[:, None] for one in (self, other)]
        against = np.maximum(-(leads[0] @ leads[1].T), 0.0) * np.outer(self.hold[:, -1], other.hold[:, -1])
        return np.asarray(1.0 - OPPOSED * against**6)


def bundle(signatures: Sequence[Mapping[str, float]], names: Iterable[str], seconds: str) -> Bundle:
    """``names`` are the tags that may be shared; what a signature has besides counts in its size alone."""
    columns = [f"{name}.way{way + 1}@{seconds}" for way in range(WAYS) for name in names]
    ways = np.array([[s.get(column, 0.0) for column in columns] for s in signatures])
    size = np.array([s.get(SIZE + seconds, 0.0) for s in signatures])
    hold = np.array([[s.get(f"*.hold{k}@{seconds}", 0.0) for k in _HOLD_NAMES] for s in signatures])
    return Bundle(ways.reshape(len(signatures), WAYS, len(columns) // WAYS), size, hold)


def names_of(signatures: Iterable[Mapping[str, float]]) -> tuple[str, ...]:
    """The tags that any of the signatures names at any horizon."""
    return tuple(
        sorted({name[: name.rindex(_WAY)] for signature in signatures for name in signature if _WAY in name})
    )


def alike(query: Mapping[str, float], history: Sequence[Mapping[str, float]]) -> Floats:
    """How alike a signature is to each of history at the longest horizon that both have, float64[n].

    NaN where they share none; 0 where one shows nothing. One matrix product for each horizon.
    """
    found = np.full(len(history), np.nan)
    names = names_of([query])
    for seconds, rows in _shared(query, history):
        shown = [history[row] for row in rows]
        found[rows] = bundle([query], names, seconds).alike(bundle(shown, names, seconds))[0]
    return found


def _shared(
    query: Mapping[str, float], history: Sequence[Mapping[str, float]]
) -> Iterable[tuple[str, list[int]]]:
    """Each horizon of ``query``, longest first, with the rows of history that share no longer one."""
    left = list(range(len(history)))
    for seconds in horizons_of(query):
        here = [row for row in left if SIZE + seconds in history[row]]
        if here:
            yield seconds, here
            left = [row for row in left if SIZE + seconds not in history[row]]


def mutually_alike(signatures: Sequence[Mapping[str, float]]) -> Floats:
    """:func:`alike` of each with each, float64[n, n]; the tags are those of a few of them."""
    count, some = len(signatures), signatures[:_SOME]
    names = names_of(some)
    found = np.full((count, count), np.nan)
    seconds_of = {seconds for signature in some for seconds in horizons_of(signature)}
    for seconds in sorted(seconds_of, key=lambda s: -float(s[:-1])):
        rows = [row for row in range(count) if SIZE + seconds in signatures[row]]
        if np.isfinite(found[np.ix_(rows, rows)]).all():
            continue
        those = bundle([signatures[row] for row in rows], names, seconds)
        block = found[np.ix_(rows, rows)]
        found[np.ix_(rows, rows)] = np.where(np.isnan(block), those.alike(those), block)
    return found
