"""Words that pages put together from stored ones: causes in their language, codes that do not break."""

import re
from collections.abc import Callable
from typing import Final

from markupsafe import Markup, escape

from optria.core.arabic import CAUSE_AR
from optria.core.causes import NO_FAULT, NO_FAULT_AR
from optria.core.incident import cause_label
from optria.rca.words import KNOWN_METRICS, metric_words

CAUSES_AR: Final = {**CAUSE_AR, NO_FAULT: NO_FAULT_AR}
_CODE: Final = re.compile(r"\b[A-Z]{1,6}-[A-Z0-9-]*\d[A-Z0-9]*\b")


def cause_word(label: str | None, language: str) -> str:
    """A cause, stored as label or code, in the language of the page."""
    if not label:
        return ""
    known = cause_label(label)
    return CAUSES_AR.get(known, known) if language == "ar" else known


def signal_name(description: str | None, metric: str, language: str) -> str:
    """What a signal is called: as it is described; in Arabic what it measures, where that is a known word.

    Descriptions are written in one language, that of the source; the tag tells signals of one metric apart.
    """
    if language == "ar" and metric in KNOWN_METRICS:
        return metric_words(metric).ar
    return description or metric.replace("_", " ").capitalize()


def keep_codes(text: str | None) -> Markup:
    """``text`` with its asset and instrument codes kept on one line and left to right."""
    kept = Markup('<bdi dir="ltr" class="whitespace-nowrap">{}</bdi>')
    pieces: list[Markup] = []
    position = 0
    for found in _CODE.finditer(text or ""):
        pieces += [escape((text or "")[position : found.start()]), kept.format(found.group())]
        position = found.end()
    return Markup("").join([*pieces, escape((text or "")[position:])])


def causes_in(language: str) -> Callable[[str | None], str]:
    """:func:`cause_word` for the templates of one language."""
    return lambda label: cause_word(label, language)
