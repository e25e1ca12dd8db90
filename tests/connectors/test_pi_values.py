"""PI's JSON as it comes, good and bad."""

import math
from collections import Counter

import pytest

from optria.connectors.pi_answers import decode
from optria.connectors.pi_values import columns, items_of, read_row
from optria.core.tag import Quality

TIME = "2026-11-22T13:12:01.1234567Z"
MICROS = 1_795_353_121_123_456


def row(**changes: object) -> dict[str, object]:
    return {
        "Timestamp": TIME,
        "Value": 12.5,
        "Good": True,
        "Questionable": False,
        "Substituted": False,
    } | changes


@pytest.mark.clause("C2", "A1")
def test_seven_decimals_keep_their_microseconds() -> None:
    assert read_row(row()) == (MICROS, 12.5, Quality.GOOD)


def test_an_offset_is_respected() -> None:
    assert read_row(row(Timestamp="2026-11-22T16:12:01.1234560+03:00"))[0] == MICROS


@pytest.mark.parametrize(
    ("changes", "quality"),
    [
        ({"Good": False}, Quality.BAD),
        ({"Questionable": True}, Quality.UNCERTAIN),
        ({"Substituted": True}, Quality.UNCERTAIN),
        ({"Annotated": True}, Quality.GOOD),
    ],
)
def test_flags_become_quality(changes: dict[str, object], quality: Quality) -> None:
    assert read_row(row(**changes)) == (MICROS, 12.5, quality)


def test_a_system_state_is_bad_and_no_number() -> None:
    time, value, quality = read_row(row(Value={"Name": "Bad Input", "Value": 255, "IsSystem": True}))
    assert (time, quality) == (MICROS, Quality.BAD)
    assert math.isnan(value)


def test_a_digital_state_is_its_code() -> None:
    assert read_row(row(Value={"Name": "Open", "Value": 1, "IsSystem": False})) == (MICROS, 1.0, Quality.GOOD)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"Timestamp": "T", "Value": 1e999}', "not finite"),
        ('{"Timestamp": "T", "Value": NaN}', "not finite"),
        ('{"Timestamp": "T", "Value": -Infinity}', "not finite"),
        ('{"Timestamp": "T", "Value": 1' + "0" * 400 + "}", "not finite"),
        ('{"Timestamp": "T", "Value": "12.5"}', "not a number"),
        ('{"Timestamp": "T", "Value": null}', "not a number"),
        ('{"Timestamp": "T", "Value": [1]}', "not a number"),
        ('{"Timestamp": "T"}', "not a number"),
        ('{"Timestamp": "yesterday", "Value": 1}', "no time"),
        ('{"Timestamp": "2026-11-22T13:12:01", "Value": 1}', "no time"),
        ('{"Timestamp": 5, "Value": 1}', "no time"),
        ('{"Value": 1}', "no time"),
        ("[]", "malformed"),
        ("null", "malformed"),
    ],
)
def test_malformed_rows_are_refused_and_counted_while_others_pass(text: str, reason: str) -> None:
    rejected: Counter[str] = Counter()
    bad = decode(text.replace('"T"', f'"{TIME}"'))
    batch = columns([{"WebId": "a", "Items": [bad, row()]}], {"a": 7}, rejected)
    assert batch.tag.tolist() == [7]
    assert batch.value.tolist() == [12.5]
    assert rejected == {reason: 1}


def test_streams_nobody_asked_for_are_counted() -> None:
    rejected: Counter[str] = Counter()
    assert len(columns([{"WebId": "b", "Value": row()}], {"a": 7}, rejected)) == 0
    assert rejected == {"unknown WebId": 1}


@pytest.mark.parametrize("text", ["[" * 200_000, "<html>", ""])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(text)


@pytest.mark.parametrize("document", [None, [], {"Items": 3}, {"Items": [1, "a"]}, "x"])
def test_documents_without_items_have_none(document: object) -> None:
    assert items_of(document) == []
