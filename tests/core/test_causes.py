"""What people write of a cause, as the label that the product knows."""

import pytest

from optria.core.causes import NO_FAULT, named_cause, teaches


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("Bearing Fault", "Bearing Fault"),
        ("  bearing   FAULT ", "Bearing Fault"),
        ("BEARING_FAULT", "Bearing Fault"),
        ("ELECTRICAL_FAILURE", "Motor Electrical Fault"),
        ("عطل في المحمل", "Bearing Fault"),
        ("no fault found", NO_FAULT),
        ("NO_FAULT_FOUND", NO_FAULT),
        ("Cracked impeller", "Cracked impeller"),
        ("  ", None),
        (None, None),
    ],
)
def test_one_cause_has_one_name(written: str | None, label: str | None) -> None:
    assert named_cause(written) == label


def test_a_cause_that_the_tenant_named_before_keeps_its_spelling() -> None:
    assert named_cause("cracked IMPELLER", ["Cracked impeller"]) == "Cracked impeller"


@pytest.mark.parametrize(
    ("cause", "does"), [("Seal Leak", True), ("Other", False), (NO_FAULT, False), (None, False), ("", False)]
)
def test_only_a_named_cause_teaches(cause: str | None, does: bool) -> None:
    assert teaches(cause) is does
