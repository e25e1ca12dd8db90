"""Where it began."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from optria.core.asset import Link
from optria.core.incident import OTHER, RootCause
from optria.core.tag import to_micros
from optria.rca.case import Series
from optria.rca.engine import analyse
from optria.rca.localise import View, localise, onsets, root_of
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


def seen_from(asset_id: int, cause: str, probability: float, late_s: float = 0.0) -> View:
    """A view with so likely a cause; the rest is Other."""
    causes = (
        RootCause(cause, cause, probability),
        RootCause(OTHER, OTHER, 1.0 - probability),
    )
    analysis = replace(analyse(case()), causes=tuple(sorted(causes, key=lambda c: -c.probability)))
    return View(asset_id, ANCHOR + timedelta(seconds=late_s), analysis)


TRAIN = (Link(1, 2), Link(2, 3), Link(2, 4))
"""1 feeds 2, which feeds the branches 3 and 4."""


def rooted(*views: View, at: int = 1) -> int:
    return root_of(views, at, TRAIN).asset_id


def test_an_incident_is_rooted_where_a_known_cause_explains_it() -> None:
    unexplained, surge = seen_from(1, "Valve Leakage", 0.25), seen_from(2, "Compressor Surge", 0.95, 3)
    assert rooted(unexplained, surge) == 2


def test_of_two_explanations_the_sooner_deviation_counts() -> None:
    assert rooted(seen_from(1, "Seal Leak", 0.9), seen_from(2, "Seal Leak", 0.95, 40)) == 1
    assert rooted(seen_from(1, "Seal Leak", 0.9, 40), seen_from(2, "Bearing Fault", 0.95)) == 2


def test_in_doubt_it_stays_where_it_is() -> None:
    assert rooted(seen_from(1, "Seal Leak", 0.90), seen_from(2, "Bearing Fault", 0.91)) == 1
    assert rooted(seen_from(1, "Seal Leak", 0.1), seen_from(2, "Bearing Fault", 0.45)) == 1


def test_what_two_branches_show_alike_came_from_the_line() -> None:
    branches = seen_from(3, "Suction Blockage", 0.98), seen_from(4, "Suction Blockage", 0.96)
    line = seen_from(2, "Discharge Blockage", 0.7, 5)
    assert rooted(*branches, line, at=3) == 2
    assert rooted(*branches, seen_from(2, OTHER, 0.0, 5), at=3) == 3
    assert rooted(*branches, replace(line, since=ANCHOR + timedelta(seconds=90)), at=3) == 3
    apart = replace(branches[1], since=ANCHOR + timedelta(seconds=14))
    assert rooted(branches[0], apart, line, at=3) == 3
