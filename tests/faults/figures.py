"""What a test of the matrix measured, and at which scale it ran."""

from dataclasses import dataclass, field
from typing import TypeVar

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of a fault is made: all of it under ``make faults``, a little in an ordinary run."""

    full: bool

    def of(self, full: Number, short: Number) -> Number:
        return full if self.full else short


@dataclass(slots=True)
class Figures:
    """``load`` in words ("50,000 samples at 2,000/s"), what was lost and doubled, seconds to recovery.

    ``None`` is what does not apply. ``notes`` are further figures in words ("noticed after 2.6 s").
    """

    load: str = ""
    lost: int | None = None
    duplicated: int | None = None
    recovered_s: float | None = None
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return {
            "load": self.load,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "recovered_s": self.recovered_s,
            "notes": self.notes,
        }
