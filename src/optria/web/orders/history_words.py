"""Lines of an order's history in the language of the page, from the English forms that we store."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from optria.web.words import STATUS_WORDS, _

Translate = Callable[[str], str]
Cause = Callable[[str | None], str]


_AMENDED: Final = re.compile(r"Amended by the (provisional|final) analysis: (.+) (\d\.\d\d)")
_ONE: Final = (
    (re.compile(r"Created from (\S+)"), _("Created from %(what)s")),
    (re.compile(r"Assigned to (.+)"), _("Assigned to %(what)s")),
    (re.compile(r"Changed ([a-z_, ]+)"), _("Changed %(what)s")),
)
_BY_HAND: Final = "Created by hand"
_BASELINED: Final = "The detectors learn the asset anew"
_CORRECTED: Final = re.compile(r"Cause corrected: (.+) → (.+)")
_NOT_EFFECTIVE: Final = re.compile(
    r"Fix not effective: (\S+) came back(?: ([\d.]+) h after completion)?(?:; confirmed cause was (.+))?"
)
_TICKS: Final = {"ticked": _("Done: %(what)s"), "unticked": _("Not done: %(what)s")}
_AMENDMENTS: Final = {
    "provisional": _("Amended by the provisional analysis: %(cause)s %(probability)s"),
    "final": _("Amended by the final analysis: %(cause)s %(probability)s"),
}
_SAID: Final = _("Created by hand")
_FIELDS: Final[Mapping[str, str]] = {
    "title": _("Title"),
    "title ar": _("Title in Arabic"),
    "description": _("Description"),
    "work type": _("Type of work"),
    "priority": _("Priority"),
    "scheduled date": _("Scheduled date"),
    "due date": _("Due date"),
    "estimated hours": _("Estimated hours"),
    "actual hours": _("Hours of work"),
    "notes": _("Notes"),
}


def history_line(kind: str, body: str, translate: Translate, cause: Cause) -> str:
    """``body`` as ``translate`` says it; what people wrote, and forms that we do not store, stay as they are.

    A number, code or name inside the sentence is isolated, so that it keeps its direction.
    """
    if kind == "note":
        return body
    if kind in _TICKS:
        return translate(_TICKS[kind]) % {"what": _isolated(body)}
    if body == _BY_HAND:
        return translate(_SAID)
    if body == _BASELINED:
        return translate(_("The detectors learn the asset anew"))
    if kind in ("corrected", "reopened"):
        return _of_the_loop(body, translate, cause)
    if kind == "moved":
        return _moved(body, translate)
    amended = _AMENDED.fullmatch(body)
    if amended:
        sentence, said = translate(_AMENDMENTS[amended[1]]), cause(amended[2])
        return sentence % {"cause": said, "probability": _isolated(amended[3])}
    for form, message in _ONE:
        found = form.fullmatch(body)
        if found:
            return translate(message) % {"what": _isolated(_fields(found[1], translate))}
    return body


def _of_the_loop(body: str, translate: Translate, cause: Cause) -> str:
    """A corrected cause, or a fix that was not effective."""
    corrected, returned = _CORRECTED.fullmatch(body), _NOT_EFFECTIVE.fullmatch(body)
    if corrected:
        before, after = (
            cause(word) if word != "none" else translate(_("none")) for word in corrected.groups()
        )
        sentence = translate(_("Cause corrected from %(before)s to %(after)s"))
        return sentence % {"before": _isolated(before), "after": _isolated(after)}
    if not returned:
        return body
    number, hours, said = returned.groups()
    parts = [translate(_("Fix not effective: %(number)s came back")) % {"number": _isolated(number)}]
    if hours:
        parts.append(translate(_("%(hours)s h after completion")) % {"hours": _isolated(hours)})
    if said:
        parts.append(translate(_("the confirmed cause was %(cause)s")) % {"cause": _isolated(cause(said))})
    return translate(_(", ")).join(parts)


def _moved(body: str, translate: Translate) -> str:
    """Such as "open → in progress", in the words of the statuses."""
    keys = [part.replace(" ", "_") for part in body.split(" → ")]
    if len(keys) != 2 or not all(key in STATUS_WORDS for key in keys):
        return body
    here, there = (translate(STATUS_WORDS[key]) for key in keys)
    return translate(_("from %(here)s to %(there)s")) % {"here": here, "there": there}


def _fields(text: str, translate: Translate) -> str:
    parts = text.split(", ")
    known = all(part in _FIELDS for part in parts)
    return ", ".join(translate(_FIELDS[part]) for part in parts) if known else text


def _isolated(text: str) -> str:
    """With Unicode's first-strong isolates around it."""
    return f"\u2068{text}\u2069"
