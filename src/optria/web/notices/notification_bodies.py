"""Request bodies about how people and webhooks are told."""

from datetime import time
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from optria.web import bodies
from optria.web.bodies import NewBody, SeverityWord, Word50, Word100
from optria.web.texts import Text
from optria.work.notifications import TYPES

ChannelName = Literal["email", "sms"]
LONGEST_DIGEST_MINUTES = 1440


def _to_the_minute(moment: time) -> time:
    return moment.replace(second=0, microsecond=0)


Minute = Annotated[bodies.WallTime, AfterValidator(_to_the_minute)]


class ChannelBody(NewBody):
    """Whether one is told by a channel, and from which severity on."""

    is_on: bool = True
    min_severity: SeverityWord = "INFO"


class QuietHoursBody(NewBody):
    """When nothing but what breaks through is sent; equal ends are a whole day."""

    start: Minute
    end: Minute
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7)] = Field(
        default_factory=lambda: list(range(1, 8)),
        description="Days on which quiet hours begin: 1 is Monday, 7 Sunday.",
    )


class PreferencesBody(NewBody):
    """What of one's preferences is to change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "channels": {"email": {"is_on": True, "min_severity": "MINOR"}},
                    "quiet_hours": {"start": "22:00", "end": "06:00", "weekdays": [7, 1, 2, 3, 4]},
                    "time_zone": "Asia/Riyadh",
                    "critical_breaks_through": True,
                    "digest_minutes": 15,
                }
            ]
        }
    )

    channels: dict[ChannelName, ChannelBody] = Field(
        default_factory=dict, description="Channels that are not named stay as they are."
    )
    quiet_hours: QuietHoursBody | None = None
    time_zone: bodies.TimeZone = "UTC"
    critical_breaks_through: bool = Field(
        True, description="CRITICAL is sent at once, also in quiet hours and without waiting for a digest."
    )
    digest_minutes: Annotated[int, Field(ge=0, le=LONGEST_DIGEST_MINUTES)] = Field(
        0, description="What comes within so many minutes is sent as one message; 0 sends each at once."
    )
    handover_digest: bool = Field(
        False, description="At the hand-over of one's turn on call: what opened, what is left and shelved."
    )


class TenantChannelsBody(NewBody):
    """By which channels the tenant's people are told."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"channels": ["email"]}]})

    channels: Annotated[list[ChannelName], Field(max_length=2)] | None = Field(
        description="null: by every channel that the installation has; an empty list: by none."
    )


def _known_type(word: str) -> str:
    if word not in TYPES:
        raise ValueError(f"a type of notification is needed: {', '.join(TYPES)}")
    return word


NotificationType = Annotated[
    Word50, AfterValidator(_known_type), Field(json_schema_extra={"enum": list(TYPES)})
]


class WebhookCreate(NewBody):
    """A new webhook."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Maintenance system",
                    "url": "https://cmms.example.com/hooks/optria",
                    "kinds": ["WORK_ORDER_CREATED"],
                    "min_severity": "MAJOR",
                }
            ]
        }
    )

    name: Word100
    url: Annotated[Text, Field(min_length=1, max_length=2000)] = Field(description="https or http.")
    is_active: bool = True
    kinds: Annotated[list[NotificationType], Field(max_length=50)] | None = Field(
        None, description="Types of notification; null: all, also those that only programs know."
    )
    min_severity: SeverityWord = "INFO"


class WebhookUpdate(WebhookCreate):
    """What of a webhook is to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_active": False}]})

    name: Word100 = ""
    url: Annotated[Text, Field(min_length=1, max_length=2000)] = ""
