"""How right the analyses were, judged by what people found: figures over confirmed cases."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from optria.core.incident import OTHER

BINS = 10
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finished case: what was said (label to probability), and what people found.

    ``cause`` None with ``is_fault``: nobody said. ``ordered`` is what the analysis said when the order was
    made, ``final`` when the window had closed. ``lead_s`` is how long before the first CRITICAL event (or,
    ``lead_until`` "work", the start of the work) the anchor was set.
    """

    cause: str | None
    asset_type: str
    is_fault: bool = True
    is_effective: bool = True
    ordered: Mapping[str, float] | None = None
    final: Mapping[str, float] | None = None
    lead_s: float | None = None
    lead_until: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``n``, with the 95 % interval of Wilson (1927), which also holds for few."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.n:
            return None
        p, n = self.hits / self.n, self.n
        centre = p + _Z**2 / (2 * n)
        half = _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        whole = 1 + _Z**2 / n
        return max(0.0, (centre - half) / whole), min(1.0, (centre + half) / whole)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of one stage of the analysis. ``brier`` is the multi-class one: the sum over causes of (p - is it)²."""

    top1: Rate
    top3: Rate
    brier: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Named causes whose probability was in [low, high): how often they were the confirmed one."""

    low: float
    high: float
    n: int
    said: float | None
    found: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the scoreboard: a cause on an asset type (``None``: all of them).

    ``false_incidents`` counts cases closed with no fault found among all that people judged;
    ``not_effective`` those whose anomaly came back. ``lead_s`` are medians.
    """

    cause: str | None
    asset_type: str | None
    ordered: Accuracy
    final: Accuracy
    false_incidents: Rate
    not_effective: Rate
    lead_s: float | None
    lead_to_work_s: float | None


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """``lines`` by cause and asset type, the most confirmed first; ``confusion`` counts (said, was)."""

    total: Line
    lines: tuple[Line, ...]
    reliability: tuple[Bin, ...]
    ece: float | None
    confusion: Mapping[tuple[str, str], int]
    unsaid: int


def score(verdicts: Sequence[Verdict]) -> Scoreboard:
    """The scoreboard of finished cases; every figure is None where nothing was confirmed yet."""
    known = [v for v in verdicts if v.cause is not None or not v.is_fault or not v.is_effective]
    confirmed = [v for v in known if _is_confirmed(v)]
    bins = reliability(confirmed)
    groups = Counter((v.cause or "", v.asset_type) for v in confirmed)
    lines = (_line(_of(known, *key), *key) for key, _ in sorted(groups.items(), key=lambda g: (-g[1], g[0])))
    return Scoreboard(
        total=_line(known, None, None),
        lines=tuple(lines),
        reliability=bins,
        ece=expected_error(bins),
        confusion=Counter((_top(v.final or v.ordered or {}), v.cause or "") for v in confirmed),
        unsaid=len(verdicts) - len(known),
    )


def _is_confirmed(verdict: Verdict) -> bool:
    """A cause that a fix which held bears out; after one that did not, the cause is in doubt."""
    return verdict.cause is not None and verdict.is_fault and verdict.is_effective


def _of(known: Iterable[Verdict], cause: str, asset_type: str) -> list[Verdict]:
    """The cases of one line: that cause was found, or was said of what turned out to be nothing."""
    return [
        v
        for v in known
        if v.asset_type == asset_type
        and (v.cause == cause if v.is_fault else _top(v.ordered or v.final or {}) == cause)
    ]


def _line(cases: Sequence[Verdict], cause: str | None, asset_type: str | None) -> Line:
    confirmed = [v for v in cases if _is_confirmed(v)]
    faults = [v for v in cases if v.is_fault]
    return Line(
        cause=cause,
        asset_type=asset_type,
        ordered=accuracy(confirmed, lambda v: v.ordered),
        final=accuracy(confirmed, lambda v: v.final),
        false_incidents=Rate(len(cases) - len(faults), len(cases)),
        not_effective=Rate(sum(not v.is_effective for v in faults), len(faults)),
        lead_s=_median(v.lead_s for v in confirmed if v.lead_until == "critical"),
        lead_to_work_s=_median(v.lead_s for v in confirmed if v.lead_until == "work"),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def accuracy(confirmed: Sequence[Verdict], said: Callable[[Verdict], Mapping[str, float] | None]) -> Accuracy:
    """Top-1, top-3 and Brier of those cases that have an analysis of this stage."""
    pairs = [(scores, v.cause or "") for v in confirmed if (scores := said(v))]
    return Accuracy(
        Rate(sum(cause in ranked(scores)[:1] for scores, cause in pairs), len(pairs)),
        Rate(sum(cause in ranked(scores)[:3] for scores, cause in pairs), len(pairs)),
        sum(brier(scores, cause) for scores, cause in pairs) / len(pairs) if pairs else None,
    )


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Labels, the most likely first."""
    return sorted(scores, key=lambda label: (-scores[label], label))


def _top(scores: Mapping[str, float]) -> str:
    return ranked(scores)[0] if scores else OTHER


def brier(scores: Mapping[str, float], cause: str) -> float:
    """0 is perfect, 2 is sure of the wrong one. A cause that was not named had probability 0."""
    return sum((scores.get(label, 0.0) - (label == cause)) ** 2 for label in {*scores, cause})


def reliability(confirmed: Sequence[Verdict]) -> tuple[Bin, ...]:
    """Ten bins over the probability of every named cause in the final analyses (else those at the order)."""
    said: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for verdict in confirmed:
        for label, p in (verdict.final or verdict.ordered or {}).items():
            if label != OTHER:
                said[min(int(p * BINS), BINS - 1)].append((p, label == verdict.cause))
    return tuple(_bin(index, pairs) for index, pairs in enumerate(said))


def _bin(index: int, pairs: Sequence[tuple[float, bool]]) -> Bin:
    n = len(pairs)
    mean_said = sum(p for p, _ in pairs) / n if n else None
    share_found = sum(hit for _, hit in pairs) / n if n else None
    return Bin(index / BINS, (index + 1) / BINS, n, mean_said, share_found)


def expected_error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error: the mean distance of said and found, weighted by how many."""
    n = sum(one.n for one in bins)
    gaps = (
        one.n * abs(one.said - one.found) for one in bins if one.said is not None and one.found is not None
    )
    return sum(gaps) / n if n else None
