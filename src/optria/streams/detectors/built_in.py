"""Settings of the built-in detectors for an asset type: a choice of the name "BuiltIn" with parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from optria.core.errors import ConfigurationError
from optria.streams.detectors.tuning import USUAL

BUILT_IN = "BuiltIn"
"""The name that means the banks: gated level, gated difference-variance and the joint detectors."""


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """``sensitivity`` multiplies every score over limit (2: alarms at half the deviation); ``warm_up``
    is the number of samples before a tag may alarm; ``hold`` the sigmas from which a tag is not learned.
    """

    sensitivity: float = 1.0
    warm_up: float = float(USUAL.warm_up)
    hold: float = USUAL.hold


BOUNDS: Mapping[str, tuple[float, float]] = {
    "sensitivity": (0.2, 5.0),
    "warm_up": (100.0, 100_000.0),
    "hold": (2.0, 10.0),
}


def built_in(parameters: Mapping[str, object]) -> BuiltIn:
    """The settings that these parameters mean.

    Raises:
        ConfigurationError: for a name that there is not, or a value that is no number within its bounds.
    """
    known = [field.name for field in fields(BuiltIn)]
    read: dict[str, float] = {}
    for name, value in parameters.items():
        if name not in known:
            raise ConfigurationError(f"{BUILT_IN} has no parameter {name}. Choose from: {', '.join(known)}.")
        low, high = BOUNDS[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ConfigurationError(f"{name} of {BUILT_IN} is a number from {low:g} to {high:g}.")
        read[name] = float(value)
    return BuiltIn(**read)
