"""A text file of rows and columns, whatever program wrote it."""

import csv
import itertools
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from optria.core.errors import Invalid

DELIMITERS = (";", "\t", ",")
NUMERIC_SHARE = 0.1
"""A column holds numbers where at least this share of its filled cells is one; the others say why not."""
_GROUPED = re.compile(r"[+-]?\d{1,3}([ '’\u00a0\u202f]\d{3})+([.,]\d+)?")
_WORDS_OF_NO_NUMBER = {"nan", "inf", "+inf", "-inf", "infinity", "-infinity", "+infinity", "+nan", "-nan"}


@dataclass(frozen=True, slots=True)
class CsvFile:
    """The cells of a file as text. ``decimal_comma`` where ``1,5`` is one and a half."""

    name: str
    header: tuple[str, ...]
    rows: list[list[str]]
    decimal_comma: bool
    notes: tuple[str, ...]

    def column(self, place: int) -> list[str]:
        return [row[place] for row in self.rows]

    def numbers(self, place: int) -> list[float]:
        """The numbers of a column, NaN where a cell is none ("Bad", "nan", "No Data", empty)."""
        return [number(row[place], self.decimal_comma) for row in self.rows]

    def holds_numbers(self, place: int) -> bool:
        """Whether a column is one of numbers: enough of its filled cells are."""
        filled = [cell for cell in self.column(place) if cell.strip()]
        return sum(is_number(cell, self.decimal_comma) for cell in filled) >= max(
            1, NUMERIC_SHARE * len(filled)
        )

    def place(self, name: str) -> int:
        """Where a column stands. Raises Invalid with the names that there are."""
        if name not in self.header:
            raise Invalid(f"{self.name} has no column {name!r}; it has: {', '.join(self.header)}.")
        return self.header.index(name)


def read_csv(path: Path) -> CsvFile:
    """Read a file whose columns are separated by ``,``, ``;`` or tabs.

    Raises:
        Invalid: it cannot be read, has no rows, or a row has more or fewer cells than the first (says which).
    """
    lines = _text(path).splitlines()
    delimiter = _delimiter(lines)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Invalid(f"{path.name}, line {reader.line_num}: {error}.") from None
    if not rows:
        raise Invalid(f"{path.name} is empty. A recording has a row of column names and a row per time.")
    comma = delimiter != ","
    notes: list[str] = []
    header, rows = _header(rows, comma, notes)
    if not rows:
        raise Invalid(f"{path.name} has no rows below its column names.")
    cells = [_fitting(path, line, row, len(header)) for line, row in rows]
    if len(cells) > 1 and _is_row_of_units(cells[0], cells[1], comma):
        notes.append(f"line {rows[0][0]} holds no values (units?) and is left out")
        cells = cells[1:]
    return CsvFile(path.name, _distinct(header), cells, _has_decimal_comma(cells, comma), tuple(notes))


def number(cell: str, decimal_comma: bool = False) -> float:
    """The number a cell holds, NaN if it holds none. ``1 234,5`` and ``1'234.5`` are numbers too."""
    text = cell.strip()
    if decimal_comma and "," in text:
        text = text.replace(".", "").replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        if not _GROUPED.fullmatch(text):
            return math.nan
        value = float(re.sub(r"[ '’\u00a0\u202f]", "", text).replace(",", "."))
    return value if math.isfinite(value) and "_" not in text else math.nan


def is_number(cell: str, decimal_comma: bool = True) -> bool:
    """Whether a cell is a number or a word for none."""
    text = cell.strip()
    return not math.isnan(number(text, decimal_comma)) or text.casefold() in _WORDS_OF_NO_NUMBER


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Invalid(f"The recording {path} cannot be read: {error.strerror or error}.") from None
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw:
        raise Invalid(f"{path.name} is no text file. A recording is a CSV file.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")  # what spreadsheets in Europe write


def _delimiter(lines: list[str]) -> str:
    """What most lines have the same number of, at least one; where none has, the comma."""
    some = [line for line in lines[:50] if line.strip()]

    def agreement(mark: str) -> tuple[int, int]:
        counts = Counter(line.count(mark) for line in some)
        number, times = counts.most_common(1)[0] if counts else (0, 0)
        return (times, number) if number else (0, 0)

    best = max(DELIMITERS, key=agreement)
    named = [mark for mark in (";", "\t") if some and mark in some[0] and agreement(mark)[0]]
    return named[0] if named else best


def _header(
    rows: list[tuple[int, list[str]]], comma: bool, notes: list[str]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    first = [cell.strip() for cell in rows[0][1]]
    if _holds_values(first, comma):
        notes.append("the first line holds values: the columns have no names")
        return [f"column {place + 1}" for place in range(len(first))], rows
    while (
        first
        and not first[-1]
        and all(len(row) < len(first) or not row[len(first) - 1].strip() for _, row in rows)
    ):
        first.pop()  # every line ends with a delimiter
    return first, rows[1:]


def _holds_values(first: list[str], comma: bool) -> bool:
    """Whether a first line is one of values; names may be numbers too, when they count up."""
    numbers = [number(cell, comma) for cell in first if is_number(cell, comma)]
    if any(re.match(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b", cell) for cell in first):
        return bool(numbers)
    counted = all(b - a == 1 for a, b in itertools.pairwise(numbers))
    return bool(numbers) and len(numbers) == len([c for c in first if c]) and not counted


def _fitting(path: Path, line: int, row: list[str], width: int) -> list[str]:
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        row = row[:width]
    if len(row) != width:
        raise Invalid(f"{path.name}, line {line}: {len(row)} cells where the first line has {width}.")
    return row


def _is_row_of_units(row: list[str], below: list[str], comma: bool) -> bool:
    return not any(is_number(cell, comma) for cell in row) and any(is_number(cell, comma) for cell in below)


def _distinct(header: list[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    names = []
    for place, name in enumerate(header):
        name = name or f"column {place + 1}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(names)


def _has_decimal_comma(rows: list[list[str]], allowed: bool) -> bool:
    """Whether commas are decimal: with ``;`` or tabs, where numbers have commas and none has a lone point."""
    if not allowed:
        return False
    some = [cell.strip() for row in rows[:: max(1, len(rows) // 500)] for cell in row]
    with_comma = sum(bool(re.fullmatch(r"[+-]?[\d.]*,\d+([eE][+-]?\d+)?", cell)) for cell in some)
    with_point = sum(bool(re.fullmatch(r"[+-]?\d*\.\d+([eE][+-]?\d+)?", cell)) for cell in some)
    return with_comma > with_point
