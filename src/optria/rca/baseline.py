"""How a group of tags runs when nothing is wrong, and what of a later run that does not foresee.

A vector autoregression (Luetkepohl, New Introduction to Multiple Time Series Analysis, 2005, ch. 2-3) fitted
with a ridge: each tag is foretold from the last bins of all tags. What is left, given the same of the other
tags at that moment, is its surprise. A controller that hides a fault from a level hides it not from this.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ORDER = 2
"""Bins back from which the next one is foretold."""
RIDGE = 0.05
SHRINKAGE = 0.3
"""Of the correlation of one-step errors towards independence."""
SUM_BINS = 5
"""Bins over which surprises are summed."""
ONSET_BINS = (1, 4, 12)
"""Bins over which the begin of a deviation is looked for."""
ROWS_PER_NUMBER = 8
"""Rows of normal running for each number that foretells a tag."""
_MOST = 1e4


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Normal running of tags on a grid of ``step``.

    ``names`` are the tags as signatures name them. ``mean``, ``spread`` float64[tags] in the tag's unit (a
    spread of 0: the tag never moved and is left out), ``coefficients`` float64[ORDER * tags, tags],
    ``given`` float64[tags, tags] from one-step errors to surprises of unit variance, ``held`` the same from
    deviations to what the other tags' do not explain, ``usual`` float64[tags] how large the sum of SUM_BINS
    surprises is, over the root of SUM_BINS (1 where they are independent),
    ``most`` float64[len(ONSET_BINS), tags] the largest such sum over each of ONSET_BINS.
    """

    names: tuple[str, ...]
    step: timedelta
    mean: Floats
    spread: Floats
    coefficients: Floats
    given: Floats
    held: Floats
    usual: Floats
    most: Floats

    def surprises(self, values: Floats) -> Floats:
        """Surprise of each tag in standard deviations, float64[rows, tags]; the first rows have none.

        ``values`` float64[rows, tags] in ``names``' order; NaN is taken as usual.
        """
        z = _scaled(values, self.mean, self.spread)
        found = np.zeros_like(z)
        if len(z) > ORDER:
            errors = z[ORDER:] - _lagged(z) @ self.coefficients
            found[ORDER:] = np.clip(errors @ self.given, -_MOST, _MOST)
        found[np.isnan(values)] = 0.0
        return found

    def standing(self, values: Floats) -> Floats:
        """How far each tag stands from where the others say, in standard deviations, float64[rows, tags]."""
        z = _scaled(values, self.mean, self.spread)
        return np.clip(z @ self.held, -_MOST, _MOST)


def learn_baseline(names: Sequence[str], step: timedelta, runs: Sequence[Floats]) -> Baseline | None:
    """From runs of normal operation, float64[rows, tags] each; None where they are too short."""
    long = [run for run in runs if len(run) > ORDER]
    rows = sum(len(run) - ORDER for run in long)
    if not names or rows < ROWS_PER_NUMBER * ORDER * len(names):
        return None
    together = np.concatenate(long)
    mean = np.nan_to_num(np.nanmean(np.where(np.isfinite(together), together, np.nan), axis=0))
    spread = np.nan_to_num(np.nanstd(together, axis=0))
    spread[spread <= 1e-9 * (np.abs(mean) + spread)] = 0.0
    scaled = [_scaled(run, mean, spread) for run in long]
    before, now = np.concatenate([_lagged(z) for z in scaled]), np.concatenate([z[ORDER:] for z in scaled])
    coefficients = _ridge(before, now)
    given = _given(now - before @ coefficients)
    held = _given(np.concatenate(scaled))
    ones = np.ones(len(names))
    found = Baseline(
        tuple(names), step, mean, spread, coefficients, given, held, ones, np.outer(ONSET_BINS, ones)
    )
    surprises = [found.surprises(run)[ORDER:] for run in long]
    most = np.array([_largest(surprises, bins) for bins in ONSET_BINS])
    return replace(found, usual=_usual(surprises), most=np.maximum(most, 1.0))


def _usual(runs: Sequence[Floats]) -> Floats:
    sums = [summed(run) for run in runs if len(run) >= SUM_BINS]
    size: Floats = np.sqrt(np.mean(np.concatenate(sums) ** 2, axis=0)) if sums else np.ones(runs[0].shape[1])
    return np.maximum(size, 1.0)


def _largest(runs: Sequence[Floats], bins: int) -> Floats:
    sums = [np.abs(summed(run, bins)).max(axis=0) for run in runs if len(run) >= bins]
    return np.max(sums, axis=0) if sums else np.full(runs[0].shape[1], np.inf)


def summed(surprises: Floats, bins: int = SUM_BINS) -> Floats:
    """Sums over ``bins`` rows, over the root of ``bins``: float64[rows - bins + 1, tags]."""
    sums = np.vstack([np.zeros(surprises.shape[1]), np.cumsum(surprises, axis=0)])
    moved: Floats = (sums[bins:] - sums[:-bins]) / np.sqrt(bins)
    return moved


def _ridge(before: Floats, now: Floats) -> Floats:
    """Least squares, shrunk the more the fewer rows there are for each number."""
    rows, numbers = before.shape
    ridge = RIDGE + numbers / rows
    found: Floats = np.linalg.solve(before.T @ before / rows + ridge * np.eye(numbers), before.T @ now / rows)
    return found


def _given(errors: Floats) -> Floats:
    """From errors to the part of each that the others' errors do not explain, of unit variance."""
    deviation = errors.std(axis=0)
    scale = np.where(deviation > 0.0, 1.0 / np.where(deviation > 0.0, deviation, 1.0), 0.0)
    correlation = (errors * scale).T @ (errors * scale) / len(errors)
    tags = len(scale)
    precision = np.linalg.inv((1.0 - SHRINKAGE) * correlation + SHRINKAGE * np.eye(tags))
    given = scale[:, None] * precision
    size = (errors @ given).std(axis=0)
    found: Floats = given * np.where(size > 0.0, 1.0 / np.where(size > 0.0, size, 1.0), 0.0)
    return found


def _scaled(values: Floats, mean: Floats, spread: Floats) -> Floats:
    z: Floats = np.where(spread > 0.0, (values - mean) / np.where(spread > 0.0, spread, 1.0), 0.0)
    return np.nan_to_num(z, posinf=0.0, neginf=0.0)


def _lagged(z: Floats) -> Floats:
    """The last ORDER rows before each row from ORDER on, side by side."""
    return np.hstack([z[ORDER - back : len(z) - back] for back in range(1, ORDER + 1)])
