"""A would-be incident is explained with no more than was known, and ordered at the pass that calls for it."""

from dataclasses import replace
from datetime import timedelta

from optria.backtest.stored_cases import as_known, explain_passes
from optria.backtest.stored_draft import Draft
from optria.backtest.stored_incidents import WouldBe
from optria.core.event import Event, EventCategory, Severity
from optria.core.work_order import WorkOrderPolicy
from optria.rca.case import RawEntry
from tests.rca.cases import ANCHOR, case, log, operator, past, rules

WHOLE = case()
SEEN = ANCHOR + timedelta(seconds=10)
PATIENT = WorkOrderPolicy(min_severity=Severity.CRITICAL, min_probability=0.6)


def would_be(severity: Severity = Severity.MINOR) -> WouldBe:
    return WouldBe(WHOLE.anchor, SEEN, WHOLE.window, False, severity, ANCHOR, assets={1})


def test_what_came_later_explains_nothing() -> None:
    before = replace(past(1, "Bearing Fault"), occurred_at=ANCHOR - timedelta(days=3))
    itself = replace(past(2, "Bearing Fault"), occurred_at=ANCHOR)
    undated = replace(past(3, "Bearing Fault"), occurred_at=None)
    done, after = log(), replace(log(), time=ANCHOR + timedelta(hours=5))
    known = as_known(
        case(history=(before, itself, undated), maintenance=(done, after)), would_be(), Draft(), []
    )
    assert known.history == (before,)
    assert known.maintenance == (done,)


def test_limit_events_are_those_of_the_run() -> None:
    stored = RawEntry(
        "OPTRIA_ALERT",
        ANCHOR,
        summary="stored",
        payload={"limit": 4.5, "direction": "high", "state": "crossed", "metric": "vibration"},
        asset_id=1,
    )
    said = operator("Operator raised the load", ANCHOR)
    own = Event(ANCHOR, Severity.MAJOR, EventCategory.ALERT, "of the run", asset_id=1, payload={"limit": 3.0})
    far = replace(own, summary="of another asset", asset_id=99)
    known = as_known(case(events=(stored, said)), would_be(), Draft(), [(SEEN, own), (SEEN, far)])
    assert [entry.summary for entry in known.events] == [said.summary, "of the run"]


def test_the_draft_decides_which_rules_are_asked() -> None:
    first = rules()[0]
    known = as_known(WHOLE, would_be(), Draft(without_rules=frozenset({first.id})), [])
    assert first not in known.rules
    assert len(known.rules) == len(WHOLE.rules) - 1


def test_a_grave_incident_is_ordered_at_once_another_when_its_cause_shows() -> None:
    late = case(now=WHOLE.window.end + timedelta(minutes=5))
    grave = explain_passes(late, would_be(Severity.CRITICAL), PATIENT)
    assert grave.ordered == SEEN
    likely = explain_passes(late, would_be(), PATIENT)
    assert likely.ordered in would_be().passes
    assert likely.analysis.top.label == "Bearing Fault"
    assert not likely.analysis.provisional
    sure = explain_passes(late, would_be(), replace(PATIENT, min_probability=likely.analysis.top.probability))
    assert sure.ordered is not None
    assert sure.ordered > SEEN
    never = explain_passes(late, would_be(), replace(PATIENT, min_probability=1.1))
    assert never.ordered is None
    assert never.analysis.scores == likely.analysis.scores
