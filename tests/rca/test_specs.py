"""A maker's data from its JSON row."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from optria.core.errors import Invalid
from optria.rca.case import MachineSpec, Step
from optria.rca.specs import parse_spec


@pytest.mark.clause("I3")
def test_a_whole_row() -> None:
    spec = parse_spec(
        {
            "document": "Feed pump manual",
            "checklist_page": 22,
            "checklist": ["Look", {"en": "Listen", "ar": "استمع"}],
            "typical_power_kw": 494.5,
            "energy_type": "steam",
            "expected": {"vibration": [0, 4.5]},
            "cause_pages": {"SEAL_LEAK": 31},
            "cause_steps": {"Seal Leak": ["Replace the seal."]},
        }
    )
    assert spec == MachineSpec(
        document="Feed pump manual",
        checklist_page=22,
        checklist=(Step("Look"), Step("Listen", "استمع")),
        typical_power_kw=Decimal("494.5"),
        energy_type="steam",
        expected={"vibration": (0.0, 4.5)},
        cause_pages={"Seal Leak": 31},
        cause_steps={"Seal Leak": (Step("Replace the seal."),)},
    )


def test_everything_may_be_absent() -> None:
    assert parse_spec({}) == MachineSpec()


@pytest.mark.parametrize(
    "row",
    [
        {"checklist_page": "22"},
        {"checklist_page": 0},
        {"checklist": "Look"},
        {"typical_power_kw": "much"},
        {"typical_power_kw": -1},
        {"expected": [1, 2]},
        {"expected": {"vibration": [1]}},
        {"expected": {"vibration": [2, 1]}},
        {"expected": {"vibration": "high"}},
        {"cause_pages": {"Seal Leak": "x"}},
    ],
)
def test_a_malformed_row_is_refused_with_a_sentence(row: Mapping[str, object]) -> None:
    with pytest.raises(Invalid, match=r"^The machine spec.*\.$"):
        parse_spec(row)
