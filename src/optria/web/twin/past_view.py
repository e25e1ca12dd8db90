"""The moment of the past that a twin page shows."""

from dataclasses import dataclass
from datetime import datetime

from optria.core.tag import to_micros


@dataclass(frozen=True, slots=True)
class Mark:
    """The start of an incident on the time slider."""

    at: datetime
    number: str
    severity: str


@dataclass(frozen=True, slots=True)
class PastView:
    """The moment that a page shows, and the span of its slider."""

    at: datetime
    start: datetime
    end: datetime
    marks: tuple[Mark, ...] = ()

    @property
    def at_ms(self) -> int:
        return _ms(self.at)

    @property
    def offset_s(self) -> int:
        """Place of the moment on the slider."""
        return int((self.at - self.start).total_seconds())

    @property
    def span_s(self) -> int:
        return int((self.end - self.start).total_seconds())

    @property
    def start_ms(self) -> int:
        return _ms(self.start)

    def share(self, moment: datetime) -> float:
        """Place in the span, 0 to 1."""
        return (moment - self.start) / (self.end - self.start)


def _ms(moment: datetime) -> int:
    return to_micros(moment) // 1000
