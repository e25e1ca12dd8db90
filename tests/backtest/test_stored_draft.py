"""A draft takes the place of what it names and leaves the rest."""

from optria.backtest.stored_draft import Draft
from optria.core.asset import DetectorChoice, PlantModel, Threshold
from optria.core.event import Severity
from optria.core.work_order import WorkOrderPolicy
from optria.rca.rules import CausalRule, Condition

HIGH = Threshold("vibration", "high", 7.1, Severity.CRITICAL, asset_type="Pump")
LOW = Threshold("flow", "low", 10.0, Severity.MAJOR)
LEVEL = DetectorChoice("GatedLevel", {}, "Pump", "vibration")


def rule(number: int, priority: int = 100) -> CausalRule:
    return CausalRule(
        number, f"Rule {number}", "Seal Leak", (Condition("pressure", "low"),), priority=priority
    )


def test_limits_and_detectors_are_taken_out_and_put_in() -> None:
    lower = Threshold("vibration", "high", 5.0, Severity.CRITICAL, asset_type="Pump")
    plant = PlantModel(1, thresholds=(HIGH, LOW), detectors=(LEVEL,))
    draft = Draft(thresholds=(lower,), without_thresholds=(HIGH,), without_detectors=(LEVEL,))
    assert draft.plant(plant).thresholds == (LOW, lower)
    assert draft.plant(plant).detectors == ()
    assert (draft.changes_limits, draft.changes_detectors) == (True, True)


def test_a_rule_replaces_the_one_of_its_id_and_takes_its_place_in_the_order() -> None:
    changed = rule(2, priority=1)
    found = Draft(rules=(changed, rule(-1)), without_rules=frozenset({3})).rules_in_force(
        [rule(1), rule(2), rule(3)]
    )
    assert [one.id for one in found] == [2, -1, 1]
    assert found[0] is changed


def test_what_changes_no_signal_needs_no_second_run() -> None:
    draft = Draft(rules=(rule(-1),), policy=WorkOrderPolicy(min_probability=0.9))
    assert (draft.changes_limits, draft.changes_detectors, draft.is_empty) == (False, False, False)
    assert Draft().is_empty
