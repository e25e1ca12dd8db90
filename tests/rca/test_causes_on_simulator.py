"""The rules of the demo name the faults of the simulated plant, whose physics knows nothing of them."""

from dataclasses import replace

import pytest

from benchmarks.causes_on_simulator import past_incidents, run_of, starting_rules
from optria.rca.engine import analyse
from optria.simulator.catalogue import CATALOGUE
from optria.simulator.fault_kinds import FAULT_KINDS
from optria.simulator.faults import fitting_assets


@pytest.mark.parametrize(
    ("kind", "asset"),
    [
        ("bearing-wear", "P-102B"),
        ("cavitation", "P-102B"),
        ("imbalance", "COMP-002"),
        ("misalignment", "P-102B"),
        ("seal-leak", "P-102B"),
        ("suction-blockage", "PUMP-003"),
        ("discharge-blockage", "P-201"),
        ("valve-stiction", "LCV-101"),
        ("valve-leak", "FV-302"),
        ("fouling", "E-302"),
        ("sensor-drift", "P-201"),
        ("sensor-stuck", "HX-001"),
        ("motor-electrical", "P-102B"),
        ("surge", "COMP-002"),
        ("utility-loss", "E-302"),
    ],
)
def test_a_fault_is_called_by_its_name(kind: str, asset: str) -> None:
    run = run_of(kind, asset, 0.8, seed=20261)
    analysis = analyse(replace(run.case, rules=starting_rules()))
    assert analysis.top.label == run.cause, analysis.scores
    assert analysis.top.probability > 0.5


def test_normal_behaviour_has_no_cause() -> None:
    quiet = run_of("sensor-drift", "P-201", 0.01, seed=5)
    assert analyse(replace(quiet.case, rules=starting_rules())).top.label == "Other"


@pytest.mark.clause("A9", "A10", "A11")
def test_a_past_incident_of_the_same_fault_is_recognised() -> None:
    earlier = [run_of("seal-leak", "P-102B", 0.6, seed=31), run_of("cavitation", "P-102B", 0.6, seed=32)]
    now = run_of("seal-leak", "P-102B", 0.9, seed=33)
    analysis = analyse(replace(now.case, history=past_incidents(earlier, 1)))
    assert [similar.cause for similar in analysis.similar] == ["Seal Leak"]
    assert analysis.top.label == "Seal Leak"


@pytest.mark.clause("A12")
@pytest.mark.parametrize("kind", ["sensor-drift", "sensor-stuck"])
@pytest.mark.parametrize("asset", fitting_assets(FAULT_KINDS["sensor-stuck"], CATALOGUE))
def test_an_instrument_that_fails_is_no_fault_of_its_machine(kind: str, asset: str) -> None:
    run = run_of(kind, asset, 0.7, seed=20262, minutes=(20, 13))
    analysis = analyse(replace(run.case, rules=starting_rules()))
    assert analysis.top.label == "Instrumentation Fault", analysis.scores
    assert analysis.top.probability > 0.6
