"""Signal mappings as a CSV table: written so that it comes back the same, read as people send such files.

Spreadsheets run what begins like a formula: such a text is written with an apostrophe before it, which is
taken off again when it is read.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from optria.core.errors import Invalid
from optria.web.spreadsheets import FORMULA, MARK

FIELDS: Final = (
    "external_tag",
    "internal_metric_name",
    "unit",
    "scaling_factor",
    "offset_value",
    "range_low",
    "range_high",
    "normal_low",
    "normal_high",
    "decimals",
    "scan_s",
    "description",
)
ASSET: Final = "asset"
COLUMNS: Final = ("external_tag", ASSET, *FIELDS[1:])
NUMBERS: Final = frozenset(FIELDS) - {"external_tag", "internal_metric_name", "unit", "description"}
NEEDED: Final = ("external_tag", "internal_metric_name")
ALSO_CALLED: Final = {
    "tag": "external_tag",
    "tag_name": "external_tag",
    "metric": "internal_metric_name",
    "asset_code": ASSET,
    "equipment": ASSET,
    "units": "unit",
    "scale": "scaling_factor",
    "offset": "offset_value",
    "low": "range_low",
    "high": "range_high",
    "scan": "scan_s",
}
MOST_ROWS: Final = 5_000
MOST_BYTES: Final = 1_048_576
LONGEST_CELL: Final = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file; ``number`` is the line it begins on, counted from 1, the header among them."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    lines: tuple[Line, ...]
    columns: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    """Columns that mean nothing here."""
    encoding: str = "utf-8"
    delimiter: str = ","


def written(rows: Iterable[Mapping[str, object]]) -> str:
    """The table of ``rows``, with :data:`COLUMNS` as its header, marked as UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(name, row.get(name)) for name in COLUMNS])
    return MARK + out.getvalue()


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value) if name in NUMBERS else guarded(str(value))


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith((*FORMULA, "'")) else text


def unguarded(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:].startswith((*FORMULA, "'")) else text


def read(content: bytes) -> Table:
    """The rows of a file, whatever spreadsheet wrote it.

    Raises:
        Invalid: too large, not text, no header with the columns that are needed, too many rows.
    """
    if len(content) > MOST_BYTES:
        raise Invalid("The file is larger than 1 MiB. Split it.")
    text, encoding = _decoded(content)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        rows = _rows(text, delimiter)
    except csv.Error as error:
        raise Invalid(f"The file cannot be read as CSV ({error}). Save it as CSV UTF-8.") from None
    if not rows:
        raise Invalid("The file is empty. Its first line names the columns: " + ", ".join(COLUMNS) + ".")
    names = _names(rows[0][1])
    lines = [_line(number, names, cells, delimiter) for number, cells in rows[1:]]
    known = tuple(name for name in names if name in COLUMNS)
    ignored = tuple(name for name in names if name and name not in COLUMNS)
    return Table(tuple(lines), known, ignored, encoding, delimiter)


def _decoded(content: bytes) -> tuple[str, str]:
    """Text by its byte order mark, else as UTF-8, else as Windows writes Arabic or Latin text."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if marked else ["utf-8-sig", "cp1256"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text, encoding
    raise Invalid("The file is no text. Save it as CSV UTF-8.")


def _rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The rows that hold something, each with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    begins = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            found.append((begins, cells))
        begins = reader.line_num + 1
        if len(found) > MOST_ROWS + 1:
            raise Invalid(f"The file has more than {MOST_ROWS} rows. Split it.")
    return found


def _names(header: Sequence[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in header]
    names = [ALSO_CALLED.get(name, name)[:100] for name in names]
    lacking = [name for name in NEEDED if name not in names]
    if lacking:
        raise Invalid(
            f"The first line lacks the column {' and '.join(lacking)}. "
            f"It names columns of: {', '.join(COLUMNS)}."
        )
    twice = next((name for name in COLUMNS if names.count(name) > 1), None)
    if twice is not None:
        raise Invalid(f"The column {twice} is there twice.")
    return names


def _line(number: int, names: Sequence[str], cells: Sequence[str], delimiter: str) -> Line:
    known = {
        name: unguarded(cell.strip())[:LONGEST_CELL]
        for name, cell in zip(names, cells, strict=False)
        if name in COLUMNS
    }
    if delimiter == ";":  # where the decimal sign is a comma, so is this the delimiter
        known |= {name: known[name].replace(",", ".") for name in NUMBERS & known.keys()}
    return Line(number, known)
