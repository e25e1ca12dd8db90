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


@dataclass(frozen=True, slots=True)
class JointTuning:
    """T² of an asset's tags; a score is sqrt(T² - tags): the excess over what chance gives, in sigmas.

    ``fast`` are the gains of the three level channels; a fourth channel is the log difference-variance.
    ``shrink`` draws the correlation towards none; ``refresh`` is the number of samples between inversions.
    """

    fast: tuple[float, float, float] = (1.0, 0.3, 0.1)
    slow: float = 0.0075
    covariance: float = 0.0005
    shrink: float = 0.2
    refresh: int = 10
    invert_from: int = 100
    calibrate_from: int = 200
    warm_up: int = 400
    factor: float = 1.4
    lowest_limit: tuple[float, float, float, float] = (10.0, 10.0, 10.0, 8.0)
    hold: float = 0.8
    release: float = 0.6
    patience: int = 14_400


JOINT = JointTuning()
