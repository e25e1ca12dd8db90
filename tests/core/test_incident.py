"""Severity of an anomaly, and the two names of a cause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.event import Severity
from optria.core.incident import CAUSE_CODES, cause_code, cause_label, plain_title, severity_of


@given(st.floats(0, 1), st.integers(0, 2))
def test_severity_never_falls_with_criticality(probability: float, rank: int) -> None:
    assert severity_of(probability, rank) <= severity_of(probability, rank + 1)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 3))
def test_severity_never_falls_with_probability(one: float, other: float, rank: int) -> None:
    assert severity_of(min(one, other), rank) <= severity_of(max(one, other), rank)


def test_a_sure_fault_of_a_critical_asset_is_critical() -> None:
    assert severity_of(0.95, 3) is Severity.CRITICAL


@pytest.mark.parametrize("label", CAUSE_CODES)
def test_codes_and_labels_are_each_others_inverse(label: str) -> None:
    assert cause_label(cause_code(label)) == label


def test_a_label_stays_a_label() -> None:
    assert cause_label("Bearing Fault") == "Bearing Fault"


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Bearing Fault on P-102B", "Anomaly on P-102B"),
        ("Gearbox Wear on P-102B", "Anomaly on P-102B"),
        ("Unexplained anomaly on P-102B", "Unexplained anomaly on P-102B"),
        ("Smoke seen on deck on Sunday", "Smoke seen on deck on Sunday"),
        ("Leak", "Leak"),
        (None, None),
    ],
)
def test_a_plain_title_names_no_cause(title: str | None, plain: str | None) -> None:
    assert plain_title(title, {"Gearbox Wear": 0.7}) == plain
