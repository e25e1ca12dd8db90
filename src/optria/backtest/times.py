"""Times as recordings write them: ISO 8601, the usual formats of historians and spreadsheets, numbers."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import to_micros

Times: TypeAlias = NDArray[np.int64]
DAY_US = 86_400_000_000
UNREADABLE = np.iinfo(np.int64).min
"""Stands for a cell that is no time."""
LEAST_RUN = 20
"""Rows from which what begins at an earlier time is another run and not a row out of order."""
TRIED = 200
"""Cells that decide which format a column is written in."""
FORMATS = (
    "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%d-%b-%Y %H:%M:%S",
    "%d-%b-%y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d-%m-%Y %H:%M:%S",
    "%d.%m.%y %H:%M:%S",
    "%m/%d/%y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%d-%b-%y %H:%M",
    "%Y/%m/%d %H:%M",
    "%d-%m-%Y %H:%M",
    "%m/%d/%y %H:%M",
    "%H:%M:%S",
)
"""Month before day is tried first: what does not fit all the cells tried is not it."""
_FRACTION = re.compile(r"(:\d\d)[.,](\d{1,6})\d*")
_EPOCHS = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (1e8, 1e6))
"""Numbers from the first on, times the second, are µs since 1970: ns, µs, ms and s."""
_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "sec": 1e6, "min": 6e7, "h": 3.6e9, "hr": 3.6e9, "d": 8.64e10}


def read_times(cells: Sequence[str]) -> Times | None:
    """µs since 1970 UTC of each cell, :data:`UNREADABLE` where there is none; None if they are no times.

    The format is one that fits most of the first cells. Times without a zone are taken as UTC.
    """
    tried = [cell for cell in cells[:TRIED] if cell.strip()]
    readers: tuple[Callable[[str], datetime], ...] = (_iso, *(_with_format(form) for form in FORMATS))
    best = max(readers, key=lambda reader: sum(_micros(reader, cell) != UNREADABLE for cell in tried))
    if not tried or sum(_micros(best, cell) != UNREADABLE for cell in tried) < 0.5 * len(tried):
        return None
    times = np.array([_micros(best, cell) for cell in cells], np.int64)
    return _across_midnight(times) if best is readers[-1] else times


def read_numbers(number: NDArray[np.float64], name: str = "") -> Times:
    """µs of a column of numbers: since 1970 where they are that large, else elapsed time.

    Elapsed time is in seconds unless the column's ``name`` says its unit, as in "t (min)" or "time_ms".
    """
    finite = np.isfinite(number)
    typical = float(np.median(np.abs(number[finite]))) if finite.any() else 0.0
    scale = next((scale for least, scale in _EPOCHS if typical >= least), _unit(name))
    times = np.full(len(number), UNREADABLE, np.int64)
    times[finite] = np.round(number[finite] * scale).astype(np.int64)
    return times


def may_be_clock(number: NDArray[np.float64]) -> bool:
    """Whether a column of numbers goes on as a clock does: rarely back, mostly forward."""
    steps = np.diff(number[np.isfinite(number)])
    return len(steps) > 0 and float(np.mean(steps >= 0)) > 0.9 and float(np.mean(steps > 0)) > 0.01


def is_epoch(number: NDArray[np.float64]) -> bool:
    """Whether a column of numbers can only be a clock: from 1973 on, in s, ms, µs or ns."""
    known = number[np.isfinite(number)]
    return may_be_clock(number) and float(known.min()) >= _EPOCHS[-1][0]


def without_gaps(times: Times) -> Times:
    """Unreadable times replaced by the one before them (leading ones by the first readable)."""
    known = np.flatnonzero(times != UNREADABLE)
    before = np.searchsorted(known, np.arange(len(times)), side="right") - 1
    filled: Times = times[known[np.maximum(before, 0)]]
    return filled


def usual_step(times: Times) -> int:
    """Median of the steps forward, µs; a second where there is none."""
    steps = np.diff(times)
    return int(np.median(steps[steps > 0])) if (steps > 0).any() else 1_000_000


def glued(times: Times) -> Times:
    """Runs that begin anew at an earlier time, one after the other, a usual step apart.

    Times as they are where going back is the exception: rows out of order, or runs that do not overlap.
    """
    begins = np.r_[0, np.flatnonzero(np.diff(times) < 0) + 1]
    ends = np.r_[begins[1:], len(times)]
    if len(begins) == 1 or np.median(ends - begins) < LEAST_RUN:
        return times
    order = np.argsort(times[begins])
    if (times[begins[order]][1:] > times[ends[order] - 1][:-1]).all():
        return times
    step, shift, moved = usual_step(times), 0, times.copy()
    for begin, end in zip(begins[1:], ends[1:], strict=True):
        shift = int(moved[begin - 1]) + step - int(times[begin])
        moved[begin:end] = times[begin:end] + shift
    return moved


def spread(times: Times) -> Times:
    """Ascending times in which rows that share one are spread evenly until the next.

    A historian that writes whole minutes gives sixty rows of a second each the same time.
    """
    begins = np.r_[0, np.flatnonzero(np.diff(times)) + 1]
    sizes = np.diff(np.r_[begins, len(times)])
    steps = np.diff(times[begins]) / sizes[:-1]
    usual = float(np.median(steps)) if len(steps) else 1e6
    step = np.repeat(np.minimum(np.r_[steps, usual], usual), sizes)
    after = np.arange(len(times)) - np.repeat(begins, sizes)
    return np.asarray(times + np.floor(step * after).astype(np.int64))


def _across_midnight(times: Times) -> Times:
    """Clock times without a date: what goes back by half a day and more is the next day."""
    filled = without_gaps(times)
    day = np.r_[0, np.cumsum(np.diff(filled) < -DAY_US // 2)]
    return np.where(times == UNREADABLE, times, times + day * DAY_US)


def _unit(name: str) -> float:
    words = re.findall(r"[a-zµ]+", name.lower().replace("µ", "u"))
    return next((_UNITS[word] for word in reversed(words[1:]) if word in _UNITS), 1e6)


def _micros(reader: Callable[[str], datetime], cell: str) -> int:
    try:
        time = reader(cell.strip())
    except (ValueError, OverflowError):
        return int(UNREADABLE)
    return to_micros(time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC))


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        shorter = _FRACTION.sub(r"\1.\2", text.removesuffix("UTC").removesuffix("GMT").strip())
        if shorter == text or not re.match(r"\d{4}-", shorter):
            raise
        return datetime.fromisoformat(shorter)


def _with_format(form: str) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        whole = _FRACTION.sub(r"\1", text)
        time = datetime.strptime(whole, form).replace(tzinfo=UTC)  # a zone there is not in these formats
        found = _FRACTION.search(text)
        return time.replace(microsecond=int(found[2].ljust(6, "0"))) if found else time

    return read
