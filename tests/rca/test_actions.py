"""What to do, in the mission's words."""

from dataclasses import replace

import pytest

from optria.core.incident import CAUSE_CODES
from optria.rca.actions import recommended_actions
from optria.rca.case import Step
from tests.rca.cases import spec


@pytest.mark.clause("A26", "O3")
def test_a_bearing_fault_has_its_two_actions_in_order() -> None:
    for given in (spec(), None):
        actions = recommended_actions("Bearing Fault", given, "Feed Pump")
        assert [a.action for a in actions] == [
            "Schedule maintenance within 12 hours.",
            "Reduce load to 60% until bearing is replaced.",
        ]
        assert [a.priority for a in actions] == [1, 2]


@pytest.mark.clause("A27", "I3", "O3")
@pytest.mark.parametrize("cause", sorted(set(CAUSE_CODES) - {"Bearing Fault"}))
@pytest.mark.parametrize("page", [22, 7])
def test_any_other_cause_has_the_checklist_of_the_spec(cause: str, page: int) -> None:
    first = recommended_actions(cause, replace(spec(), checklist_page=page), "Feed Pump")[0]
    assert first.action == f"Follow inspection checklist from MachineSpecs page {page}."
    assert first.source == "Feed pump manual"


@pytest.mark.clause("A27", "O3")
def test_the_makers_page_and_steps_for_a_cause() -> None:
    given = replace(spec(), cause_pages={"Seal Leak": 31})
    first, second = recommended_actions("Seal Leak", given, "Feed Pump")
    assert first.action.endswith("page 31.")
    assert (second.priority, second.action) == (2, "Replace the seal cartridge.")
    assert len(recommended_actions("Valve Stiction", given, "Feed Pump")) == 1
    extra = replace(spec(), cause_steps={"Bearing Fault": (Step("Check the lubrication."),)})
    assert [a.priority for a in recommended_actions("Bearing Fault", extra, "Feed Pump")] == [1, 2, 3]


@pytest.mark.clause("A27", "I3")
def test_without_a_spec_no_page_is_made_up() -> None:
    for given in (None, replace(spec(), checklist_page=None)):
        action = recommended_actions("Seal Leak", given, "Feed Pump")[0]
        assert "Feed Pump" in action.action
        assert "page" not in action.action


def test_every_action_has_an_arabic_text() -> None:
    for cause in CAUSE_CODES:
        for action in recommended_actions(cause, spec(), "Feed Pump", "مضخة التغذية"):
            assert any("\u0600" <= letter <= "\u06ff" for letter in action.action_ar)
