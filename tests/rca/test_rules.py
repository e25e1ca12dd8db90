"""Causal rules: read from JSON rows, matched by metric, exceedance and asset type."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.asset import Threshold
from optria.core.errors import Invalid
from optria.core.event import Severity
from optria.core.incident import CAUSE_CODES, Analysis
from optria.core.tag import to_micros
from optria.rca.case import Case, RawEntry, Series
from optria.rca.engine import analyse
from optria.rca.rules import (
    CausalRule,
    Condition,
    Direction,
    Observation,
    match_rule,
    match_rules,
    parse_rule,
)
from tests.rca.cases import ANCHOR, PUMP, VALVE, case, limit_event, plant, rules, sensors

ROW: Mapping[str, object] = {
    "id": 4,
    "name": "High flow",
    "root_cause_category": "SEAL_LEAK",
    "confidence": 0.6,
    "pattern": {"asset_types": ["Pump"], "all": [{"metric": "flow", "direction": "high"}]},
}


def events_only(*events: RawEntry, asset: str = "Pump") -> Case:
    """A case of which nothing is known but its events."""
    chosen = PUMP if asset == "Pump" else VALVE
    return case(asset=chosen, events=events, series=(), history=(), maintenance=())


def seen(metric: str, direction: Direction = "high", score: float = 9.0, event: bool = False) -> Observation:
    return Observation(metric, direction, score, event=event)


@pytest.mark.clause("A12", "A13")
def test_high_vibration_points_to_a_bearing_fault() -> None:
    assert analyse(events_only(limit_event("vibration", 8.0, 4.5))).top.label == "Bearing Fault"


@pytest.mark.clause("A12", "A14")
def test_high_temperature_with_low_flow_points_to_cavitation() -> None:
    hot, low = limit_event("temperature", 90.0, 80.0), limit_event("flow", 200.0, 300.0, "low")
    assert analyse(events_only(hot, low)).top.label == "Pump Cavitation"
    assert "Pump Cavitation" not in positive(analyse(events_only(hot)))
    assert "Pump Cavitation" not in positive(analyse(events_only(low)))


@pytest.mark.clause("A12", "A15")
def test_a_pressure_drop_points_to_valve_leakage() -> None:
    drop = limit_event("pressure", 20.0, 35.0, "low", asset_id=2)
    assert analyse(events_only(drop, asset="Valve")).top.label == "Valve Leakage"


@pytest.mark.clause("A16")
@pytest.mark.parametrize(
    ("event", "asset"),
    [
        (limit_event("humidity", 8.0, 4.5), "Pump"),
        (limit_event("vibration", 4.4, 4.5), "Pump"),
        (limit_event("vibration", None, 4.5), "Pump"),
        (limit_event("vibration", 8.0, None), "Pump"),
        (limit_event("vibration", 8.0, 4.5, asset_id=2), "Valve"),
        (limit_event("vibration", 8.0, 4.5, asset_id=99), "Pump"),
    ],
    ids=["other metric", "within limit", "no value", "no limit", "other asset type", "other asset"],
)
def test_metric_exceedance_and_asset_type_must_all_fit(event: RawEntry, asset: str) -> None:
    assert analyse(events_only(event, asset=asset)).matched_rules == 0


@pytest.mark.clause("A16", "I8")
def test_an_event_without_a_limit_is_held_against_the_approved_one() -> None:
    approved = Threshold("vibration", "high", 4.5, Severity.MAJOR, asset_type="Pump")
    event = limit_event("vibration", 8.0, None)
    assert analyse(replace(events_only(event), plant=plant(approved))).matched_rules > 0
    assert analyse(replace(events_only(event), plant=plant())).matched_rules == 0


@pytest.mark.clause("A17")
def test_two_matching_events_score_higher_than_one() -> None:
    once = analyse(events_only(limit_event("vibration", 5.0, 4.5)))
    twice = analyse(events_only(limit_event("vibration", 5.0, 4.5), limit_event("vibration", 5.2, 4.5)))
    assert twice.scores["Bearing Fault"] > once.scores["Bearing Fault"]


@pytest.mark.clause("A17")
@given(st.lists(st.floats(3.0, 50.0), min_size=1, max_size=8), st.floats(3.0, 50.0))
def test_a_further_match_never_lowers_a_likelihood(scores: list[float], further: float) -> None:
    rule = parse_rule(ROW)
    fewer = [seen("flow", score=score) for score in scores]
    more = [*fewer, seen("flow", score=further)]
    assert match_rule(rule, more).likelihood >= match_rule(rule, fewer).likelihood > 0.0


@pytest.mark.clause("A16")
def test_residuals_of_the_sensors_are_evidence_too() -> None:
    analysis = analyse(
        case(events=(), history=(), series=sensors(vibration=25, bearing_temperature=15, power=8))
    )
    assert analysis.top.label == "Bearing Fault"


@pytest.mark.clause("A12")
def test_a_rule_added_as_a_row_takes_effect() -> None:
    quiet = case(events=(limit_event("humidity", 9.0, 5.0),), series=(), history=(), maintenance=())
    row = {**ROW, "pattern": {"all": [{"metric": "humidity", "direction": "high"}]}}
    assert "Seal Leak" not in analyse(quiet).scores
    assert "Seal Leak" in analyse(replace(quiet, rules=(*rules(), parse_rule(row)))).scores


def test_every_condition_must_be_met() -> None:
    rule = CausalRule(1, "r", "X", (Condition("flow", "low"), Condition("level", "high")))
    half = match_rule(rule, [seen("flow", "low")])
    assert half.likelihood == 0.0
    assert half.missing == (Condition("level", "high"),)
    assert match_rule(rule, [seen("flow", "low"), seen("level")]).likelihood > 0.0


def test_supporting_evidence_raises_and_contrary_lowers() -> None:
    rule = CausalRule(
        1, "r", "X", (Condition("flow", "low"),), (Condition("level", "low"),), (Condition("power", "high"),)
    )
    plain = match_rule(rule, [seen("flow", "low")]).likelihood
    assert match_rule(rule, [seen("flow", "low"), seen("level", "low")]).likelihood > plain
    contrary = match_rule(rule, [seen("flow", "low"), seen("power")])
    assert 0.0 < contrary.likelihood < plain
    assert contrary.against == (Condition("power", "high"),)


def test_one_metric_may_have_to_move_more_than_another() -> None:
    rule = CausalRule(1, "r", "X", (Condition("axial_vibration", "high", over="vibration", ratio=0.5),))
    assert (
        match_rule(rule, [seen("axial_vibration", score=6.0), seen("vibration", score=10.0)]).likelihood > 0.0
    )
    assert (
        match_rule(rule, [seen("axial_vibration", score=4.0), seen("vibration", score=10.0)]).likelihood
        == 0.0
    )
    assert match_rule(rule, [seen("axial_vibration", score=4.0)]).likelihood > 0.0


def test_a_rise_may_have_to_exceed_the_fall_of_another_metric() -> None:
    above = Condition("temperature", "high", over="flow", over_direction="low")
    rule = CausalRule(1, "r", "X", (above,))
    hot, falls = seen("temperature", score=9.0), seen("flow", "low", score=20.0)
    assert match_rule(rule, [hot, seen("flow", "high", score=20.0)]).likelihood > 0.0
    assert match_rule(rule, [hot, falls]).likelihood == 0.0
    cells = {"metric": "temperature", "direction": "high", "over": "flow", "over_direction": "low"}
    assert parse_rule({**ROW, "pattern": {"all": [cells]}}).conditions == (above,)


def test_neighbours_and_alternatives_are_told_apart() -> None:
    upstream = CausalRule(1, "r", "X", (Condition("pressure", "high", at="up"),))
    assert match_rule(upstream, [seen("pressure")]).likelihood == 0.0
    assert match_rule(upstream, [Observation("pressure", "high", 9.0, "up")]).likelihood > 0.0
    either = CausalRule(1, "r", "X", (Condition("pressure|level", "high"),))
    assert match_rule(either, [seen("level")]).likelihood > 0.0


def test_matches_are_for_the_asset_type_and_likeliest_first() -> None:
    found = match_rules(rules(), [seen("vibration", score=30.0), seen("vibration", event=True)], "pump")
    assert [m.likelihood for m in found] == sorted((m.likelihood for m in found), reverse=True)
    assert all(m.rule.holds_for("Pump") for m in found)


def test_the_demo_rules_name_known_causes_and_each_cause_has_one() -> None:
    assert {rule.cause for rule in rules()} == set(CAUSE_CODES) - {"Other"}


def test_a_row_becomes_a_rule() -> None:
    rule = parse_rule(ROW)
    assert (rule.id, rule.cause, rule.weight) == (4, "Seal Leak", 0.6)
    assert rule.conditions == (Condition("flow", "high"),)
    assert rule.asset_types == {"Pump"}


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": None},
        {"root_cause_category": None},
        {"pattern": None},
        {"pattern": "vibration high"},
        {"pattern": {}},
        {"pattern": {"all": []}},
        {"pattern": {"all": "vibration"}},
        {"pattern": {"all": ["vibration"]}},
        {"pattern": {"all": [{"direction": "high"}]}},
        {"pattern": {"all": [{"metric": "flow", "direction": "sideways"}]}},
        {"pattern": {"all": [{"metric": "flow", "direction": ["high"]}]}},
        {"pattern": {"all": [{"metric": "flow", "direction": "high", "at": "far"}]}},
        {"pattern": {"all": [{"metric": "flow", "direction": "high", "min_score": "much"}]}},
        {"pattern": {"all": [{"metric": "flow", "direction": "high", "min_score": -1}]}},
        {"pattern": {"all": [{"metric": "flow", "direction": "high", "over": 3}]}},
        {"pattern": {"all": [{"metric": "flow", "direction": "high", "over_direction": "out"}]}},
        {"pattern": {"all": [{"metric": "flow", "direction": "high"}], "asset_types": "Pump"}},
        {"confidence": 0},
        {"confidence": 1.2},
        {"confidence": "high"},
        {"confidence": float("nan")},
        {"priority": "first"},
    ],
)
def test_a_malformed_row_is_refused_with_a_sentence(change: Mapping[str, object]) -> None:
    with pytest.raises(Invalid, match=r"\.$"):
        parse_rule({**ROW, **change})


def positive(analysis: Analysis) -> set[str]:
    return {label for label, probability in analysis.scores.items() if probability > 0.0}


def test_the_anchor_speaks_while_the_signals_are_still_short() -> None:
    at_once = case(
        now=ANCHOR, provisional=True, events=(), history=(), series=tuple(until_anchor(s) for s in sensors())
    )
    assert analyse(at_once).top.label == "Bearing Fault"
    assert analyse(replace(at_once, provisional=False)).top.label == "Other"


def until_anchor(whole: Series) -> Series:
    kept = whole.time <= to_micros(ANCHOR)
    return replace(whole, time=whole.time[kept], value=whole.value[kept], quality=whole.quality[kept])
