"""Events, their severity, and the window around an anchor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from uuid import UUID


class Severity(IntEnum):
    """INFO < WARNING < MINOR < MAJOR < CRITICAL."""

    INFO = 0
    WARNING = 1
    MINOR = 2
    MAJOR = 3
    CRITICAL = 4

    @classmethod
    def parse(cls, word: str | None) -> "Severity":
        """The severity of a stored word; unknown words count as INFO."""
        return cls.__members__.get((word or "").strip().upper(), cls.INFO)


class EventCategory(StrEnum):
    SENSOR = "SENSOR"
    ALERT = "ALERT"
    FAILURE = "FAILURE"
    MAINTENANCE = "MAINTENANCE"
    OPERATOR_ACTION = "OPERATOR_ACTION"
    CONFIG_CHANGE = "CONFIG_CHANGE"
    SYSTEM = "SYSTEM"
    AI_OUTPUT = "AI_OUTPUT"
    PROCESS = "PROCESS"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an asset at ``time`` (aware UTC).

    ``payload`` of a limit event has ``tag_id``, ``external_tag``, ``metric``, ``value``, ``limit``,
    ``direction`` (high or low) and ``unit``.
    """

    time: datetime
    severity: Severity
    category: str
    summary: str
    asset_id: int | None = None
    source_system: str = "OPTRIA_ALERT"
    source_type: str = "ALERT"
    source_id: str | None = None
    payload: Mapping[str, object] = field(default_factory=dict)
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EventWindow:
    """The closed interval [start, end] of time that an analysis looks at."""

    start: datetime
    end: datetime

    @classmethod
    def around(cls, anchor: datetime, before: timedelta, after: timedelta) -> "EventWindow":
        return cls(anchor - before, anchor + after)

    def __contains__(self, time: datetime) -> bool:
        return self.start <= time <= self.end
