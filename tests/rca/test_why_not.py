"""Why not the other causes: what is missing in figures, in both languages, from the case itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from optria.core.incident import OTHER, Lack, RootCause
from optria.rca.case import Case
from optria.rca.engine import analyse
from optria.rca.rules import parse_rule
from tests.rca.cases import case, past, rules, sensors

ARABIC = re.compile(r"[\u0600-\u06ff]")


Condition = Mapping[str, object]


def rule(cause: str, all_: Sequence[Condition], **more: Sequence[Condition]) -> Case:
    """The usual case with one more rule, of a cause that no other rule names."""
    row = {"id": 900, "name": cause, "root_cause_category": cause, "pattern": {"all": [*all_], **more}}
    return case(rules=(*rules(), parse_rule(row)))


def loser(whole: Case, label: str) -> RootCause:
    return next(cause for cause in analyse(whole).causes if cause.label == label)


def lack(whole: Case, label: str, kind: str) -> Lack:
    return next(row for row in loser(whole, label).why_not if row.kind == kind)


def test_every_cause_but_the_first_says_why_not() -> None:
    first, *others = analyse(case()).causes
    assert first.why_not == ()
    assert others
    assert all(cause.why_not for cause in others)
    for row in (row for cause in others for row in cause.why_not):
        assert row.text
        assert ARABIC.search(row.text_ar)


@pytest.mark.parametrize(
    ("condition", "unit", "said"),
    [
        ({"metric": "flow", "direction": "low"}, "m³/h", "at most"),
        ({"metric": "flow", "direction": "high"}, "m³/h", "at least"),
        ({"metric": "flow", "direction": "noisy"}, "×", "scatters"),
        ({"metric": "flow", "direction": "rising"}, "m³/h", "changed by"),
        ({"metric": "flow", "direction": "high", "over": "vibration"}, "σ", "moved"),
    ],
)
def test_a_condition_not_met_is_told_with_what_it_is_and_would_have_to_be(
    condition: Condition, unit: str, said: str
) -> None:
    whole = rule("Dry Running", [{"metric": "vibration", "direction": "high"}, condition])
    row = lack(whole, "Dry Running", "condition")
    assert row.measured is not None
    assert row.needed is not None
    assert (row.measured < row.needed) == (condition["direction"] != "low")
    assert row.unit == unit
    assert said in row.text
    assert (row.rule_id, row.tag) == (900, 4)


def test_the_figures_are_those_of_the_condition() -> None:
    """Flow 400 with a deviation of 4: three deviations low is 388, six are 376."""
    two: list[dict[str, object]] = [
        {"metric": "vibration", "direction": "high"},
        {"metric": "flow", "direction": "low"},
    ]
    three = lack(rule("Dry Running", two), "Dry Running", "condition")
    two[1] = two[1] | {"min_score": 6}
    six = lack(rule("Dry Running", two), "Dry Running", "condition")
    assert three.measured == pytest.approx(400, abs=1)
    assert three.measured == six.measured
    assert three.needed is not None
    assert six.needed is not None
    assert three.measured is not None
    reference = 2 * three.needed - six.needed
    assert reference == pytest.approx(400, abs=1)
    assert three.needed < reference


def test_what_nothing_measures_is_told_apart_from_what_was_not_seen() -> None:
    missing = {"metric": "seal_level", "direction": "low"}
    row = lack(
        rule("Dry Running", [{"metric": "vibration", "direction": "high"}, missing]),
        "Dry Running",
        "not_measured",
    )
    assert "no tag measures it" in row.text
    assert row.measured is None


def test_contrary_evidence_is_told_with_its_value() -> None:
    seen = [{"metric": "vibration", "direction": "high"}]
    whole = rule("Dry Running", seen, contrary=[{"metric": "bearing_temperature", "direction": "high"}])
    rivals = tuple(one for one in whole.rules if one.name in ("High vibration", "Dry Running"))
    whole = replace(whole, rules=rivals, history=())
    row = lack(whole, "Dry Running", "contrary")
    assert row.tag == 2
    assert row.measured is not None
    assert row.needed is not None
    assert row.measured > row.needed
    assert "speaks against it" in row.text


def test_the_nearest_past_incident_is_named_with_its_likeness() -> None:
    other = past(5, "Shaft Misalignment", {"flow.level": -20.0, "vibration.level": 20.0})
    row = lack(case(history=(past(1, "Bearing Fault"), other)), "Shaft Misalignment", "similarity")
    assert row.incident_number == "BB-0005"
    assert row.measured is not None
    assert 0.0 < row.measured <= 0.75
    assert f"{row.measured:.2f}" in row.text


def test_without_a_past_incident_that_is_said() -> None:
    assert "no past incident" in lack(case(history=()), "Shaft Misalignment", "no_history").text


def test_a_cause_that_only_history_knows_has_no_rule() -> None:
    whole = case(history=(past(1, "Bearing Fault"), replace(past(2, "Loose Foundation"))))
    assert lack(whole, "Loose Foundation", "no_rule").rule_id is None


def test_other_says_what_is_explained() -> None:
    other = loser(case(), OTHER)
    assert other.why_not[0].measured == pytest.approx(1.0 - other.probability)


def test_without_signals_the_reasons_are_still_told() -> None:
    whole = case(series=())
    assert all(cause.why_not for cause in analyse(whole).causes[1:])


def test_the_winner_may_be_other() -> None:
    first, *others = analyse(case(series=sensors(pressure=15, flow=6), events=(), history=())).causes
    assert first.label == OTHER
    assert all(cause.why_not for cause in others)
