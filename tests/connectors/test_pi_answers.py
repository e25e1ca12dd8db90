import math
from datetime import timedelta
from email.utils import format_datetime

import pytest

from optria.connectors.pi_answers import DEEPEST, LONGEST_WAIT_S, decode, retry_after_s
from optria.kit import clock


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("999999", LONGEST_WAIT_S),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٧", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT_S),
        ("Wed, 21 Oct 2015 07:28:00", None),
    ],
)
def test_the_rest_that_is_asked_for_is_bounded(header: str | None, wait_s: float | None) -> None:
    assert retry_after_s(header) == wait_s


def test_it_may_be_a_date() -> None:
    asked = retry_after_s(format_datetime(clock.now() + timedelta(seconds=60), usegmt=True))
    assert asked is not None
    assert 55 < asked <= 60


def test_what_is_nested_too_deeply_is_left_out_and_the_rest_kept() -> None:
    deep = "[" * 10_000 + "]" * 10_000
    found = decode('{"a": 1, "b": ' + deep + ', "c": "]}", "d": [' + deep + ", 2]}")
    assert isinstance(found, dict)
    assert (found["a"], found["c"], found["d"][1]) == (1, "]}", 2)
    assert _depth(found["b"]) == DEEPEST - 1


def _depth(value: object) -> int:
    depth = 0
    while isinstance(value, list) and value:
        value, depth = value[0], depth + 1
    return depth


@pytest.mark.parametrize(
    ("digits", "number"), [("9" * 5000, math.inf), ("-" + "9" * 5000, -math.inf), ("12", 12)]
)
def test_integers_longer_than_any_number_are_infinite(digits: str, number: float) -> None:
    assert decode(digits) == number


@pytest.mark.parametrize("text", ["[" * 200_000, "<html>", "", '{"a": ', b"\xff\xfe\x00"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(text)
