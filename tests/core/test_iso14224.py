"""Codes of ISO 14224: every cause of ours has its two, in the form of the standard."""

import re

import pytest

from optria.core.incident import CAUSE_CODES
from optria.core.iso14224 import CODES, UNKNOWN, failure_codes


@pytest.mark.parametrize("label", CAUSE_CODES)
def test_every_cause_has_a_mode_and_a_mechanism(label: str) -> None:
    codes = CODES[label]
    assert re.fullmatch(r"[A-Z]{3}", codes.mode.code)
    assert re.fullmatch(r"[1-6]\.[0-8]", codes.mechanism.code)
    assert re.fullmatch(r"B\.\d+", codes.mode.table)
    assert codes.mechanism.table == "B.2"
    for name in (codes.mode.name_ar, codes.mechanism.name_ar):
        assert re.search(r"[\u0600-\u06ff]", name)


@pytest.mark.parametrize(
    ("label", "mode", "mechanism"),
    [
        ("Bearing Fault", "VIB", "2.4"),
        ("Pump Cavitation", "ERO", "2.1"),
        ("Seal Leak", "ELP", "1.1"),
        ("Suction Blockage", "PLU", "5.1"),
        ("Valve Leakage", "INL", "1.1"),
        ("Exchanger Fouling", "IHT", "5.2"),
        ("Instrumentation Fault", "AIR", "3.3"),
    ],
)
def test_the_codes_are_those_of_the_standard(label: str, mode: str, mechanism: str) -> None:
    codes = failure_codes(label)
    assert (codes.mode.code, codes.mechanism.code) == (mode, mechanism)


def test_one_code_has_one_name() -> None:
    names = {(codes.mode.code, codes.mode.name) for codes in CODES.values()}
    assert len(names) == len({code for code, _ in names})


def test_a_cause_that_people_have_named_is_unknown_to_the_standard() -> None:
    assert failure_codes("Loose Foundation") is UNKNOWN
