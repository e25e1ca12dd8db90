"""What the joint (T²) detectors are set to; one configuration for every plant."""

from dataclasses import dataclass


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
