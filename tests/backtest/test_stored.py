"""A back-test ends where it would take too much of what others need."""

import pytest

from optria.backtest.stored import LONGEST_RUN_S, MOST_ALARMS, check_bounds
from optria.backtest.stored_stream import StoredLimits
from optria.core.asset import PlantModel
from optria.core.errors import Invalid
from optria.core.event import Event, Severity
from tests.backtest.stored_days import yesterday


def having_said(count: int) -> StoredLimits:
    """Limits that have spoken so often."""
    limits = StoredLimits(PlantModel(1), yesterday())
    event = Event(yesterday(), Severity.MAJOR, "ALERT", "Vibration above 4.5 mm/s", 1)
    limits.events.extend([(event.time, event)] * count)
    return limits


def test_a_limit_within_the_noise_ends_it() -> None:
    check_bounds(0.0, having_said(MOST_ALARMS), None)
    with pytest.raises(Invalid, match="within the noise"):
        check_bounds(0.0, having_said(0), having_said(MOST_ALARMS + 1))


def test_one_that_takes_too_long_ends() -> None:
    check_bounds(LONGEST_RUN_S, None)
    with pytest.raises(Invalid, match="more than 2 hours"):
        check_bounds(LONGEST_RUN_S + 1.0, None)
