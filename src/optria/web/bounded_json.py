"""JSON objects in requests, bounded in size and depth, with nothing in them that cannot be stored."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from optria.web.texts import clean

JsonObject: TypeAlias = dict[str, object]


def bounded(most_bytes: int, most_depth: int) -> Callable[[JsonObject], JsonObject]:
    """A check that an object takes at most ``most_bytes`` as UTF-8 and nests at most ``most_depth`` deep.

    It raises ValueError where more is sent, and for text and numbers that PostgreSQL cannot keep as JSON.
    """

    def check(value: JsonObject) -> JsonObject:
        waiting: list[tuple[object, int]] = [(value, 1)]
        while waiting:
            each, depth = waiting.pop()
            _check_storable(each)
            if isinstance(each, Mapping | list) and depth > most_depth:
                raise ValueError(f"the JSON nests deeper than {most_depth}")
            waiting.extend((one, depth + 1) for one in _inner(each))
        if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > most_bytes:
            raise ValueError(f"the JSON is larger than {most_bytes // 1024} KiB")
        return value

    return check


def _inner(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return list(value) if isinstance(value, list) else []


def _check_storable(value: object) -> None:
    if isinstance(value, str) and clean(value) != value:
        raise ValueError("the JSON holds a character that cannot be stored")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("the JSON holds a number that is too large")


DrawingConfig = Annotated[JsonObject, AfterValidator(bounded(512 * 1024, 32))]
SmallObject = Annotated[JsonObject, AfterValidator(bounded(16 * 1024, 8))]
