"""What the joint (T²) detectors are set to; one configuration for every plant."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class JointTuning:
    """T² of an asset's tags; a score is sqrt(T² - tags): the excess over what chance gives, in sigmas.

    ``fast`` are the gains of the three level channels; a fourth channel is the log difference-variance.
    The limit is ``factor`` times the largest scores of warm-up, more the more tags share few rows.
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


@dataclass(frozen=True, slots=True)
class ForecastTuning:
    """A linear forecast of an asset's vector from its own past, and T² of what it got wrong.

    The past of a tag is its last value and its means with the gains ``memory``. Errors are clipped at
    ``clip`` sigmas and watched as means with the gains ``gains``, and as log mean square (``variance``).
    A channel's score is the cube root of its T² (nearly normal, Wilson and Hilferty 1931) in sigmas from
    its own mean. Limits are such that normal operation raises ``false_per_day`` alarms per asset and day,
    whatever its scan; a channel speaks only after ``memories`` of its own memories.
    What is learned comes in blocks of ``block`` rows, and a block in which a channel came beyond ``hold``
    of its limit is not learned. Cross terms of the forecast are drawn to none by
    ``ridge / rows ** 1.5``. A row that jumps ``breaks`` sigmas out of nothing is a break in the record (a
    gap, a restart): the past is then what one expects beside that row, at most once in ``rest`` rows.
    """

    memory: tuple[float, ...] = (0.2, 0.03)
    gains: tuple[float, ...] = (0.3, 0.1, 0.03, 0.01)
    variance: float = 0.04
    block: int = 32
    begin: int = 100
    ridge: float = 800.0
    own_ridge: float = 0.001
    clip: float = 4.0
    longest: float = 20_000.0
    recency: float = 3.0
    channel_recency: float = 2.0
    channel_blocks: int = 3
    warm_up: int = 400
    memories: float = 40.0
    false_per_day: float = 1 / 30
    hold: float = 0.8
    breaks: float = 8.0
    rest: int = 100
    calm: float = 4.0
    patience: int = 14_400


FORECAST = ForecastTuning()


def after(warm_up: int | None) -> tuple[JointTuning, ForecastTuning]:
    """The settings with a warm-up of so many rows; None for the usual one."""
    if warm_up is None:
        return JOINT, FORECAST
    share = min(warm_up / JOINT.warm_up, 1.0)
    levels = replace(
        JOINT,
        invert_from=int(share * JOINT.invert_from),
        calibrate_from=int(share * JOINT.calibrate_from),
        warm_up=warm_up,
    )
    return levels, replace(FORECAST, warm_up=warm_up)
