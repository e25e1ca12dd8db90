"""What the detectors are set to; one configuration for every plant.

Gains are those of exponentially weighted means, per sample; during warm-up a gain is never below 1/n.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GatedTuning:
    """A gated comparison of a fast mean with a slow reference.

    The reference is held while ``|z| > hold`` and released below ``release``. The limit is
    ``factor`` times the 0.99 quantile of the warm-up scores (score before learn), and never below
    ``lowest_limit``. After ``patience`` held samples the new level counts as the reference. A tag that
    is held for ``restless`` samples during warm-up has changed its operating point: what was learned of
    the old one is dropped, and it is ready after ``warm_up`` samples in all, ``settled`` of them since.
    """

    fast: float
    slow: float = 0.0075
    variance: float = 0.005
    long_variance: float = 0.0005
    hold: float = 3.5
    release: float = 2.5
    calibrate_from: int = 100
    warm_up: int = 400
    settled: int = 200
    factor: float = 1.4
    lowest_limit: float = 6.0
    patience: int = 14_400
    restless: int = 20


LEVEL = GatedTuning(fast=0.1)
DIFFERENCE_VARIANCE = GatedTuning(fast=1.0)
DIFFERENCE_GAIN = 0.05
"""Gain of the mean of squared first differences."""
DIFFERENCE_REFERENCE_GAIN = 0.0075
DIFFERENCE_FLOOR = 0.05
"""Part of the reference of squared differences that stays under the logarithm."""
KEPT = 4
"""Largest warm-up scores that are kept: the least of them is the 0.99 quantile of 300 (fewer: higher)."""
