"""An edit of a row as somebody sent it: only what was sent changes, with before and after for the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from optria.core.errors import Invalid
from optria.db.base import Base
from optria.kit import clock


@dataclass(frozen=True, slots=True)
class Edit:
    """The fields that differ, as JSON values; false when nothing does."""

    old: Mapping[str, object]
    new: Mapping[str, object]

    def __bool__(self) -> bool:
        return bool(self.new)


def sent_fields(asked: BaseModel, needed: frozenset[str] = frozenset()) -> dict[str, object]:
    """The fields that were sent.

    Raises:
        Invalid: one of ``needed`` is null: it has a value always.
    """
    values = asked.model_dump(exclude_unset=True)
    empty = sorted(name for name in needed if name in values and values[name] is None)
    if empty:
        raise Invalid(f"{', '.join(empty)} cannot be empty.")
    return values


def apply_edit(row: Base, values: Mapping[str, object]) -> Edit:
    """Give ``row`` the values that differ from its own, and the time of the change."""
    before = {name: getattr(row, name) for name in values}
    differing = {name: value for name, value in values.items() if value != before[name]}
    for name, value in differing.items():
        setattr(row, name, value)
    if differing and hasattr(row, "updated_at"):
        setattr(row, "updated_at", clock.now())  # noqa: B010
    return Edit({name: plain(before[name]) for name in differing}, plain(differing))


def plain(value: object) -> Any:
    """``value`` as JSON has it: times as text, money as numbers."""
    return jsonable_encoder(value)
