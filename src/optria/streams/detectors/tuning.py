"""What the detectors of single tags are set to; one configuration for every plant.

Gains are those of exponentially weighted means, per sample; during warm-up a gain is never below 1/n.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GatedTuning:
    """A gated comparison of a fast mean with a slow reference.

    The reference is held while ``|z| > hold`` and released below ``release``. The limit is
    ``factor`` times the 0.99 quantile of the warm-up scores (score before learn), and never below
    ``lowest_limit``, and widens with the samples seen since; hold and limit widen by the caution of a tag
    that has shown few independent samples (:mod:`optria.streams.detectors.gated`). A tag held for
    ``accept`` samples without an alarm is followed again; after ``patience`` held samples the new level
    counts as the reference. A tag that is held for ``restless`` samples during warm-up has changed its
    operating point: what was learned of the old one is dropped, and it is ready after ``warm_up`` samples
    in all, ``settled`` of them since.
    """

    fast: float
    slow: float = 0.0075
    variance: float = 0.005
    long_variance: float = 0.0005
    hold: float = 3.5
    release: float = 2.5
    gate_from: int = 30
    calibrate_from: int = 100
    warm_up: int = 400
    settled: int = 200
    factor: float = 1.4
    lowest_limit: float = 5.0
    accept: int = 60
    patience: int = 14_400
    restless: int = 20


USUAL = GatedTuning(fast=0.1)
"""Seconds to minutes at 1 Hz: the level of now against the level of the last minutes."""
RECENT = GatedTuning(fast=0.2, slow=0.03)
"""A sudden change: the last few samples against the half minute before."""
DIFFERENCE_VARIANCE = GatedTuning(fast=1.0, lowest_limit=6.5)
"""The log of a variance has longer tails than a level."""
DIFFERENCE_GAIN = 0.05
"""Gain of the mean of squared first differences."""
DIFFERENCE_REFERENCE_GAIN = 0.0075
DIFFERENCE_FLOOR = 0.05
"""Part of the reference of squared differences that stays under the logarithm."""
DIFFERENCE_MOST = 30.0
"""Squares are cut at this many references: one step of the level is not noise."""
DIFFERENCE_MOST_FROM = 50
KEPT = 4
"""Largest warm-up scores that are kept: the least of them is the 0.99 quantile of 300 (fewer: higher)."""

CLIP_LIMITS = 2.5
"""A value counts as at most this many limits of the mean from the reference: an outlier is no alarm, and
the mean is back soon after a large deviation."""
CAUTION_SIGMA = 3.5
CAUTION_MOST = 8.0
LEAST_FREEDOM = 2.0
PERSISTENCE_MOST = 4.0
"""A deviation that lasts counts up to the square root of this more."""
HELD_SIGMA = 2.0
"""The normal quantile of a false alarm at the end of the warm-up, from which on its chance falls as 1/n."""
WIDEST = 2.0
"""Limits widen to so many times the first ones at most: at 1 Hz after two days."""
REFRESH = 8
"""Samples between two looks at the caution and the limit of a tag."""

RETURN_GAIN = 0.3
RETURN_PART = 0.2
"""A deviation is over when this part of its largest size is left for ``RETURN_SAMPLES``..."""
RETURN_SAMPLES = 10
RETURN_LIMITS = 2.0
"""...and it had been at least this many limits large."""
SETTLING = 40
"""Samples after the return in which the reference goes with the tag."""

TIRED = 150
"""Samples for which a sudden change speaks alone; after that the usual reference must agree."""
AGREES = 0.7
"""Part of the usual limit that is agreement."""
HEARD = 0.5
"""Part of its limit from which the recent comparison is looked at."""
