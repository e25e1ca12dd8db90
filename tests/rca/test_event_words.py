"""Events in Arabic: of a limit from its figures, else the kind of event and the stored sentence."""

import pytest

from optria.rca.event_words import event_words
from optria.rca.words import ltr

LIMIT = {
    "metric": "vibration",
    "direction": "high",
    "value": 5.1,
    "limit": 4.5,
    "unit": "mm/s",
    "external_tag": "P-102B.VT-1022",
}


def arabic(**changes: object) -> str:
    return event_words("Vibration of P-102B above 4.5 mm/s.", "ALERT", LIMIT | changes).ar


def test_english_is_as_it_is_stored() -> None:
    assert event_words("Operator raised the load.", "OPERATOR_ACTION", {}).en == "Operator raised the load"


def test_a_limit_event_is_built_from_its_figures() -> None:
    tag, value, limit = ltr("VT-1022"), ltr("5.1\u00a0mm/s"), ltr("4.5\u00a0mm/s")
    assert arabic() == f"ارتفاع الاهتزاز ({tag}): {value}، الحد {limit}"
    assert arabic(direction="low").startswith("انخفاض الاهتزاز")


@pytest.mark.parametrize("changes", [{"value": None, "limit": None}, {"value": float("nan"), "limit": True}])
def test_figures_that_are_none_are_left_out(changes: dict[str, object]) -> None:
    assert arabic(**changes) == f"ارتفاع الاهتزاز ({ltr('VT-1022')})"


@pytest.mark.parametrize("changes", [{"metric": 5}, {"direction": "sideways"}, {"metric": None}])
def test_what_is_no_limit_event_keeps_its_sentence(changes: dict[str, object]) -> None:
    assert arabic(**changes) == f"إنذار: {ltr('Vibration of P-102B above 4.5 mm/s')}"


def test_an_unknown_kind_is_the_sentence_alone() -> None:
    assert event_words("It happened", "STRANGE", {}).ar == ltr("It happened")


def test_what_the_detectors_said_is_said_in_arabic() -> None:
    said = event_words("Detector: bearing temperature of P-102B left its expected range", "AI_OUTPUT", {})
    assert said.ar == f"الكاشف: درجة حرارة المحمل في {ltr('P-102B')} خارج النطاق المتوقع"
    unknown = event_words("Detector: behaviour of 12 left its expected range", "AI_OUTPUT", {}).ar
    assert unknown == f"الكاشف: السلوك في {ltr('12')} خارج النطاق المتوقع"


def test_a_note_stays_as_it_was_written() -> None:
    said = event_words("Lina: Load down", "SYSTEM", {"note": "Load down", "by": "Lina"})
    assert said.ar == "ملاحظة من Lina: Load down"
