"""What if: the same case with something else, beside the case as it is; and the case stays as it was."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from optria.core.asset import Threshold
from optria.core.errors import Invalid
from optria.core.event import Severity
from optria.core.incident import OTHER, Analysis
from optria.rca.engine import analyse
from optria.rca.what_if import Changes, LimitChange, changed, what_if
from tests.rca.cases import ANCHOR, case, limit_event, past, plant, rules, sensors

TOP = "Bearing Fault"


def rule_ids(analysis: Analysis) -> set[int]:
    return {row.rule_id for row in analysis.top.evidence if row.rule_id is not None}


def test_without_changes_nothing_moves() -> None:
    told = what_if(case(), Changes())
    assert told.before == told.after == analyse(case())
    assert told.moved == ()
    assert told.cost_change == 0


def test_the_case_itself_stays_as_it_was() -> None:
    whole = case()
    what_if(whole, Changes(rule_weights={1: 0.0}, without_tags=frozenset({1}), anchor_shift_s=60))
    assert analyse(whole) == analyse(case())


def test_a_rule_left_out_takes_its_evidence_along() -> None:
    whole = case()
    ids = rule_ids(analyse(whole))
    told = what_if(whole, Changes(rule_weights=dict.fromkeys(ids, 0.0)))
    assert not rule_ids(told.after) & ids
    assert told.after.scores[TOP] < told.before.scores[TOP]
    gone = [row for row in told.moved if row.evidence.rule_id in ids and row.cause == TOP]
    assert gone
    assert all(row.after == 0.0 < row.before for row in gone)


def test_a_lighter_rule_counts_for_less() -> None:
    whole = case()
    ids = rule_ids(analyse(whole))
    chances = [
        what_if(whole, Changes(rule_weights=dict.fromkeys(ids, weight))).after.scores[TOP]
        for weight in (0.1, 0.4, 0.9)
    ]
    assert chances == sorted(chances)
    assert chances[0] < chances[-1]


@pytest.mark.parametrize("name", ["past-1", "BB-0001"])
def test_a_past_incident_left_out_is_no_evidence(name: str) -> None:
    told = what_if(case(), Changes(without_incidents=frozenset({name})))
    assert told.before.similar
    assert told.after.similar == ()
    assert told.after.scores[TOP] < told.before.scores[TOP]


def test_a_tag_left_out_is_neither_signal_nor_event_nor_anchor() -> None:
    event = limit_event("vibration", 5.1, 4.5)
    whole = case(events=(replace(event, payload={**event.payload, "tag_id": 1}),))
    bare = changed(whole, Changes(without_tags=frozenset({1})))
    assert [s.mapping.id for s in bare.series] == [2, 3, 4, 5, 6]
    assert bare.events == ()
    assert bare.anchor.contributions == ()
    assert analyse(bare).scores.get(TOP, 0.0) < analyse(whole).scores[TOP]


def test_the_anchor_and_its_window_move() -> None:
    moved = changed(case(), Changes(anchor_shift_s=-90))
    assert moved.anchor.time == ANCHOR - timedelta(seconds=90)
    assert (moved.window.start, moved.window.end) == (
        case().window.start - timedelta(seconds=90),
        case().window.end - timedelta(seconds=90),
    )


def test_a_colder_analysis_is_surer() -> None:
    cold, warm = (what_if(case(), Changes(temperature=t)).after.top.probability for t in (0.3, 1.0))
    assert cold > warm


def limited(**changes: Any) -> Any:
    """A case whose vibration has reached 4.5 mm/s and crossed a limit of 3."""
    limit = Threshold("vibration", "high", 3.0, Severity.MAJOR, asset_type="Pump")
    event = limit_event("vibration", 4.4, 3.0, time=ANCHOR + timedelta(seconds=5))
    return case(plant=plant(limit), events=(event,), **changes)


def limits_seen(whole: Any, limit: float) -> list[object]:
    change = Changes(limits=(LimitChange("vibration", "high", limit),))
    return [event.payload["limit"] for event in changed(whole, change).events]


def test_a_limit_that_was_not_reached_makes_no_event() -> None:
    assert limits_seen(limited(), 3.5) == [3.5]
    assert limits_seen(limited(), 7.1) == []


def test_a_lower_limit_makes_the_event_that_the_samples_would_have_made() -> None:
    quiet = case(events=(), series=sensors(vibration=25))
    change = Changes(limits=(LimitChange("vibration", "high", 3.0),))
    (event,) = changed(quiet, change).events
    assert event.payload["value"] == pytest.approx(4.5, abs=0.5)
    assert isinstance(event.time, type(ANCHOR))
    assert ANCHOR < event.time <= ANCHOR + timedelta(seconds=10)
    assert analyse(changed(quiet, change)).scores[TOP] != analyse(quiet).scores[TOP]


def test_a_low_limit_is_crossed_downwards() -> None:
    quiet = case(events=(), series=sensors(flow=-20))
    (event,) = changed(quiet, Changes(limits=(LimitChange("flow", "low", 340.0),))).events
    assert event.payload["direction"] == "low"
    assert changed(quiet, Changes(limits=(LimitChange("flow", "low", 200.0),))).events == ()


def test_the_other_limits_of_the_metric_stay() -> None:
    high = Threshold("vibration", "high", 3.0, Severity.MAJOR, asset_type="Pump")
    trip = Threshold("vibration", "high", 9.0, Severity.CRITICAL, asset_type="Pump")
    low = Threshold("vibration", "low", 0.1, Severity.MINOR, asset_type="Pump")
    change = LimitChange("vibration", "high", 5.0, Severity.MAJOR)
    new = changed(case(plant=plant(high, trip, low)), Changes(limits=(change,))).plant
    held = new.thresholds_of(case().asset, "vibration")
    assert sorted((t.direction, t.limit) for t in held) == [("high", 5.0), ("high", 9.0), ("low", 0.1)]


def test_the_cost_follows_the_cause() -> None:
    told = what_if(
        case(),
        Changes(rule_weights={rule.id: 0.0 for rule in rules()}, without_incidents=frozenset({"past-1"})),
    )
    assert told.after.top.label == OTHER
    assert told.cost_change is not None
    assert told.cost_change < 0
    assert what_if(case(cost_references=()), Changes()).cost_change is None
    assert isinstance(told.cost_change, Decimal)


@pytest.mark.parametrize(
    "changes",
    [
        Changes(rule_weights={999: 0.5}),
        Changes(without_tags=frozenset({999})),
        Changes(without_incidents=frozenset({"BB-9999"})),
        Changes(limits=(LimitChange("speed", "high", 1.0),)),
    ],
)
def test_what_plays_no_part_is_named(changes: Changes) -> None:
    with pytest.raises(Invalid, match="knows no"):
        what_if(case(history=(past(1, TOP),)), changes)
