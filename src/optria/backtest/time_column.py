"""Finds the column of times of a file, whatever it is called and however it writes them."""

import re
from collections.abc import Sequence

import numpy as np

from optria.backtest import times as clocks
from optria.backtest.csv_file import CsvFile
from optria.backtest.times import Times
from optria.core.errors import Invalid

TIME_NAMES = ("datetime", "timestamp", "time", "date", "date_time", "date time", "ts", "zeit", "datum", "t")


def find_times(
    table: CsvFile, wanted: str | None, no_time: Sequence[str], notes: list[str]
) -> tuple[set[int], Times, list[str]]:
    """The columns that are times, µs of each row, and the text that says it in the file."""
    if wanted is not None:
        place = table.place(wanted)
        times = _read_column(table, place)
        if times is None:
            raise Invalid(f"{table.name}: the column {wanted!r} holds no times.")
        return {place}, _filled(times, notes), table.column(place)
    dated = _day_and_clock(table)
    if dated is not None:
        return dated[0], _filled(dated[1], notes), dated[2]
    for place in _likely_times(table, no_time):
        times = _read_column(table, place)
        if times is not None:
            return {place}, _filled(times, notes), table.column(place)
    notes.append("there is no column of times: a row a second")
    seconds = np.arange(len(table.rows), dtype=np.int64)
    return set(), seconds * 1_000_000, [str(second) for second in seconds]


def _likely_times(table: CsvFile, no_time: Sequence[str]) -> list[int]:
    """Places to look for times in: by name, then text that may be dates, then numbers that may be a clock."""
    places = [p for p, name in enumerate(table.header) if name not in no_time]
    named = [p for word in TIME_NAMES for p in places if _plain(table.header[p]) == word]
    named += [p for p in places if re.match(r"(time|date|datetime|timestamp)\b", _plain(table.header[p]))]
    named = [p for p in named if _may_be_time(table, p)]
    text = [p for p in places if not table.holds_numbers(p)]
    clock = [p for p in places if clocks.is_epoch(np.array(table.numbers(p)))]
    return list(dict.fromkeys([*named, *text, *clock]))


def _may_be_time(table: CsvFile, place: int) -> bool:
    numbers = np.array(table.numbers(place))
    return not table.holds_numbers(place) or len(numbers) == 1 or clocks.may_be_clock(numbers)


def _read_column(table: CsvFile, place: int) -> Times | None:
    if not table.holds_numbers(place):
        return clocks.read_times(table.column(place))
    return clocks.read_numbers(np.array(table.numbers(place)), table.header[place])


def _day_and_clock(table: CsvFile) -> tuple[set[int], Times, list[str]] | None:
    """A column of days beside a column of clock times, together."""
    first = [cell.strip() for cell in table.rows[0]]
    clock = [p for p, cell in enumerate(first) if re.fullmatch(r"\d{1,2}:\d\d(:\d\d([.,]\d+)?)?", cell)]
    days = [p for p, cell in enumerate(first) if re.fullmatch(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}", cell)]
    if not clock or not days:
        return None
    day, time = table.column(days[0]), table.column(clock[0])
    stamps = [f"{a.strip()} {b.strip()}" for a, b in zip(day, time, strict=True)]
    times = clocks.read_times(stamps)
    return None if times is None else ({days[0], clock[0]}, times, stamps)


def _filled(times: Times, notes: list[str]) -> Times:
    unreadable = int((times == clocks.UNREADABLE).sum())
    if unreadable:
        notes.append(f"{unreadable} rows have no readable time: they follow the row before")
    return clocks.without_gaps(times)


def _plain(name: str) -> str:
    return name.strip().strip('"').casefold()
