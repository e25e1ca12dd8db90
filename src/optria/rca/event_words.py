"""What an event says, in English and Arabic: of a limit event from its figures, else the stored sentence."""

import math
import re
from collections.abc import Mapping

from optria.rca.rules import Direction
from optria.rca.words import Words, direction_words, ltr, metric_words, number

_CATEGORIES_AR: Mapping[str, str] = {
    "SENSOR": "إشارة",
    "ALERT": "إنذار",
    "FAILURE": "عطل",
    "MAINTENANCE": "صيانة",
    "OPERATOR_ACTION": "إجراء من المشغّل",
    "CONFIG_CHANGE": "تغيير في الإعدادات",
    "PROCESS": "حدث في العملية",
    "SYSTEM": "النظام",
    "AI_OUTPUT": "نتيجة تحليل",
}
_DETECTOR = re.compile(r"Detector: (?P<what>[\w ]+) of (?P<asset>\S+) left its expected range")
_SIDES: Mapping[str, Direction] = {"high": "high", "low": "low"}


def event_words(summary: str, category: str, payload: Mapping[str, object]) -> Words:
    """English as it is stored; Arabic from metric, value, limit and direction where the event has them."""
    text = summary.rstrip(".")
    known = of_limit(payload) or _of_detector(text) or _of_note(payload)
    return Words(text, known or _with_category(text, category))


def of_limit(payload: Mapping[str, object]) -> str:
    """``ارتفاع الاهتزاز (VT-1022): 5.1 mm/s، الحد 4.5 mm/s``; empty where it is no event of a limit."""
    metric, side = payload.get("metric"), _SIDES.get(str(payload.get("direction")))
    value, limit = _figure(payload.get("value")), _figure(payload.get("limit"))
    if not isinstance(metric, str) or side is None:
        return ""
    unit = payload.get("unit")
    said = f"{direction_words(side).ar} {metric_words(metric).ar}{_instrument(payload)}"
    figures = [] if value is None else [ltr(_with_unit(value, unit))]
    figures += [] if limit is None else [f"الحد {ltr(_with_unit(limit, unit))}"]
    return f"{said}: {'، '.join(figures)}" if figures else said


def _of_detector(text: str) -> str:
    """The sentence of an anchor, which is our own."""
    found = _DETECTOR.fullmatch(text)
    if found is None:
        return ""
    words = metric_words(found["what"].replace(" ", "_"))
    what = words.ar if words.ar != words.en else "السلوك" if words.en == "behaviour" else ltr(words.en)
    return f"الكاشف: {what} في {ltr(found['asset'])} خارج النطاق المتوقع"


def _of_note(payload: Mapping[str, object]) -> str:
    """What a person wrote down stays as it was written."""
    note, by = payload.get("note"), payload.get("by")
    return f"ملاحظة من {by}: {note}" if isinstance(note, str) and isinstance(by, str) else ""


def _instrument(payload: Mapping[str, object]) -> str:
    tag = payload.get("external_tag")
    return f" ({ltr(tag.rsplit('.', 1)[-1])})" if isinstance(tag, str) and tag else ""


def _figure(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _with_unit(value: float, unit: object) -> str:
    shown = number(value, None)
    return f"{shown}\u00a0{unit}" if isinstance(unit, str) and unit not in ("", "-") else shown


def _with_category(text: str, category: str) -> str:
    """The stored sentence after what kind of event it is."""
    kind = _CATEGORIES_AR.get(category.upper())
    return f"{kind}: {ltr(text)}" if kind else ltr(text)
