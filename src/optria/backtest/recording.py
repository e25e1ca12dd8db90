"""A recording of a plant: what a file of rows and columns says of its tags, and the plant that it is of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.backtest import times as clocks
from optria.backtest.csv_file import CsvFile, number, read_csv
from optria.backtest.time_column import find_times
from optria.backtest.times import Times
from optria.core.asset import Asset, Link, PlantModel
from optria.core.errors import Invalid
from optria.core.tag import SignalMapping

Floats: TypeAlias = NDArray[np.float64]


NO_FAULT = ("", "0", "false", "no", "normal", "ok", "none", "nan")
COUNTER_ROWS = 10
ASSET = "Recorded asset"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Rows by ascending time, a column per tag.

    ``time`` int64[rows] µs UTC, ``value`` float64[rows, tags], NaN where missing. ``stamp`` is each row's
    time as the file writes it, ``input_row`` its place in the file (0 is the first). ``label`` bool[rows] is
    a column that says where the plant was known to be faulty. ``notes`` say what was made of the file.
    """

    name: str
    tags: tuple[str, ...]
    time: Times
    value: Floats
    stamp: tuple[str, ...] = ()
    input_row: NDArray[np.intp] | None = None
    label: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.time)

    @property
    def step_us(self) -> int:
        """Median time from row to row."""
        return clocks.usual_step(self.time)

    def rows(self, start: int, end: int | None = None) -> "Recording":
        """The rows [start, end) alone."""
        part = slice(start, end)
        return Recording(
            self.name,
            self.tags,
            self.time[part],
            self.value[part],
            self.stamp[part],
            None if self.input_row is None else np.argsort(np.argsort(self.input_row[part])),
            None if self.label is None else self.label[part],
            self.notes,
        )


def read_recording(
    path: Path, time_column: str | None = None, ignore: Collection[str] = (), label: str | None = None
) -> Recording:
    """Read a CSV file whose columns and units are not known beforehand.

    The column of times is ``time_column``, else found by its name or its cells; without one, rows are a
    second apart. ``ignore`` names columns that are no tags, ``label`` the one that is not 0 in a fault.

    Raises:
        Invalid: no such file or column, no rows, no tags, or a row with too many or too few cells.
    """
    table = read_csv(path)
    notes = list(table.notes)
    missing = [name for name in ignore if name not in table.header]
    if missing:
        notes.append(f"there is no column {', '.join(missing)} to ignore")
    used, times, stamps = find_times(table, time_column, [*ignore, *([label] if label else [])], notes)
    moved = clocks.glued(times)
    if (moved != times).any():
        notes.append("times begin anew within the file: its parts are taken one after the other")
    order = np.argsort(moved, kind="stable")
    if (np.diff(order) != 1).any():
        notes.append(f"{int((np.diff(moved) < 0).sum())} times go back: the rows are played in order of time")
    left_out = {*used, *(table.header.index(name) for name in ignore if name in table.header)}
    fault = _label(table, label)
    if label is not None:
        left_out.add(table.header.index(label))
    tags, value = _tags(table, left_out, notes)
    flags = [tag for tag, column in zip(tags, value.T, strict=True) if set(column.tolist()) == {0.0, 1.0}]
    if flags:
        notes.append(f"only 0 and 1: {', '.join(flags)}; if that is no signal, --label or --ignore it")
    return Recording(
        path.stem,
        tags,
        _apart(moved[order], value[order], notes),
        value[order],
        tuple(stamps[row] for row in order.tolist()),
        order,
        None if fault is None else fault[order],
        tuple(notes),
    )


