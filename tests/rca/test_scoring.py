"""From evidence to probabilities: they sum to one, each is explained, and Other can win."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.incident import OTHER, RootCause
from optria.rca.rules import CausalRule, Condition, Match
from optria.rca.scoring import MOST_CAUSES, TEMPERATURE, fit_temperature, score_causes
from optria.rca.similarity import Compared
from tests.rca.cases import past

CAUSES = st.sampled_from([f"Cause {letter}" for letter in "ABCDEFGHIJ"])
COMPARED = st.lists(st.builds(lambda c, s: Compared(past(1, c), s), CAUSES, st.floats(0, 1)), max_size=20)


def match(cause: str, likelihood: float, missing: bool = False) -> Match:
    condition = Condition("flow", "low")
    rule = CausalRule(1, f"Rule of {cause}", cause, (condition, Condition("level", "high")))
    return Match(rule, likelihood, ((condition, ()),), (Condition("level", "high"),) if missing else (), ())


MATCHES = st.lists(st.builds(match, CAUSES, st.floats(0, 1.5)), max_size=20)


@pytest.mark.clause("A19", "O2")
@given(COMPARED, MATCHES, st.sampled_from([None, "flow", "power"]), st.floats(0.3, 1.0))
def test_it_is_a_distribution_with_other(
    compared: list[Compared], matches: list[Match], first: str | None, temperature: float
) -> None:
    causes = score_causes(compared, matches, first, temperature)
    assert sum(cause.probability for cause in causes) == pytest.approx(1.0, abs=1e-9)
    assert all(0.0 <= cause.probability <= 1.0 for cause in causes)
    assert OTHER in {cause.label for cause in causes}
    assert [c.probability for c in causes] == sorted((c.probability for c in causes), reverse=True)
    assert len([c for c in causes if c.label != OTHER and c.probability]) <= MOST_CAUSES


@pytest.mark.clause("A19")
@given(COMPARED, MATCHES, st.sampled_from([None, "flow"]))
def test_the_evidence_of_a_cause_sums_to_its_probability(
    compared: list[Compared], matches: list[Match], first: str | None
) -> None:
    for cause in score_causes(compared, matches, first):
        assert sum(row.share for row in cause.evidence) == pytest.approx(cause.probability, abs=1e-9)


@pytest.mark.clause("A18")
def test_history_alone_rules_alone_and_both() -> None:
    alike, rule = [Compared(past(1, "Seal Leak"), 0.9)], [match("Seal Leak", 0.5)]
    history_only = probability(score_causes(alike, [], None), "Seal Leak")
    rules_only = probability(score_causes([], rule, None), "Seal Leak")
    both = probability(score_causes(alike, rule, None), "Seal Leak")
    assert 0.0 < history_only < both
    assert 0.0 < rules_only < both


@pytest.mark.clause("A10", "A18")
def test_a_past_incident_at_the_limit_is_no_candidate_and_says_little() -> None:
    at_limit = Compared(past(1, "Seal Leak"), 0.75)
    assert not at_limit.is_candidate
    assert Compared(past(1, "Seal Leak"), 0.7501).is_candidate
    chances = [
        probability(score_causes([Compared(past(1, "Seal Leak"), alike)], [], None), "Seal Leak")
        for alike in (0.6, 0.65, 0.7, 0.75, 0.76, 0.9, 1.0)
    ]
    assert chances[:2] == [0.0, 0.0]
    assert chances[1:] == sorted(chances[1:])
    assert 0.0 < chances[2] < 0.5 < chances[-2]
    assert chances[3] == pytest.approx(0.5, abs=0.1)
    assert chances[4] - chances[3] < 0.1, "no jump at the limit"


def test_several_that_hardly_resemble_say_little_more_than_one() -> None:
    def chance(likeness: float, count: int) -> float:
        alike = [Compared(past(n, "Seal Leak"), likeness) for n in range(count)]
        return probability(score_causes(alike, [], None), "Seal Leak")

    assert chance(0.7, 4) < 0.3
    assert chance(0.76, 4) < 0.75
    assert chance(0.9, 4) > chance(0.9, 1) > chance(0.76, 4)


@pytest.mark.clause("A19")
def test_history_of_one_incident_a_cause_does_not_set_the_temperature() -> None:
    alone = [past(n, f"Cause {n}", {f"m{n}.level": 9.0}) for n in range(40)]
    assert fit_temperature(alone) == TEMPERATURE


@pytest.mark.clause("A19")
def test_one_weak_rule_does_not_get_everything() -> None:
    causes = score_causes([], [match("Seal Leak", 0.15)], None)
    assert causes[0].label == OTHER


@pytest.mark.clause("A19")
def test_nothing_known_is_other() -> None:
    (only,) = score_causes([], [], None)
    assert (only.label, only.code, only.probability) == (OTHER, "OTHER", 1.0)


def test_more_evidence_makes_a_cause_likelier() -> None:
    chances = [
        probability(score_causes([], [match("A", 0.6), match("B", size)], None), "B")
        for size in (0.2, 0.4, 0.8)
    ]
    assert chances == sorted(chances)


def test_the_cause_whose_tag_left_first_gains() -> None:
    even = score_causes([], [match("A", 0.5)], None)
    led = score_causes([], [match("A", 0.5)], "flow")
    assert probability(led, "A") > probability(even, "A")
    assert [row.kind for row in led[0].evidence] == ["rule", "onset"]


def test_a_losing_cause_says_what_it_lacks() -> None:
    causes = score_causes([], [match("A", 0.9), match("B", 0.4), match("C", 0.0, missing=True)], None)
    by_label = {cause.label: cause for cause in causes}
    assert by_label["A"].missing == ()
    assert "no past incident resembles it" in by_label["B"].missing
    assert by_label["C"].missing == ("level is not high",)
    assert by_label["C"].probability == 0.0
    assert all(len(cause.missing) == len(cause.missing_ar) for cause in causes)


def test_the_temperature_follows_a_history_that_tells_causes_apart() -> None:
    clear = [past(n, f"Cause {n % 3}", {f"m{n % 3}.level": 9.0, "x.level": 0.1 * (n % 2)}) for n in range(30)]
    mixed = [past(n, f"Cause {n % 3}", {f"m{n // 3 % 3}.level": 9.0}) for n in range(30)]
    assert fit_temperature(clear[:10]) == TEMPERATURE
    assert fit_temperature(clear) < fit_temperature(mixed)


def probability(causes: tuple[RootCause, ...], label: str) -> float:
    return next((cause.probability for cause in causes if cause.label == label), 0.0)
