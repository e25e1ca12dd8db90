"""Health and risk of an asset, from what its detectors say."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from optria.db.plant import AssetRow, AssetScore
from optria.kit import clock
from optria.web.shapes import number

Scores = Mapping[int, tuple[float, float]]
"""Asset id to detector score over its limit and P(fault)."""
BLIND: Final = (math.nan, math.nan)
"""The score of an asset that shows nothing but frozen signals: nothing is known of it, least of all good."""
SCORES: Final = (0.5, 1.0, 2.0, 4.0)
HEALTHS: Final = (100.0, 80.0, 50.0, 0.0)
"""Health at a fused detector score over its limit: v1's bounds (80 normal, 50 warning) lie at 1 x and 2 x."""
WEIGHTS: Final = {"low": 0.25, "medium": 0.5, "high": 0.75, "critical": 1.0}
NORMAL_FROM: Final = 80.0
WARNING_FROM: Final = 50.0


def health_of(score: float) -> float:
    """0 to 100 at a fused detector score over its limit."""
    return round(float(np.interp(score, SCORES, HEALTHS)), 1)


def production_risk(fault_probability: float, criticality: str | None) -> float:
    """v1's risk index, 0 to 100: the probability of a fault, weighted by how much depends on the asset."""
    return 100.0 * fault_probability * WEIGHTS.get((criticality or "medium").lower(), WEIGHTS["medium"])


def health_status(health: float | None) -> str:
    """v1's words: normal, warning, critical, unknown."""
    if health is None:
        return "unknown"
    if health >= NORMAL_FROM:
        return "normal"
    return "warning" if health >= WARNING_FROM else "critical"


class Condition:
    """Health and risk of one asset as shown everywhere: from its detectors now, else as last stored."""

    def __init__(self, row: AssetRow, stored: AssetScore | None, scores: Scores) -> None:
        now = scores.get(row.id)
        stored_health = number(stored.health_score) if stored else None
        stored_risk = number(stored.failure_probability) if stored else None
        self.health = stored_health if now is None else health_of(now[0])
        self.failure_probability = stored_risk if now is None else round(now[1], 4)
        self.remaining_days = stored.remaining_useful_life_days if stored else None
        self.risk_index = number(stored.production_risk_index) if stored else None
        self.computed_at = stored.computed_at if stored else None
        if now is not None and math.isnan(now[0]):
            self.health = self.failure_probability = self.risk_index = None
            self.computed_at = clock.now()
        elif now is not None:
            self.computed_at = clock.now()
            self.risk_index = round(production_risk(now[1], row.criticality), 2)

    @property
    def status(self) -> str:
        return health_status(self.health)
