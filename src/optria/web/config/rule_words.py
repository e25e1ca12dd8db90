"""Causal rules in words: their conditions, their directions, and the names of the built-in ones in Arabic."""

from collections.abc import Mapping
from typing import Final, get_args

from optria.rca import words
from optria.rca.rules import Condition, Direction, Place
from optria.web.words import _

PLACES: Final[Mapping[Place, str]] = {
    "own": _("on the asset itself"),
    "up": _("on an upstream neighbour"),
    "down": _("on a downstream neighbour"),
}
PARTS: Final[Mapping[str, str]] = {
    "name": _("name"),
    "description": _("description"),
    "root_cause_category": _("cause"),
    "confidence": _("weight"),
    "priority": _("rank"),
    "asset_types": _("asset types"),
    "all": _("what must be seen"),
    "also": _("what makes it likelier"),
    "contrary": _("what speaks against it"),
}
"""What of a rule two versions can say differently."""
RULE_AR: Final[Mapping[str, str]] = {
    "High vibration": "اهتزاز مرتفع",
    "High temperature with low flow": "حرارة مرتفعة مع تدفق منخفض",
    "Pressure drop": "هبوط الضغط",
    "Vibration with friction and heat": "اهتزاز مع احتكاك وحرارة",
    "Vibration with little heat": "اهتزاز مع حرارة قليلة",
    "Vibration without friction": "اهتزاز بلا احتكاك",
    "Axial more than radial vibration": "اهتزاز محوري أكثر من القطري",
    "Bursts at the suction": "دفعات عند السحب",
    "Shaking with heat": "ارتجاج مع حرارة",
    "Seal pot empties": "وعاء مانع التسرب يفرغ",
    "Loss between pump and meter": "فقد بين المضخة والعداد",
    "Starved suction": "سحب غير كافٍ",
    "Starved compressor": "ضاغط لا يصله ما يكفي",
    "Flow against a closed way": "تدفق أمام طريق مغلق",
    "Pressure backs up behind the machine": "ضغط يتراكم خلف الآلة",
    "Stem sticks and jumps": "الساق يلتصق ثم يقفز",
    "Output moves, stem does not": "الخرج يتحرك والساق لا يتحرك",
    "Flow that the valve does not show": "تدفق لا يظهره الصمام",
    "Valve closes to hold its flow": "الصمام يغلق ليحفظ تدفقه",
    "Output moves back, stem does not": "الخرج يرجع والساق لا يرجع",
    "Fouled surface": "سطح متسخ",
    "Coolant fails": "انقطاع المبرد",
    "Feed stops": "توقف التغذية",
    "One instrument leaves all others": "جهاز قياس يخالف البقية",
    "Instrument stands still": "جهاز قياس ثابت لا يتغير",
    "Currents out of balance": "تيارات غير متوازنة",
    "Current without power": "تيار بلا قدرة",
    "Flow and pressure swing": "تأرجح التدفق والضغط",
    "Vibration with friction: bearing": "اهتزاز مع احتكاك: المحمل",
    "Turbine vibration with friction: bearing": "اهتزاز التوربين مع احتكاك: المحمل",
    "Vibration with friction: coupling": "اهتزاز مع احتكاك: القارنة",
    "Turbine vibration with friction: coupling": "اهتزاز التوربين مع احتكاك: القارنة",
}
"""The rules that a tenant begins with; those of the tenant have the name that people gave them."""


def rule_name(name: str, language: str) -> str:
    return RULE_AR.get(name, name) if language == "ar" else name


def metric_word(metric: str, language: str) -> str:
    """All alternatives of a metric: "pressure / discharge pressure"."""
    found = [words.metric_words(one) for one in metric.split("|")]
    return " / ".join(one.ar if language == "ar" else one.en for one in found)


def direction_word(direction: Direction, language: str) -> str:
    found = words.direction_words(direction)
    return found.ar if language == "ar" else found.en


def directions(language: str) -> list[tuple[Direction, str]]:
    return [(one, direction_word(one, language)) for one in get_args(Direction)]


def condition_word(condition: Condition, language: str) -> str:
    """ "high vibration", in the language of the page; of alternatives all."""
    seen = words.seen(condition)
    text = seen.ar if language == "ar" else seen.en
    if "|" not in condition.metric:
        return text
    first = words.metric_words(condition.metric)
    one = first.ar if language == "ar" else first.en
    return text.replace(one, metric_word(condition.metric, language), 1)
