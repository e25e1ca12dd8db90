"""How alike two incidents are, and which past ones are candidates."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.incident import SimilarIncident
from optria.rca.similarity import CANDIDATE, Compared, Pattern, compare_history, event_types, similarity
from optria.rca.timeline import build_timeline
from tests.rca.cases import ANCHOR, case, limit_event, operator, past

FEATURES = st.dictionaries(
    st.sampled_from(["vibration.level", "flow.level", "flow.noise", "up:pressure.level", "power.slope"]),
    st.floats(-50, 50, allow_nan=False),
)
TYPES = st.lists(st.sampled_from(["ALERT", "OPERATOR_ACTION", "ALERT:flow:low"]), max_size=8).map(tuple)
PATTERNS = st.builds(Pattern, FEATURES, TYPES)


@pytest.mark.clause("A9")
@given(PATTERNS, PATTERNS)
def test_similarity_is_symmetric_and_between_0_and_1(a: Pattern, b: Pattern) -> None:
    assert 0.0 <= similarity(a, b) <= 1.0
    assert similarity(a, b) == pytest.approx(similarity(b, a), abs=1e-12)


@pytest.mark.clause("A9")
@given(PATTERNS)
def test_a_pattern_is_wholly_like_itself(pattern: Pattern) -> None:
    assert similarity(pattern, pattern) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.clause("A9")
def test_the_order_of_events_matters() -> None:
    ordered, turned = Pattern({}, ("A", "B", "C")), Pattern({}, ("C", "B", "A"))
    assert similarity(ordered, turned) < similarity(ordered, ordered)


@pytest.mark.clause("A9")
def test_event_types_and_key_metrics_matter() -> None:
    base = Pattern({"vibration.level": 9.0, "flow.level": -5.0}, ("A",))
    assert similarity(base, Pattern(base.signature, ("B",))) < 1.0
    assert similarity(base, Pattern({"vibration.level": 9.0}, ("A",))) < 1.0
    assert similarity(base, Pattern({"vibration.level": -9.0, "flow.level": 5.0}, ("A",))) < 0.5


@pytest.mark.clause("A10")
@pytest.mark.parametrize(("value", "is_in"), [(0.75, False), (0.7500001, True), (0.9, True), (0.1, False)])
def test_three_quarters_exactly_is_no_candidate(value: float, is_in: bool) -> None:
    assert CANDIDATE == 0.75
    assert Compared(past(1, "Seal Leak"), value).is_candidate is is_in


@pytest.mark.clause("A11")
def test_past_incidents_are_ranked_by_similarity() -> None:
    base = {"vibration.level": 9.0, "power.level": 4.0}
    history = [
        past(1, "X", {"flow.level": -9.0}),
        past(2, "X", {**base, "flow.level": -3.0}),
        past(3, "X", base),
    ]
    ranked = compare_history(Pattern(base), history)
    assert [one.past.number for one in ranked] == ["BB-0003", "BB-0002", "BB-0001"]
    assert all(a.similarity >= b.similarity for a, b in pairwise(ranked))


def test_only_the_nearest_twenty_are_compared_whole() -> None:
    history = [past(n, "X", {"vibration.level": 5.0, "flow.level": float(n)}) for n in range(60)]
    ranked = compare_history(Pattern({"vibration.level": 5.0}), history)
    assert len(ranked) == 20
    assert ranked[0].past.number == "BB-0000"


def test_nothing_is_compared_with_nothing() -> None:
    assert compare_history(Pattern(), [past(1, "X")]) == ()
    assert compare_history(Pattern({"a.level": 1.0}), []) == ()


def test_event_types_are_in_order_without_repetition() -> None:
    events = (limit_event("flow", 1, 2, "low"), limit_event("flow", 0, 2, "low"), operator("x", ANCHOR))
    timeline = build_timeline(case(events=events, series=(), maintenance=()))
    assert event_types(timeline.events) == ("ALERT:flow:low", "OPERATOR_ACTION")


def test_a_candidate_says_what_resolved_it() -> None:
    similar = Compared(past(1, "Bearing Fault"), 0.91).as_similar()
    expected = SimilarIncident("past-1", "BB-0001", "Bearing Fault", 0.91, "Replaced the drive-end bearing.")
    assert similar == expected
