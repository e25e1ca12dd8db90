"""The whole analysis: five outputs, and every input either counts or is survived."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optria.core.event import EventCategory, Severity
from optria.core.incident import OTHER, Analysis
from optria.core.tag import to_micros
from optria.rca.case import RawEntry, Series
from optria.rca.engine import analyse
from tests.rca.cases import ANCHOR, PUMP, case, limit_event, mapping, past, sensors


@pytest.mark.clause("O1", "O2", "O3", "O4", "O5", "A28")
def test_the_five_outputs_are_there() -> None:
    analysis = analyse(case())
    assert analysis.story
    assert analysis.story_ar
    assert sum(analysis.scores.values()) == pytest.approx(1.0, abs=1e-9)
    assert OTHER in analysis.scores
    assert analysis.actions
    assert analysis.financial is not None
    assert analysis.carbon is not None


@pytest.mark.clause("A18", "A19")
def test_the_top_cause_has_history_and_rules_behind_it() -> None:
    analysis = analyse(case())
    assert analysis.top.label == "Bearing Fault"
    assert {row.kind for row in analysis.top.evidence} == {"history", "rule", "onset"}
    for cause in analysis.causes:
        assert sum(row.share for row in cause.evidence) == pytest.approx(cause.probability, abs=1e-9)


def test_the_same_case_gives_the_same_analysis() -> None:
    assert analyse(case()) == analyse(case())


@pytest.mark.clause("I1")
def test_without_events_their_evidence_is_gone() -> None:
    whole, bare = analyse(case()), analyse(case(events=()))
    assert bare.events_in_window < whole.events_in_window
    assert bare.event_types == ()
    assert bare.scores != whole.scores


@pytest.mark.clause("I1")
@pytest.mark.parametrize("category", ["ALERT", "SENSOR", "OPERATOR_ACTION", "CONFIG_CHANGE"])
def test_all_four_kinds_of_events_are_taken(category: str) -> None:
    entry = RawEntry(
        "dcs", ANCHOR - timedelta(minutes=1), "event", "It happened", category=category, asset_id=1
    )
    analysis = analyse(case(events=(entry,)))
    assert analysis.event_types == (category, "MAINTENANCE")[: len(analysis.event_types)]
    assert "It happened" in analysis.story


@pytest.mark.parametrize(("what", "told"), [("threshold", True), ("webhook", False), (None, True)])
def test_of_our_own_changes_those_of_what_is_measured_are_told(what: str | None, told: bool) -> None:
    payload = {"entity_type": what} if what else {}
    entry = RawEntry(
        "MANUAL", ANCHOR - timedelta(minutes=1), "event", "Changed", category="CONFIG_CHANGE", payload=payload
    )
    assert ("Changed" in analyse(case(events=(entry,))).story) == told


@pytest.mark.clause("I2")
def test_without_history_nothing_is_similar() -> None:
    whole, bare = analyse(case()), analyse(case(history=()))
    assert whole.similar
    assert bare.similar == ()
    assert "history" not in {row.kind for row in bare.top.evidence}
    assert bare.scores != whole.scores


@pytest.mark.clause("I2", "A11")
def test_only_incidents_of_the_assets_type_count_and_never_itself() -> None:
    mine = past(1, "Seal Leak")
    assert analyse(case(history=(replace(mine, asset_type="Valve"),))).similar == ()
    assert analyse(case(history=(replace(mine, id="now"),))).similar == ()


@pytest.mark.clause("I3")
def test_without_a_spec_the_procedure_is_general() -> None:
    quiet = case(series=sensors(), events=(), history=(), rules=())
    assert analyse(quiet).actions[0].action == "Follow inspection checklist from MachineSpecs page 22."
    assert "page" not in analyse(replace(quiet, spec=None)).actions[0].action


@pytest.mark.clause("I4")
def test_without_sensor_data_there_is_no_pattern() -> None:
    bare = analyse(case(series=()))
    assert bare.signature == {}
    assert bare.samples_in_window == 0
    assert analyse(case()).samples_in_window > 6 * 3600 - 10
    assert bare.localised_asset_id == PUMP.id


@pytest.mark.clause("I5")
def test_without_maintenance_logs_their_downtime_is_gone() -> None:
    whole, bare = analyse(case()).financial, analyse(case(maintenance=())).financial
    assert whole is not None
    assert bare is not None
    assert whole.downtime_h > bare.downtime_h


@pytest.mark.clause("I6")
def test_without_energy_data_consumption_is_assumed() -> None:
    bare = analyse(case(series=sensors(vibration=25)[:5])).carbon
    assert bare is not None
    assert bare.assumed
    assert "EnergyData" in analyse(case(series=sensors(vibration=25)[:5])).facts["absent_inputs"]


@pytest.mark.clause("I7")
def test_without_factors_there_is_no_carbon() -> None:
    assert analyse(case(carbon_factors=())).carbon is None


@pytest.mark.clause("I8")
def test_without_cost_references_there_is_no_amount() -> None:
    bare = analyse(case(cost_references=(), downtime_references=()))
    assert bare.financial is None
    assert bare.top.label == "Bearing Fault"


@pytest.mark.clause("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8")
@settings(max_examples=40, deadline=None)
@given(
    st.sets(
        st.sampled_from(["events", "history", "series", "maintenance", "rules", "spec", "costs", "factors"])
    )
)
def test_any_inputs_may_be_absent(absent: set[str]) -> None:
    names = {"costs": "cost_references", "factors": "carbon_factors"}
    changes: dict[str, Any] = {names.get(name, name): None if name == "spec" else () for name in absent}
    analysis = analyse(case(**changes))
    assert sum(analysis.scores.values()) == pytest.approx(1.0, abs=1e-9)
    assert analysis.story
    assert analysis.actions
    for name, words in (("events", "Events"), ("rules", "CausalRules"), ("spec", "MachineSpecs")):
        assert (words in analysis.facts.get("absent_inputs", "")) is (name in absent)


@pytest.mark.clause("A19")
def test_what_was_never_seen_is_other() -> None:
    strange = case(series=sensors(pressure=15, flow=6), events=(), rules=())
    assert analyse(strange).top.label == OTHER


def test_what_the_product_said_is_no_evidence() -> None:
    own = replace(limit_event("vibration", 9.0, 4.5), category=EventCategory.AI_OUTPUT)
    bare = case(events=(), series=(), history=(), maintenance=())
    assert analyse(replace(bare, events=(own,))).scores == analyse(bare).scores


def test_malformed_entries_are_counted_and_named() -> None:
    analysis = analyse(case(events=(RawEntry("scada", "soon"),), clock_drift_s={"dcs": 90.0}))
    assert analysis.facts["malformed_count"] == "1"
    assert "scada" in analysis.facts["malformed_entries"]
    assert analysis.facts["clock_drift_s"] == "dcs: 90"


def test_sources_that_could_not_be_read_are_named() -> None:
    assert analyse(case(missing_sources=("Historian",))).missing_sources == ("Historian",)


def test_a_provisional_analysis_says_so() -> None:
    assert analyse(case(now=ANCHOR, provisional=True)).provisional
    assert not analyse(case()).provisional


def test_an_analysis_finds_itself_again() -> None:
    first: Analysis = analyse(case(history=()))
    again = replace(past(9, "Seal Leak"), signature=first.signature, event_types=first.event_types)
    analysis = analyse(case(history=(again,)))
    assert analysis.similar[0].similarity == pytest.approx(1.0)
    assert "Seal Leak" in analysis.scores


def test_severity_of_events_does_not_need_to_be_critical() -> None:
    quiet = limit_event("vibration", 9.0, 4.5, severity=Severity.INFO)
    assert analyse(case(events=(quiet,), series=(), history=())).matched_rules > 0


SAMPLES = st.lists(
    st.tuples(
        st.integers(0, 5400),
        st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")), st.just(float("inf"))),
        st.integers(0, 2),
    ),
    max_size=200,
)


@pytest.mark.clause("I4")
@settings(max_examples=60, deadline=None)
@given(st.lists(SAMPLES, max_size=3), st.integers(-3600, 3600), st.integers(-120, 3600))
def test_any_sensor_data_is_survived(columns: list[list[Any]], shift_s: int, now_s: int) -> None:
    start = to_micros(ANCHOR) - 3_600_000_000
    tags = []
    for tag, rows in enumerate(columns, start=1):
        rows = sorted(rows, key=lambda row: row[0])
        time, value, quality = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
        times = start + 1_000_000 * np.array(time, np.int64)
        qualities = np.array(quality, np.uint8)
        tags.append(Series(mapping(tag, "flow"), times, np.array(value, np.float64), qualities))
    anchor = replace(case().anchor, time=ANCHOR + timedelta(seconds=shift_s))
    analysis = analyse(case(series=tuple(tags), anchor=anchor, now=ANCHOR + timedelta(seconds=now_s)))
    assert sum(analysis.scores.values()) == pytest.approx(1.0, abs=1e-9)
    assert all(math.isfinite(value) for value in analysis.signature.values())
