"""How well detectors and analyses did: plain figures, each with its definition, and their intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.core.incident import OTHER

Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Scores: TypeAlias = Mapping[str, float]
BINS = 10
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the interval that holds 95 % of its bootstrap draws."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by alarm and truth; ``onsets`` are alarms that begin in a normal row, out of ``quiet + false``."""

    hit: int = 0
    false: int = 0
    missed: int = 0
    quiet: int = 0
    onsets: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.hit + other.hit,
            self.false + other.false,
            self.missed + other.missed,
            self.quiet + other.quiet,
            self.onsets + other.onsets,
        )

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, of rows."""
        return _part(2 * self.hit, 2 * self.hit + self.false + self.missed)

    @property
    def false_alarm_rate(self) -> float:
        """Part of the normal rows in alarm (FAR)."""
        return _part(self.false, self.false + self.quiet)

    @property
    def missed_alarm_rate(self) -> float:
        """Part of the faulty rows not in alarm (MAR)."""
        return _part(self.missed, self.missed + self.hit)

    @property
    def onsets_per_1000(self) -> float:
        """False onsets per 1,000 normal rows."""
        return 1000.0 * _part(self.onsets, self.false + self.quiet)


def count(alarm: Bools, fault: Bools) -> Counts:
    """Compare alarms with the truth, row by row."""
    begins = alarm & ~np.r_[False, alarm[:-1]]
    return Counts(
        int((alarm & fault).sum()),
        int((alarm & ~fault).sum()),
        int((~alarm & fault).sum()),
        int((~alarm & ~fault).sum()),
        int((begins & ~fault).sum()),
    )


def delays_s(alarm: Bools, fault: Bools, time_us: NDArray[np.int64]) -> list[float | None]:
    """Seconds from the begin of each stretch of fault to its first row in alarm; None where there is none."""
    edges = np.flatnonzero(np.diff(np.r_[False, fault, False].astype(int)))
    found: list[float | None] = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        rows = np.flatnonzero(alarm[begin:end])
        found.append(float(time_us[begin + rows[0]] - time_us[begin]) / 1e6 if len(rows) else None)
    return found


def rank(scores: Scores, truth: str) -> int | None:
    """Place of the true cause among the named ones by falling probability, 1 is first.

    "Other" is a place like any other: what it is likelier than is not named. None: the cause is not there.
    """
    if truth not in scores:
        return None
    return 1 + sum(
        score > scores[truth] or (score == scores[truth] and label < truth)
        for label, score in scores.items()
        if label != truth
    )


def top_share(ranks: Sequence[int | None], k: int) -> float:
    """AC@k: part of the cases whose true cause is among the first k."""
    return _part(sum(place is not None and place <= k for place in ranks), len(ranks))


def calibration_error(probability: Floats, happened: Bools) -> float:
    """ECE: mean distance of ten bins' probability from how often it was so, weighted by their size."""
    if not len(probability):
        return float("nan")
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=probability - happened, minlength=BINS)
    return float(np.abs(gaps).sum() / len(probability))


def top_calibration_error(scores: Sequence[Scores], truths: Sequence[str]) -> float:
    """ECE of the likeliest cause of each case."""
    tops = [max(one, key=lambda label: one[label]) for one in scores]
    chance = np.array([one[top] for one, top in zip(scores, tops, strict=True)], np.float64)
    return calibration_error(chance, np.array([a == b for a, b in zip(tops, truths, strict=True)], bool))


def whole_calibration_error(scores: Sequence[Scores], truths: Sequence[str]) -> float:
    """ECE of every probability that was given to a cause, "Other" too."""
    pairs = [
        (chance, label == truth)
        for one, truth in zip(scores, truths, strict=True)
        for label, chance in {truth: 0.0, **one}.items()
    ]
    return calibration_error(
        np.array([p for p, _ in pairs], np.float64), np.array([y for _, y in pairs], bool)
    )


def auroc(positive: Sequence[float] | Floats, negative: Sequence[float] | Floats) -> float:
    """Chance that a positive's score is above a negative's (equal: half)."""
    a, b = np.asarray(positive, np.float64)[:, None], np.asarray(negative, np.float64)[None, :]
    return float(np.mean((a > b) + 0.5 * (a == b))) if a.size and b.size else float("nan")


def interval(
    cases: int, figure: Callable[[NDArray[np.intp]], float], draws: int = DRAWS, seed: int = 1
) -> Interval:
    """A figure of some cases (given by their places), with its 95 % bootstrap interval over cases."""
    everyone = np.arange(cases)
    if not cases:
        return Interval(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    drawn = np.array([figure(rng.integers(0, cases, cases)) for _ in range(draws)])
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (float("nan"), float("nan"))
    return Interval(figure(everyone), float(low), float(high))


def mean_interval(values: Sequence[float], draws: int = DRAWS, seed: int = 1) -> Interval:
    """Mean of one value per case, with its 95 % bootstrap interval."""
    array = np.asarray(values, np.float64)
    return interval(len(array), lambda places: float(array[places].mean()), draws, seed)


def other(scores: Scores) -> float:
    """P(Other): what the analysis holds to be none of the causes it knows."""
    return scores.get(OTHER, 0.0)


def _part(number: float, whole: float) -> float:
    return number / whole if whole else float("nan")
