"""How sure an analysis may be, learned from the causes that people confirmed.

One number a tenant: probabilities are raised to 1/factor and normalised anew (temperature scaling: Guo,
Pleiss, Sun, Weinberger, 2017). It maximises the likelihood of the confirmed causes under a log-normal prior
around 1, so that a few orders hardly move it. The order of the causes never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optria.core.incident import OTHER
from optria.rca.signals import Floats

PRIOR_SD = 0.25
"""Of ln(factor): what is believed before anything is confirmed."""
LOWEST, HIGHEST = 0.4, 2.5
MOST_CASES = 500
"""The latest that count: a plant and its rules change."""
_STEPS = 181
_LEAST = 1e-3
"""What an impossible cause counts as, so that one surprise is not everything."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an analysis said (label to probability, with the ``factor`` it was said with) and what it was."""

    scores: Mapping[str, float]
    confirmed: str
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """``factor`` above 1: the analysis was too sure. Losses are the mean -ln p of the confirmed cause."""

    factor: float = 1.0
    cases: int = 0
    log_loss_before: float | None = None
    log_loss_after: float | None = None


def recalibrated(scores: Mapping[str, float], factor: float) -> dict[str, float]:
    """``p ** (1 / factor)``, normalised; zero stays zero."""
    powers = {label: p ** (1.0 / factor) if p > 0.0 else 0.0 for label, p in scores.items()}
    total = sum(powers.values())
    return {label: power / total for label, power in powers.items()} if total else dict(scores)


def fit_calibration(told: Sequence[Told]) -> Calibration:
    """The factor for the next analysis from the latest cases (newest first); 1 where there is none."""
    cases = [one for one in told if one.scores][:MOST_CASES]
    if not cases:
        return Calibration()
    logs, chosen = _log_scores(cases)
    grid = np.linspace(np.log(LOWEST), np.log(HIGHEST), _STEPS)
    losses = np.array([_log_loss(logs, chosen, float(np.exp(step))) for step in grid])
    best = float(np.exp(grid[int(np.argmin(losses * len(cases) + grid**2 / (2 * PRIOR_SD**2)))]))
    before = _log_loss(logs, chosen, 1.0)
    return Calibration(round(best, 4), len(cases), before, _log_loss(logs, chosen, best))


def _log_scores(cases: Sequence[Told]) -> tuple[Floats, list[int]]:
    """Log-probabilities without any calibration, one row a case, and the column of the confirmed cause.

    A confirmed cause that was not named is what Other stood for.
    """
    labels = {label for one in cases for label in one.scores} | {OTHER}
    columns = {label: column for column, label in enumerate(sorted(labels))}
    logs = np.full((len(cases), len(columns)), -np.inf)
    for row, one in enumerate(cases):
        for label, probability in one.scores.items():
            logs[row, columns[label]] = one.factor * np.log(probability) if probability > 0.0 else -np.inf
    return logs, [columns[one.confirmed if one.confirmed in one.scores else OTHER] for one in cases]


def _log_loss(logs: Floats, chosen: Sequence[int], factor: float) -> float:
    powers = np.exp(logs / factor)
    told = powers[np.arange(len(logs)), chosen] / powers.sum(axis=1)
    return float(-np.log(np.maximum(told, _LEAST)).mean())
