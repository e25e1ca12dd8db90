"""Where an incident began, by its own data and the process' links."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.asset import Link
from optria.core.tag import to_micros
from optria.rca.baseline import learn_baseline
from optria.rca.case import Case
from optria.rca.engine import analyse
from optria.rca.ranking import Shown, weights
from optria.rca.signals import read_signals
from tests.rca.cases import ANCHOR, case, sensors, series

SHOWN = st.builds(Shown, st.floats(0.0, 9.0), st.floats(0.0, 200.0) | st.just(np.inf))
ASSETS = st.dictionaries(st.integers(1, 6), SHOWN, min_size=1)
LINKS = st.lists(st.builds(Link, st.integers(1, 6), st.integers(1, 6)), max_size=12)


@given(ASSETS, LINKS)
def test_no_weight_is_lost_and_only_what_nobody_sees_is_added(
    assets: dict[int, Shown], links: list[Link]
) -> None:
    found = weights(assets, links)
    shown = sum(one.weight for one in assets.values())
    assert found.keys() == assets.keys()
    assert shown - 1e-9 <= sum(found.values()) <= 1.3 * shown + 1e-9
    assert min(found.values()) >= -1e-9


def test_who_shows_as_much_upstream_is_the_origin() -> None:
    shown = {1: Shown(2.0, 1.0), 2: Shown(2.2, 0.0), 3: Shown(0.3, 0.0)}
    found = weights(shown, [Link(1, 2), Link(3, 1)])
    assert found[1] > max(found[2], found[3])
    alone = weights(shown, [])
    assert alone[2] > alone[1]


@pytest.mark.parametrize("upstream", [Shown(0.1, 0.0), Shown(0.8, 0.0), Shown(2.0, 40.0), Shown(0.0, np.inf)])
def test_who_is_quieter_or_later_upstream_is_not(upstream: Shown) -> None:
    found = weights({1: upstream, 2: Shown(2.0, 0.0)}, [Link(1, 2)])
    assert found[2] > found[1]


def test_silent_sources_of_the_likeliest_come_before_others_that_are_silent() -> None:
    shown = {1: Shown(2.0, 0.0), 2: Shown(0.0, np.inf), 3: Shown(0.0, np.inf)}
    found = weights(shown, [Link(2, 1), Link(1, 3)])
    assert found[1] > found[2] > found[3] == 0.0


def test_the_tag_that_moved_is_first_and_shares_sum_to_1() -> None:
    analysis = analyse(case(series=sensors(flow=-20, power=2)))
    assert analysis.ranked_tags[0][0] == 4
    for ranked in (analysis.ranked_assets, analysis.ranked_tags):
        assert sum(share for _, share in ranked) == pytest.approx(1.0, abs=0.01)
        assert [share for _, share in ranked] == sorted((share for _, share in ranked), reverse=True)


def test_a_neighbour_that_moved_alone_is_first() -> None:
    whole = case(series=(*sensors(), series(20, "level", -30, asset_id=3)))
    assert analyse(whole).ranked_assets[0][0] == 3


def test_without_data_there_is_no_ranking() -> None:
    assert analyse(case(series=())).ranked_assets == ()


def learned(whole: Case) -> Case:
    """The case, with normal running learned from 75 min of each tag without its fault."""
    signals = read_signals(whole, tuple(sensors()))
    assert signals is not None
    values = np.array([tag.values for tag in signals.tags]).T
    normal = learn_baseline([t.mapping.metric for t in signals.tags], timedelta(seconds=10), [values])
    assert normal is not None
    return replace(whole, normal=normal)


def test_who_left_first_speaks_louder() -> None:
    late = series(4, "flow")
    after = late.time > to_micros(ANCHOR + timedelta(minutes=4))
    flow = replace(late, value=late.value - 80.0 * after)
    early = replace(flow, value=late.value - 80.0 * (late.time > to_micros(ANCHOR)))
    others = sensors(bearing_temperature=20)
    ranks = []
    for one in (early, flow):
        whole = learned(case(series=(*others[:3], one, *others[4:])))
        shares = dict(analyse(whole).ranked_tags)
        ranks.append(shares[4] / shares[2])
    assert ranks[0] > ranks[1]


def test_the_step_of_one_tag_ranks_its_own_asset_before_its_silent_neighbour_upstream() -> None:
    whole = learned(case(series=(*sensors(pressure=20), series(20, "level", asset_id=3))))
    assert analyse(whole).ranked_assets[0][0] == 1
    assert analyse(replace(whole, normal=None)).ranked_assets[0][0] == 1


@pytest.mark.parametrize("minutes", [-8, 8])
def test_an_anchor_that_is_late_or_early_names_the_same_tag(minutes: int) -> None:
    whole = learned(case(series=sensors(flow=-15)))
    moved = replace(whole, anchor=replace(whole.anchor, time=ANCHOR + timedelta(minutes=minutes)))
    assert analyse(moved).ranked_tags[0][0] == analyse(whole).ranked_tags[0][0] == 4
