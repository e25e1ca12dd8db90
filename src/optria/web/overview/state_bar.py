"""The state of a unit over a period, drawn as a bar: its incidents by severity, and where no data came."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from optria.web.overview.periods import Period

WIDTH: Final = 1000.0
LEAST: Final = 6.0
"""Narrowest mark, so that a short incident in a long period is still seen."""
HEIGHTS: Final = {"info": 6, "minor": 10, "major": 14, "critical": 18}
"""Graver is higher: the severity is told without its colour too."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of the bar in units of ``WIDTH``."""

    kind: str
    x: float
    width: float
    height: int = 8


Span = tuple[str, datetime, datetime]
"""(severity key, from, to)."""


def marks_of(spans: Iterable[Span], period: Period) -> tuple[Mark, ...]:
    """The incidents that reach into the period, the gravest last, so that it is drawn on top."""
    inside = [span for span in spans if span[2] >= period.start and span[1] <= period.end]
    inside.sort(key=lambda span: (HEIGHTS.get(span[0], 6), span[1]))
    return tuple(_mark(severity, period.share(start), period.share(end)) for severity, start, end in inside)


def _mark(severity: str, start: float, end: float) -> Mark:
    width = max(LEAST, (end - start) * WIDTH)
    x = min(start * WIDTH, WIDTH - width)
    return Mark(severity, round(x, 1), round(width, 1), HEIGHTS.get(severity, 6))


def gaps_of(has_data: Sequence[bool]) -> tuple[Mark, ...]:
    """Neighbouring steps without data as one mark each."""
    step = WIDTH / max(1, len(has_data))
    marks: list[Mark] = []
    begun: int | None = None
    for i, known in enumerate([*has_data, True]):
        if not known and begun is None:
            begun = i
        elif known and begun is not None:
            marks.append(Mark("gap", round(begun * step, 1), round((i - begun) * step, 1)))
            begun = None
    return tuple(marks)
