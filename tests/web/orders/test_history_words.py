"""Lines of an order's history in another language."""

import pytest

from optria.web.orders.history_words import history_line
from optria.work import wording


def _upper(message: str) -> str:
    """A translation that is easy to tell apart: capitals, except in the places for values."""
    parts = message.split("%(")
    return "%(".join([parts[0].upper(), *(_tail(part) for part in parts[1:])])


def _tail(part: str) -> str:
    name, rest = part.split(")s", 1)
    return f"{name})s{rest.upper()}"


def said(kind: str, body: str) -> str:
    line = history_line(kind, body, _upper, lambda cause: f"<{cause}>")
    return line.replace("\u2068", "").replace("\u2069", "")


@pytest.mark.parametrize(
    ("kind", "body", "line"),
    [
        ("moved", "open → in progress", "FROM OPEN TO IN PROGRESS"),
        ("created", "Created from INC-2026-00012", "CREATED FROM INC-2026-00012"),
        ("created", "Created by hand", "CREATED BY HAND"),
        ("assigned", "Assigned to Layla Haddad", "ASSIGNED TO Layla Haddad"),
        ("ticked", "Isolate the fan", "DONE: Isolate the fan"),
        ("unticked", "Isolate the fan", "NOT DONE: Isolate the fan"),
        ("changed", "Changed priority, due date", "CHANGED PRIORITY, DUE DATE"),
        (
            "amended",
            "Amended by the final analysis: Bearing Fault 0.71",
            "AMENDED BY THE FINAL ANALYSIS: <Bearing Fault> 0.71",
        ),
    ],
)
def test_our_own_forms_are_translated(kind: str, body: str, line: str) -> None:
    assert said(kind, body) == line


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("note", "Created by hand"),
        ("moved", "open → somewhere else"),
        ("moved", "started early"),
        ("created", "Made in v1 from 50 % scrap"),
    ],
)
def test_other_lines_stay_as_they_were_written(kind: str, body: str) -> None:
    assert said(kind, body) == body


def test_a_value_keeps_its_direction_inside_the_sentence() -> None:
    assert "\u2068INC-7\u2069" in history_line("created", "Created from INC-7", str, str)


def test_the_forms_are_those_that_orders_store() -> None:
    class Incident:
        incident_number = "INC-2026-00007"

    stored = wording.created_from(Incident())  # type: ignore[arg-type]
    assert said("created", stored) == "CREATED FROM INC-2026-00007"
