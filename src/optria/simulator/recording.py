"""Reads a recording (CSV) into columns."""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from optria.core.errors import SimulatorError
from optria.core.tag import to_micros
from optria.simulator.source import BAD, GOOD, Qualities, Times, Values

TIME_NAMES = {"time", "datetime", "timestamp", "date", "ts", "zeit", "datum"}
TIME_FORMATS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
)
NUMERIC_SHARE = 0.5
"""A column is a tag when at least this share of its cells is a number."""


@dataclass(frozen=True, slots=True)
class CsvRecording:
    """Rows in time order: `time` int64[m] µs UTC, `value` float64[m, n], `quality` uint8[m, n].

    `skipped` counts the rows without a readable time.
    """

    columns: list[str]
    time: Times
    value: Values
    quality: Qualities
    skipped: int


def read_csv(
    path: Path, time_column: str | None = None, ignore: frozenset[str] = frozenset()
) -> CsvRecording:
    """Read a `,` or `;` separated file with a header; raises SimulatorError with what is wrong.

    Times without a zone are taken as UTC; numbers of a `;` file may have a decimal comma; a cell that is
    not a number is a sample of bad quality. `ignore` names columns that are not tags (labels).
    """
    header, rows, comma = _read(path)
    at = _time_index(path, header, rows, time_column)
    timed = [(time, row) for row in rows if (time := parse_time(row[at])) is not None]
    if not timed:
        raise SimulatorError(f"{path.name}: no cell of the column {header[at]!r} is a time.")
    timed.sort(key=lambda pair: pair[0])
    kept = [i for i, name in enumerate(header) if i != at and name not in ignore]
    value = np.array([[_number(row[i], comma) for i in kept] for _, row in timed], np.float64)
    value = value.reshape(len(timed), len(kept))
    numeric = np.flatnonzero(np.isfinite(value).mean(axis=0) >= NUMERIC_SHARE)
    if not numeric.size:
        raise SimulatorError(f"{path.name}: no column holds numbers, so there is no tag to replay.")
    value = value[:, numeric]
    quality = np.where(np.isfinite(value), GOOD, BAD).astype(np.uint8)
    times = np.array([to_micros(time) for time, _ in timed], np.int64)
    names = [header[kept[i]] for i in numeric]
    return CsvRecording(names, times, value, quality, len(rows) - len(timed))


def parse_time(cell: str) -> datetime | None:
    """ISO 8601, a few usual formats, or seconds (milliseconds) since 1970; None if it is none of these."""
    text = cell.strip()
    for read in (datetime.fromisoformat, _epoch, *(_format(form) for form in TIME_FORMATS)):
        try:
            time = read(text)
        except (ValueError, OverflowError, OSError):
            continue
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return None


def _epoch(text: str) -> datetime:
    seconds = float(text)
    if not 1e8 < seconds < 1e14:
        raise ValueError(text)
    return datetime.fromtimestamp(seconds / 1000.0 if seconds > 1e11 else seconds, UTC)


def _format(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form).replace(tzinfo=UTC)


def _read(path: Path) -> tuple[list[str], list[list[str]], bool]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SimulatorError(f"The recording {path} cannot be read: {error}.") from error
    first = text.partition("\n")[0]
    semicolon = first.count(";") > first.count(",")
    lines = [row for row in csv.reader(text.splitlines(), delimiter=";" if semicolon else ",") if row]
    if len(lines) < 2:
        raise SimulatorError(f"The recording {path} has no rows; it needs a header and at least one row.")
    header = [name.strip() for name in lines[0]]
    width = len(header)
    return header, [(row + [""] * width)[:width] for row in lines[1:]], semicolon


def _time_index(path: Path, header: list[str], rows: list[list[str]], wanted: str | None) -> int:
    if wanted is not None:
        if wanted not in header:
            raise SimulatorError(f"{path.name} has no column {wanted!r}; it has: {', '.join(header)}.")
        return header.index(wanted)
    named = (i for i, name in enumerate(header) if name.lower() in TIME_NAMES)
    dated = (i for i, cell in enumerate(rows[0]) if _is_date(cell))
    found = next(named, None)
    found = next(dated, None) if found is None else found
    if found is None:
        raise SimulatorError(f"{path.name}: no column holds times; name it with --time-column.")
    return found


def _is_date(cell: str) -> bool:
    return not math.isfinite(_number(cell, False)) and parse_time(cell) is not None


def _number(cell: str, comma: bool) -> float:
    try:
        number = float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