def plant_of(
    recording: Recording,
    assets: Mapping[str, str] | None = None,
    topology: Sequence[tuple[str, str]] = (),
    asset_type: str = "",
) -> PlantModel:
    """The plant that a recording is of: mapping id i + 1 is its i-th tag.

    ``assets`` says which asset each tag belongs to (a tag it does not name belongs to one of its own kind,
    "Recorded asset"), ``topology`` what flows from which asset to which. A mapping's ``scan_s`` is the median
    time between the values of its tag.
    """
    of_tag = [(assets or {}).get(tag, ASSET) for tag in recording.tags]
    names = sorted({*of_tag, *(end for link in topology for end in link)})
    ids = {name: place + 1 for place, name in enumerate(names)}
    return PlantModel(
        tenant_id=1,
        assets=tuple(Asset(ids[name], name, name, asset_type, None) for name in names),
        links=tuple(Link(ids[source], ids[target]) for source, target in topology),
        mappings=tuple(
            SignalMapping(place + 1, 1, ids[asset], tag, tag, "", scan_s=_scan_s(recording, place))
            for place, (tag, asset) in enumerate(zip(recording.tags, of_tag, strict=True))
        ),
    )


def columns_of(recording: Recording, tags: Sequence[str]) -> Floats:
    """The values of ``tags`` in that order; NaN for one that the recording does not have."""
    place = {tag: column for column, tag in enumerate(recording.tags)}
    value = np.full((len(recording), len(tags)), np.nan)
    for column, tag in enumerate(tags):
        if tag in place:
            value[:, column] = recording.value[:, place[tag]]
    return value


def column_names(text: Sequence[str]) -> tuple[str, ...]:
    """The names of ``--ignore``: given several times, or several in one separated by commas."""
    return tuple(name.strip() for part in text for name in part.split(",") if name.strip())


def _apart(time: Times, value: Floats, notes: list[str]) -> Times:
    """Times of rows that share one, spread; those of rows that are the same in all stay as they are."""
    same_time = np.diff(time) == 0
    if not same_time.any():
        return time
    a, b = value[1:][same_time], value[:-1][same_time]
    again = ((a == b) | (np.isnan(a) & np.isnan(b))).all(axis=1)
    if again.all():
        notes.append(f"{len(again)} rows come twice: they count once")
        return time
    notes.append(f"{len(again)} rows share their time with the row before: spread evenly")
    return clocks.spread(time)


def _tags(table: CsvFile, left_out: set[int], notes: list[str]) -> tuple[tuple[str, ...], Floats]:
    names, columns, text, counters, constant = [], [], [], [], []
    for place, name in enumerate(table.header):
        if place in left_out:
            continue
        column = np.array(table.numbers(place))
        if not np.isfinite(column).any() or not table.holds_numbers(place):
            text.append(name)
        elif _is_counter(column):
            counters.append(name)
        else:
            names.append(name)
            columns.append(column)
            if not np.nanmax(column) > np.nanmin(column):
                constant.append(name)
    for words, which in (("no numbers", text), ("a count of rows", counters)):
        if which:
            notes.append(f"left out, for holding {words}: {', '.join(which)}")
    if constant:
        notes.append(f"never changes: {', '.join(constant)}")
    if not names:
        raise Invalid(f"{table.name} has no column of numbers that could be a tag.")
    return tuple(names), np.stack(columns, axis=1)


def _label(table: CsvFile, label: str | None) -> NDArray[np.bool_] | None:
    if label is None:
        return None
    cells = table.column(table.place(label))
    return np.array([_says_fault(cell.strip().casefold()) for cell in cells], bool)


def _says_fault(cell: str) -> bool:
    value = number(cell)
    return value != 0 if np.isfinite(value) else cell not in NO_FAULT


def _is_counter(column: Floats) -> bool:
    """A column that grows by the same step with every row numbers the rows."""
    steps = np.diff(column)
    return len(column) >= COUNTER_ROWS and bool(steps[0]) and bool((steps == steps[0]).all())


def _scan_s(recording: Recording, place: int) -> float:
    there = recording.time[np.isfinite(recording.value[:, place])]
    return max(clocks.usual_step(there), 1_000) / 1e6
