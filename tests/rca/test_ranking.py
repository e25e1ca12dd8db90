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
from optria.rca.ranking import walked
from optria.rca.signals import read_signals
from tests.rca.cases import ANCHOR, case, sensors, series

WEIGHTS = st.dictionaries(st.integers(1, 6), st.floats(0.0, 9.0), min_size=1)
LINKS = st.lists(st.builds(Link, st.integers(1, 6), st.integers(1, 6)), max_size=12)


@given(WEIGHTS, LINKS)
def test_the_walk_loses_nothing_and_takes_nothing(own: dict[int, float], links: list[Link]) -> None:
    weights = walked(own, links)
    assert weights.keys() == own.keys()
    assert sum(weights.values()) == pytest.approx(sum(own.values()), abs=1e-9)
    assert min(weights.values()) >= -1e-9


def test_what_is_loud_upstream_gains_and_what_is_quiet_hardly() -> None:
    links = [Link(1, 3), Link(2, 3)]
    weights = walked({1: 4.0, 2: 0.1, 3: 5.0}, links)
    assert weights[1] > weights[3]
    assert weights[2] < 1.0
    assert walked({1: 4.0, 2: 0.1, 3: 5.0}, []) == {1: 4.0, 2: 0.1, 3: 5.0}


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
