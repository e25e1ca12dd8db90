"""When a notification may go out: what a person wants, quiet hours, digests, floods and tries. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from optria.core.event import Severity

FLOOD_LIMIT: Final = 10
FLOOD_WINDOW: Final = timedelta(minutes=10)
"""More than 10 alarms in 10 minutes are more than a person can answer (EEMUA 191, IEC 62682)."""
FLOOD_ENDS: Final = 5
"""A flood lasts until fewer than this come in 10 minutes (ISA-18.2)."""
WAITS_S: Final = (60, 240, 960, 3600)
"""After the first, second, third and fourth try that failed."""
MAX_TRIES: Final = len(WAITS_S) + 1
LONGEST_WAIT_S: Final = 24 * 3600
JITTER: Final = 0.2
EVERY_DAY: Final = frozenset(range(1, 8))


class HeldFor(StrEnum):
    QUIET_HOURS = "quiet_hours"
    DIGEST = "digest"
    FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    is_on: bool = True
    min_severity: Severity = Severity.INFO


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``start`` to the next ``end`` in ``zone``, begun on ISO ``weekdays``; equal ends: a whole day."""

    start: time
    end: time
    zone: ZoneInfo
    weekdays: frozenset[int] = EVERY_DAY

    def end_after(self, moment: datetime) -> datetime | None:
        """When the quiet hours that ``moment`` lies in end; None outside them."""
        day = moment.astimezone(self.zone).date()
        ends = []
        for begins in (day - timedelta(days=1), day):
            if begins.isoweekday() not in self.weekdays:
                continue
            ends_on = begins if self.end > self.start else begins + timedelta(days=1)
            start = datetime.combine(begins, self.start, self.zone).astimezone(UTC)
            end = datetime.combine(ends_on, self.end, self.zone).astimezone(UTC)
            if start <= moment < end:
                ends.append(end)
        return max(ends, default=None)


@dataclass(frozen=True, slots=True)
class Preferences:
    """How one person wants to be told; the default is at once, of everything, by every channel."""

    channels: Mapping[str, ChannelChoice] = field(default_factory=dict)
    quiet: QuietHours | None = None
    critical_breaks_through: bool = True
    digest_minutes: int = 0

    def wants(self, channel: str, severity: Severity) -> bool:
        choice = self.channels.get(channel, ChannelChoice())
        return choice.is_on and severity >= choice.min_severity

    def quiet_until(self, severity: Severity, now: datetime) -> datetime | None:
        """The end of the quiet hours that hold this back now; None when it may go out."""
        if self.quiet is None or self._breaks_through(severity):
            return None
        return self.quiet.end_after(now)

    def hold(self, severity: Severity, now: datetime) -> tuple[HeldFor, datetime] | None:
        """Why and until when a new notification is held back; None when it goes out at once."""
        quiet_until = self.quiet_until(severity, now)
        if quiet_until is not None:
            return HeldFor.QUIET_HOURS, quiet_until
        if self.digest_minutes and not self._breaks_through(severity):
            return HeldFor.DIGEST, now + timedelta(minutes=self.digest_minutes)
        return None

    def _breaks_through(self, severity: Severity) -> bool:
        return self.critical_breaks_through and severity is Severity.CRITICAL


def is_flood(lately: int, *, goes_on: bool) -> bool:
    """Whether one more alarm is part of a flood, after so many others within ``FLOOD_WINDOW``."""
    return lately >= (FLOOD_ENDS if goes_on else FLOOD_LIMIT)


def next_try(attempts: int, now: datetime, chance: float, retry_after_s: float | None) -> datetime | None:
    """When to try again after ``attempts`` tries (1 and up); None: that was the last.

    Four times as long each time, from a minute to an hour, plus up to 20 % by ``chance`` in [0, 1]; never
    before the time that the receiver asked for (at most a day).
    """
    if attempts >= MAX_TRIES:
        return None
    wait_s = WAITS_S[attempts - 1] * (1 + JITTER * chance)
    return now + timedelta(seconds=max(wait_s, min(retry_after_s or 0.0, LONGEST_WAIT_S)))
