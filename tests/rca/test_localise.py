"""Where it began."""

from dataclasses import replace

import numpy as np

from optria.core.tag import to_micros
from optria.rca.case import Series
from optria.rca.localise import localise, onsets
from optria.rca.signals import read_signals
from tests.rca.cases import ANCHOR, case, sensors, series


def moved_at(tag: int, metric: str, asset_id: int, seconds: float) -> Series:
    """20 deviations more from so many seconds after the anchor on."""
    whole = series(tag, metric, 0.0, asset_id)
    step = 20.0 * whole.value[:600].std() * (whole.time > to_micros(ANCHOR) + seconds * 1e6)
    return replace(whole, value=whole.value + step)


def where(*tags: Series) -> int:
    whole = case(series=tags)
    return localise(onsets(read_signals(whole, whole.series)), 1)


def test_the_asset_that_left_first_is_named() -> None:
    assert where(moved_at(1, "vibration", 1, 120), moved_at(20, "level", 3, 0), *sensors()[1:]) == 3
    assert where(moved_at(1, "vibration", 1, 0), moved_at(20, "level", 3, 120), *sensors()[1:]) == 1


def test_a_neighbour_just_ahead_is_not_blamed() -> None:
    assert where(moved_at(1, "vibration", 1, 15), moved_at(20, "level", 3, 0), *sensors()[1:]) == 1


def test_a_passing_spike_is_no_onset() -> None:
    whole = series(1, "vibration")
    at = np.abs(whole.time - to_micros(ANCHOR)) < 4_000_000
    spiked = case(series=(replace(whole, value=whole.value + 5.0 * at), *sensors()[1:]))
    assert onsets(read_signals(spiked, spiked.series)) == ()
    assert localise((), 1) == 1
