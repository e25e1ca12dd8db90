"""The periods of the overview, and their division into equal steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Period:
    """``hours`` up to ``end``; ``key`` is its name in the address."""

    key: str
    hours: int
    end: datetime

    @property
    def start(self) -> datetime:
        return self.end - timedelta(hours=self.hours)

    def share(self, moment: datetime) -> float:
        """Where a moment lies, 0 at the start and 1 at the end; what lies outside is at the nearer end."""
        return min(1.0, max(0.0, (moment - self.start) / timedelta(hours=self.hours)))

    def step_of(self, moment: datetime, steps: int) -> int:
        return min(steps - 1, int(self.share(moment) * steps))

    def moments(self, steps: int) -> Sequence[datetime]:
        """The beginning of each step."""
        step = timedelta(hours=self.hours) / steps
        return [self.start + step * i for i in range(steps)]


HOURS: Final = {"8h": 8, "24h": 24, "7d": 168, "30d": 720}
DEFAULT: Final = "24h"


def period_of(key: str, end: datetime) -> Period:
    """The period of an address; an unknown word is the default one."""
    known = key if key in HOURS else DEFAULT
    return Period(known, HOURS[known], end)
