"""Template filters: numbers, units, money, carbon, ages and local time, as people read them."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

THIN: Final = "\u2009"
NBSP: Final = "\u00a0"
MINUS: Final = "\u2212"


def number(value: float | None, decimals: int | None = None) -> str:
    """A process value: fixed decimals (default four figures), thin thousands, true minus; "–" for none."""
    if value is None or not math.isfinite(value):
        return "–"
    places = _four_figures(value) if decimals is None else decimals
    text = f"{abs(value):,.{places}f}".replace(",", THIN)
    return f"{MINUS}{text}" if value < 0 and any(c in "123456789" for c in text) else text


def _four_figures(value: float) -> int:
    size = 0 if value == 0 else math.floor(math.log10(abs(value)))
    return min(3, max(0, 3 - size))


def money(amount: Decimal | float | None, currency: str | None = None) -> str:
    """Rounded to the nearest 50 below 100,000: ``$48,600`` or ``SAR 48,600``; ``48,600`` of no known kind."""
    if amount is None:
        return "–"
    exact = Decimal(str(amount))
    step = Decimal(50) if abs(exact) < 100_000 else Decimal(1000)
    rounded = (exact / step).to_integral_value() * step
    sign = {"USD": "$", "": ""}.get(currency or "", f"{currency}{NBSP}")
    return f"{sign}{rounded:,.0f}"


def carbon(kilograms: Decimal | float | None) -> str:
    """Mass of CO2: kg under 100 kg, else tonnes with two decimals. The template writes CO<sub>2</sub>."""
    if kilograms is None:
        return "–"
    mass = float(kilograms)
    return f"{mass:.1f}{NBSP}kg" if abs(mass) < 100 else f"{mass / 1000:,.2f}{NBSP}t"


def percent(share: float | None, decimals: int = 0) -> str:
    """A part of one: ``0.998`` -> ``100 %``; with its space that does not break."""
    return "–" if share is None else f"{number(share * 100, decimals)}{NBSP}%"


def age(seconds: float | None) -> str:
    """0.4 s, 12 s, 2 m 14 s, 3 h 05 m, 4 d."""
    if seconds is None:
        return "–"
    s = max(0.0, seconds)
    if s < 10:
        return f"{s:.1f}{NBSP}s"
    if s < 60:
        return f"{int(s)}{NBSP}s"
    minutes = int(s // 60)
    if minutes < 60:
        return f"{minutes}{NBSP}m{NBSP}{int(s % 60)}{NBSP}s"
    if minutes < 1440:
        return f"{minutes // 60}{NBSP}h{NBSP}{minutes % 60:02d}{NBSP}m"
    return f"{minutes // 1440}{NBSP}d"


def local_time(moment: datetime | None, time_zone: str, pattern: str = "%H:%M:%S") -> str:
    """Clock time at the site."""
    return "–" if moment is None else moment.astimezone(ZoneInfo(time_zone)).strftime(pattern)


def local_date_time(moment: datetime | None, time_zone: str) -> str:
    """Date and clock time at the site, to the minute."""
    return local_time(moment, time_zone, "%d %b %Y %H:%M")


def utc_offset(moment: datetime | None, time_zone: str) -> str:
    """Offset of the site's clock at a moment: ``+03``, ``+05:30``."""
    if moment is None:
        return ""
    text = moment.astimezone(ZoneInfo(time_zone)).strftime("%z")
    return text[:3] if text.endswith("00") else f"{text[:3]}:{text[3:]}"


def utc(moment: datetime | None) -> str:
    """ISO time in UTC, for tooltips and ``datetime`` attributes."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def severity_key(word: str | None) -> str:
    """Stored severity -> glyph: WARNING shares the diamond of MINOR; anything unknown is ``info``."""
    key = (word or "").lower()
    return {"warning": "minor"}.get(key, key if key in ("critical", "major", "minor") else "info")


def priority_glyph(priority: str | None) -> str:
    """Priority of an order -> severity glyph; low has none."""
    key = (priority or "").lower()
    return {"emergency": "critical", "urgent": "critical", "high": "major", "medium": "minor"}.get(key, "")


def limits_attribute(limits: tuple[tuple[str, str, float], ...]) -> str:
    """(severity, side, limit) rows as the ``data-limits`` text that the browser reads."""
    return " ".join(f"{severity}:{side}:{limit:g}" for severity, side, limit in limits)


_ASSUMED: Final = re.compile(r"(\d+) % of the window at (typical|mean measured) power")


def assumed_part(source: str | None) -> tuple[int, str] | None:
    """Percent of the window that was not measured, and "typical" or "mean measured": what filled it.

    None where the source of a carbon impact does not say.
    """
    found = _ASSUMED.search(source or "")
    return (int(found[1]), found[2]) if found else None


FILTERS: Final[dict[str, Callable[..., object]]] = {
    "number": number,
    "money": money,
    "carbon": carbon,
    "percent": percent,
    "age": age,
    "local_time": local_time,
    "local_date_time": local_date_time,
    "utc_offset": utc_offset,
    "utc": utc,
    "severity_key": severity_key,
    "priority_glyph": priority_glyph,
    "limits_attribute": limits_attribute,
    "assumed_part": assumed_part,
}
