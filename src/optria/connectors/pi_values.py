"""PI Web API's JSON as columns; malformed rows are refused one by one and counted by reason."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from optria.connectors.base import batch_of
from optria.core.tag import EPOCH, Quality, SampleBatch

_MICROSECOND = timedelta(microseconds=1)


class RowRefused(Exception):
    """A value that cannot be taken; the message is the reason it is counted under."""


def items_of(document: object) -> list[Mapping[str, object]]:
    """The objects under ``Items``; empty when there are none."""
    items = document.get("Items") if isinstance(document, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def streams_of(document: object, rejected: Counter[str]) -> list[Mapping[str, object]]:
    """The streams of an answer or a message; what is none is counted."""
    items = document.get("Items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        rejected["malformed answer"] += 1
        return []
    streams = items_of(document)
    if len(streams) < len(items):
        rejected["malformed"] += len(items) - len(streams)
    return streams


def columns(
    streams: Iterable[Mapping[str, object]], tags: Mapping[str, int], rejected: Counter[str]
) -> SampleBatch:
    """A stream set (items with ``WebId`` and either ``Value`` or ``Items``) as a batch."""
    ids: list[int] = []
    times: list[int] = []
    values: list[float] = []
    qualities: list[int] = []
    for stream in streams:
        web_id = stream.get("WebId")
        tag = tags.get(web_id) if isinstance(web_id, str) else None
        if tag is None:
            rejected["unknown WebId"] += 1
            continue
        rows = _rows_of(stream)
        if rows is None:
            rejected["no value"] += 1
            continue
        for row in rows:
            try:
                time, value, quality = read_row(row)
            except RowRefused as reason:
                rejected[str(reason)] += 1
                continue
            ids.append(tag)
            times.append(time)
            values.append(value)
            qualities.append(quality)
    return batch_of(ids, times, values, qualities)


def _rows_of(stream: Mapping[str, object]) -> list[object] | None:
    """None for a stream without any, such as one with ``Errors`` in their place."""
    listed = stream.get("Items")
    if isinstance(listed, list):
        return listed
    return [stream["Value"]] if "Value" in stream else None


def read_row(row: object) -> tuple[int, float, int]:
    """Time (µs UTC), value and quality of one timed value.

    A system digital state ("Bad Input", "I/O Timeout", "Pt Created") is no measurement: NaN and Bad. Another
    digital state is its code. Raises RowRefused.
    """
    if not isinstance(row, dict):
        raise RowRefused("malformed")
    time = _time(row.get("Timestamp"))
    value = row.get("Value")
    if isinstance(value, dict):
        if value.get("IsSystem", True):
            return time, math.nan, Quality.BAD
        value = value.get("Value")
    return time, _number(value), _quality(row)


def _quality(row: Mapping[str, object]) -> int:
    if row.get("Good") is False:
        return Quality.BAD
    doubtful = row.get("Questionable") is True or row.get("Substituted") is True
    return Quality.UNCERTAIN if doubtful else Quality.GOOD


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RowRefused("not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise RowRefused("not finite")
    return number


def _time(text: object) -> int:
    """PI writes seven decimals; the last is cut."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise RowRefused("no time")
    return (time - EPOCH) // _MICROSECOND
