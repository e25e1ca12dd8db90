"""Plant words of the story and the evidence, English and Arabic side by side."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from optria.core.arabic import CAUSE_AR
from optria.rca.rules import Condition, Direction


class Words(NamedTuple):
    """The same words in both languages."""

    en: str
    ar: str


_METRICS: Mapping[str, Words] = {
    "temperature": Words("temperature", "درجة الحرارة"),
    "pressure": Words("pressure", "الضغط"),
    "vibration": Words("vibration", "الاهتزاز"),
    "current": Words("motor current", "تيار المحرك"),
    "flow": Words("flow", "التدفق"),
    "power": Words("power", "القدرة"),
    "level": Words("level", "المستوى"),
    "speed": Words("speed", "السرعة"),
    "suction_pressure": Words("suction pressure", "ضغط السحب"),
    "discharge_pressure": Words("discharge pressure", "ضغط الطرد"),
    "differential_pressure": Words("differential pressure", "فرق الضغط"),
    "bearing_temperature": Words("bearing temperature", "درجة حرارة المحمل"),
    "winding_temperature": Words("winding temperature", "درجة حرارة الملفات"),
    "axial_vibration": Words("axial vibration", "الاهتزاز المحوري"),
    "seal_level": Words("seal pot level", "مستوى وعاء مانع التسرب"),
    "flush_pressure": Words("seal flush pressure", "ضغط غسل مانع التسرب"),
    "valve_output": Words("controller output", "خرج المتحكم"),
    "valve_position": Words("valve position", "موضع الصمام"),
    "power_factor": Words("power factor", "معامل القدرة"),
    "current_imbalance": Words("phase current imbalance", "عدم توازن تيار الأطوار"),
    "suction_temperature": Words("suction temperature", "درجة حرارة السحب"),
    "discharge_temperature": Words("discharge temperature", "درجة حرارة الطرد"),
    "approach_temperature": Words("approach temperature", "فرق الاقتراب الحراري"),
    "coolant_temperature": Words("coolant temperature", "درجة حرارة المبرد"),
    "water_cut": Words("water cut", "نسبة الماء"),
    "interface_level": Words("interface level", "مستوى السطح البيني"),
    "*": Words("a tag", "إشارة واحدة"),
}
KNOWN_METRICS = frozenset(_METRICS) - {"*"}
"""The metrics that the drawings and the words of the analysis know."""
_DIRECTIONS: Mapping[Direction, Words] = {
    "high": Words("high", "ارتفاع"),
    "low": Words("low", "انخفاض"),
    "noisy": Words("unsteady", "تذبذب"),
    "stuck": Words("stuck", "ثبات"),
    "rising": Words("rising", "ازدياد"),
    "falling": Words("falling", "تناقص"),
    "alone": Words("off on its own", "انحراف منفرد في"),
}
"""English adjectives; Arabic nouns, which need no agreement with the metric."""
_PLACES: Mapping[str, Words] = {
    "own": Words("", ""),
    "up": Words(" upstream", " في المنبع"),
    "down": Words(" downstream", " في المصب"),
}


def cause_words(label: str) -> Words:
    return Words(label, CAUSE_AR.get(label, label))


def metric_words(metric: str) -> Words:
    """The words of a metric; of alternatives ("a|b") the first."""
    first = metric.partition("|")[0]
    return _METRICS.get(first, Words(first.replace("_", " "), first.replace("_", " ")))


def direction_words(direction: Direction) -> Words:
    return _DIRECTIONS.get(direction, Words(direction, direction))


def seen(condition: Condition) -> Words:
    """ "high vibration", "low level upstream", "high axial vibration (more than vibration)"."""
    metric, direction, place = _parts(condition)
    rival = metric_words(condition.over) if condition.over else None
    more = Words(f" (more than {rival.en})", f" (أكثر من {rival.ar})") if rival else Words("", "")
    if condition.direction == "alone":
        return Words(f"{metric.en} {direction.en}", f"{direction.ar} {metric.ar}")
    return Words(
        f"{direction.en} {metric.en}{place.en}{more.en}", f"{direction.ar} {metric.ar}{place.ar}{more.ar}"
    )


def not_seen(condition: Condition) -> Words:
    """ "vibration is not high", "no high axial vibration (more than vibration)"."""
    words = seen(condition)
    if condition.over:
        return Words(f"no {words.en}", f"لا {words.ar}")
    metric, direction, place = _parts(condition)
    return Words(f"{metric.en}{place.en} is not {direction.en}", f"لا {words.ar}")


def speaks_against(condition: Condition) -> Words:
    """ "low flow speaks against it"."""
    words = seen(condition)
    return Words(f"{words.en} speaks against it", f"{words.ar} لا يتفق معه")


def _parts(condition: Condition) -> tuple[Words, Words, Words]:
    return metric_words(condition.metric), direction_words(condition.direction), _PLACES[condition.at]


def local_clock(time: datetime, zone: str) -> str:
    """``2026-11-22 09:41:07 +03:00`` in the site's zone; UTC where the zone is unknown."""
    try:
        local = time.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        local = time
    return local.isoformat(sep=" ", timespec="seconds").replace("+", " +")


def number(value: float, decimals: int | None) -> str:
    """A process value: the mapping's decimals, else 4 significant figures; true minus sign."""
    text = f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"
    return text.replace("-", "\u2212")


def percent(probability: float) -> str:
    """Whole percent; what is not certain is never called so."""
    if 0.995 <= probability < 1.0:
        return ">99%"
    return "<1%" if 0.0 < probability < 0.005 else f"{probability:.0%}"


def ltr(text: str) -> str:
    """Latin text inside Arabic, isolated so that it keeps its direction."""
    return f"\u2066{text}\u2069"


def plain(value: Decimal) -> str:
    """A decimal without exponent and without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
