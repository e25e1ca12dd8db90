"""Patterns of what was not foreseen: alike whatever sign, unit, name or age an incident has."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.rca.baseline import Floats, learn_baseline
from optria.rca.similarity import Pattern, similarity
from optria.rca.surprise import alike, horizons_of, mutually_alike, surprise_features
from tests.rca.test_baseline import NAMES, STEP, learned, running

START = 50
Change = dict[str, Any]


def incident(seed: int, rows: int = 450, **shift: float) -> dict[str, float]:
    """Features of a run in which tags step by so many of their units at row START."""
    values = running(rows, seed)
    for name, by in shift.items():
        values[START:, NAMES.index(name)] += by
    return surprise_features(learned(), values, START)


def fluttering(seed: int) -> dict[str, float]:
    values = running(450, seed)
    flutter = np.repeat(np.random.default_rng(seed).choice([-6.0, 6.0], 80), 5)
    values[START:, 2] += flutter
    return surprise_features(learned(), values, START)


def likeness(a: dict[str, float], b: dict[str, float]) -> float:
    return float(alike(a, [b])[0])


def test_the_same_fault_is_alike_and_another_is_not() -> None:
    valve, again, flow = incident(3, valve=6.0), incident(4, valve=4.0), incident(5, flow=9.0)
    assert likeness(valve, again) > 0.9
    assert likeness(valve, flow) < 0.7


def test_what_moves_together_is_not_what_moves_against_each_other() -> None:
    one, again = incident(3, valve=6.0, flow=12.0), incident(4, valve=6.0, flow=12.0)
    assert likeness(one, again) > 0.9
    assert likeness(one, incident(5, valve=6.0, flow=-12.0)) < likeness(one, again) - 0.2


def test_a_step_up_is_not_a_step_down() -> None:
    assert likeness(incident(3, valve=6.0), incident(4, valve=-6.0)) < 0.75
    assert likeness(fluttering(4), fluttering(5)) > 0.75


def test_a_step_is_not_like_a_flutter() -> None:
    step, flutter = incident(3, valve=6.0), fluttering(4)
    assert likeness(step, flutter) < 0.75 < likeness(flutter, fluttering(5))


def test_normal_running_is_like_nothing() -> None:
    quiet, fault = incident(3), incident(4, valve=6.0)
    assert likeness(quiet, fault) < 0.3
    assert likeness(quiet, incident(5)) == 0.0


def test_a_young_incident_is_compared_with_what_an_old_one_had_shown_by_then() -> None:
    old, young = incident(3, valve=6.0), incident(4, rows=START + 65, valve=6.0)
    assert horizons_of(old)[0] == "3600s"
    assert horizons_of(young)[0] == "600s"
    assert likeness(young, old) > 0.9


def test_without_a_common_horizon_nothing_is_said() -> None:
    assert np.isnan(likeness(incident(3, valve=6.0), {"valve.level": 3.0}))
    assert np.isnan(likeness(incident(3, rows=START + 5), incident(3)))


def test_names_and_order_of_tags_do_not_matter() -> None:
    order = [2, 0, 1]
    runs = [running(600, seed)[:, order] for seed in (1, 2)]
    base = learn_baseline(("a", "b", "c"), STEP, runs)
    assert base is not None

    def renamed(seed: int, tag: int, by: float) -> dict[str, float]:
        values = running(450, seed)
        values[START:, tag] += by
        return surprise_features(base, values[:, order], START)

    a, b = renamed(3, 2, 6.0), renamed(5, 0, 9.0)
    assert likeness(a, b) == pytest.approx(likeness(incident(3, valve=6.0), incident(5, flow=9.0)), abs=1e-3)


SHIFTS = st.fixed_dictionaries({name: st.sampled_from([0.0, 3.0, -8.0]) for name in NAMES})


@given(SHIFTS, SHIFTS, st.integers(20, 400), st.integers(20, 400))
def test_likeness_is_symmetric_and_1_for_itself(a: Change, b: Change, rows: int, others: int) -> None:
    one, two = incident(7, START + rows, **a), incident(8, START + others, **b)
    assert 0.0 <= likeness(one, two) <= 1.0
    assert likeness(one, two) == pytest.approx(likeness(two, one), abs=1e-12)
    shown = one["*.size@" + horizons_of(one)[0]] > 0.0
    assert likeness(one, dict(one)) == pytest.approx(float(shown), abs=1e-12)
    assert similarity(Pattern(one), Pattern(dict(one))) == pytest.approx(1.0, abs=1e-12)


def test_all_at_once_is_each_by_each() -> None:
    some = [incident(3, valve=6.0), incident(4, rows=200, valve=5.0), incident(5, flow=9.0), {"x.level": 1.0}]
    matrix = mutually_alike(some)
    for row, one in enumerate(some):
        assert matrix[row] == pytest.approx(alike(one, some), abs=1e-12, nan_ok=True)


def test_features_are_numbers_of_their_horizons() -> None:
    features = incident(3, valve=6.0)
    assert all(np.isfinite(value) and "@" in name for name, value in features.items())
    step: Floats = running(100, 1)
    minute = learn_baseline(NAMES, timedelta(minutes=1), [running(600, 1)])
    assert minute is not None
    assert horizons_of(surprise_features(minute, step, START)) == ("1800s", "900s")


def test_an_anchor_long_before_the_fault_does_not_hide_it() -> None:
    values = running(450, 6)
    values[START + 150 :, NAMES.index("valve")] += 6.0
    early = surprise_features(learned(), values, START)
    in_time = incident(4, valve=5.0)
    assert likeness(early, in_time) > 0.9
    assert likeness(early, incident(5, flow=9.0)) < 0.75


def test_a_horizon_is_left_where_the_fault_begins_late() -> None:
    values = running(START + 40, 6)
    values[START + 30 :, NAMES.index("valve")] += 6.0
    assert horizons_of(surprise_features(learned(), values, START))


def test_nothing_lasting_leaves_the_anchor_where_it_is() -> None:
    values = running(450, 6)
    values[START + 200, NAMES.index("valve")] += 6.0
    assert "*.size@3600s" in incident(6)
    assert horizons_of(surprise_features(learned(), values, START)) == horizons_of(incident(6))
