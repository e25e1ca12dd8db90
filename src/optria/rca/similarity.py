"""How much one incident resembles a past one: in what moved, what happened, and in which order."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from optria.core.incident import SimilarIncident
from optria.rca.case import PastIncident
from optria.rca.signals import Floats
from optria.rca.signature import compress, compressed
from optria.rca.surprise import alike, is_surprise, mutually_alike
from optria.rca.timeline import TimelineEntry

CANDIDATE = 0.75
"""A past incident is a candidate above this, not at it."""
COSINE_WEIGHT, KEY_WEIGHT, TYPE_WEIGHT, ORDER_WEIGHT = 0.7, 0.1, 0.1, 0.1
_SHORT_LIST = 20
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Pattern:
    """What of an incident can be compared: its signature and its event types in order."""

    signature: Mapping[str, float] = field(default_factory=dict)
    event_types: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.signature and not self.event_types


def similarity(a: Pattern, b: Pattern) -> float:
    """In [0, 1], symmetric, 1 for itself: the weighted mean of the signatures' likeness, and of the overlap
    and the order of event types. What neither or only one of the two has is left out.
    """
    if a == b:
        return 1.0
    surprise = float(alike(a.signature, [b.signature])[0]) if a.signature and b.signature else math.nan
    return _weighed(a, b, surprise)


def _weighed(a: Pattern, b: Pattern, surprise: float) -> float:
    """``surprise`` is how alike they are beyond what normal running foresees; else (NaN) the cosine and the
    key metrics of what moved tell.
    """
    parts: list[tuple[float, float]] = []
    if not math.isnan(surprise):
        parts.append((COSINE_WEIGHT + KEY_WEIGHT, surprise))
    elif (x := plain(a.signature)) and (y := plain(b.signature)):
        parts.append((COSINE_WEIGHT, cosine(x, y)))
        parts.append((KEY_WEIGHT, key_metrics(x, y)))
    if a.event_types and b.event_types:
        parts.append((TYPE_WEIGHT, type_overlap(a.event_types, b.event_types)))
        parts.append((ORDER_WEIGHT, order_overlap(a.event_types, b.event_types)))
    if not parts:
        return 0.0
    mean = sum(weight * part for weight, part in parts) / sum(weight for weight, _ in parts)
    return min(1.0, max(0.0, mean))


def plain(signature: Mapping[str, float]) -> dict[str, float]:
    """What moved, without what normal running did not foresee."""
    return {name: value for name, value in signature.items() if not is_surprise(name)}


def cosine(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Cosine of two signatures, 0 where they point away from each other."""
    x, y = compressed([a, b], vocabulary_of([a, b]))
    length = float(np.linalg.norm(x) * np.linalg.norm(y))
    return max(0.0, min(1.0, float(x @ y) / length)) if length else float(dict(a) == dict(b))


def key_metrics(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Shared over total movement of the metrics, direction by direction (Ruzicka)."""
    shared = total = 0.0
    for name in sorted(set(a) | set(b)):
        x, y = compress(name, a.get(name, 0.0)), compress(name, b.get(name, 0.0))
        opposed = min(x, y) < 0.0 < max(x, y)
        total += abs(x) + abs(y) if opposed else max(abs(x), abs(y))
        shared += 0.0 if opposed else min(abs(x), abs(y))
    return shared / total if total else float(dict(a) == dict(b))


def type_overlap(a: Sequence[str], b: Sequence[str]) -> float:
    """Jaccard index of the event types."""
    return len(set(a) & set(b)) / len(set(a) | set(b))


def order_overlap(a: Sequence[str], b: Sequence[str]) -> float:
    """Longest common subsequence over the mean length."""
    a, b = a[:_LONGEST], b[:_LONGEST]
    row = [0] * (len(b) + 1)
    for x in a:
        before = row
        row = [0]
        for column, y in enumerate(b):
            row.append(before[column] + 1 if x == y else max(before[column + 1], row[-1]))
    return 2.0 * row[-1] / (len(a) + len(b))


def event_types(events: Sequence[TimelineEntry]) -> tuple[str, ...]:
    """The kinds of events in order, repetitions in a row counted once."""
    kinds: list[str] = []
    for entry in events:
        kind = event_type(entry)
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
    return tuple(kinds)


def event_type(entry: TimelineEntry) -> str:
    """``ALERT:vibration:high`` for a limit event, else its category."""
    words = (entry.payload.get("metric"), entry.payload.get("direction"))
    return ":".join([entry.category, *(str(word) for word in words if isinstance(word, str))])


@dataclass(frozen=True, slots=True)
class Compared:
    """A past incident and its similarity."""

    past: PastIncident
    similarity: float

    @property
    def is_candidate(self) -> bool:
        return self.similarity > CANDIDATE

    def as_similar(self) -> SimilarIncident:
        past = self.past
        return SimilarIncident(past.id, past.number, past.cause, round(self.similarity, 4), past.resolution)


def compare_history(pattern: Pattern, history: Sequence[PastIncident]) -> tuple[Compared, ...]:
    """The 20 nearest past incidents, most similar first: one matrix product picks them by signature, then
    the whole comparison ranks them.
    """
    known = [past for past in history if past.signature or past.event_types]
    if pattern.empty or not known:
        return ()
    surprise = alike(pattern.signature, [past.signature for past in known])
    near = np.argsort(-_nearness(pattern, known, surprise), kind="stable")[:_SHORT_LIST]
    nearest = [(known[int(i)], float(surprise[i])) for i in near]
    ranked = [
        Compared(past, _weighed(pattern, Pattern(past.signature, past.event_types), likeness))
        for past, likeness in nearest
    ]
    return tuple(sorted(ranked, key=lambda c: (-c.similarity, c.past.number)))


def _nearness(pattern: Pattern, known: Sequence[PastIncident], surprise: Floats) -> Floats:
    """The signatures' likeness: of the surprises, and of what moved where there are none to compare."""
    rest = np.flatnonzero(np.isnan(surprise))
    near = surprise.copy()
    if len(rest):
        rows = unit_rows([*(plain(known[int(i)].signature) for i in rest), plain(pattern.signature)])
        near[rest] = rows[:-1] @ rows[-1]
    return near


def mutual_likeness(history: Sequence[PastIncident]) -> Floats:
    """The signatures' likeness of each past incident with each, float64[n, n]."""
    likeness = mutually_alike([past.signature for past in history])
    rest = np.flatnonzero(np.isnan(likeness).any(axis=1))
    if len(rest):
        rows = unit_rows([plain(history[int(row)].signature) for row in rest])
        block = np.ix_(rest, rest)
        likeness[block] = np.where(np.isnan(likeness[block]), rows @ rows.T, likeness[block])
    return likeness


def unit_rows(signatures: Sequence[Mapping[str, float]]) -> Floats:
    """Compressed signatures as rows of length 1 (of 0 where nothing moved)."""
    rows = compressed(signatures, vocabulary_of(signatures))
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = rows / np.where(length > 0, length, 1.0)
    return unit


def vocabulary_of(signatures: Sequence[Mapping[str, float]]) -> dict[str, int]:
    """Column of each feature that any of them has."""
    return {name: column for column, name in enumerate(sorted(set().union(*signatures)))}
