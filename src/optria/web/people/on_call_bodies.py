"""Request bodies about the on-call rota: rotations, and shifts that go before them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from optria.web import bodies

LONGEST_SHIFT: Final = timedelta(days=92)
LARGEST_ROTATION: Final = 100


def _distinct(members: list[int]) -> list[int]:
    if len(set(members)) < len(members):
        raise ValueError("everybody has one place in a rotation")
    return members


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Members = Annotated[
    list[bodies.RowNumber],
    Field(min_length=1, max_length=LARGEST_ROTATION, description="User ids in the order of their turns."),
    AfterValidator(_distinct),
]
ShiftDays = Annotated[int, Field(ge=1, le=366)]
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1990, 1, 1, tzinfo=UTC), le=datetime(2199, 12, 31, tzinfo=UTC)),
    AfterValidator(_utc),
]
_EXAMPLE: Final[JsonDict] = {
    "name": "Mechanics",
    "site_id": 2,
    "time_zone": "Asia/Riyadh",
    "starts_on": "2026-11-22",
    "handover_at": "06:00",
    "shift_days": 7,
    "members": [3, 4],
}


class RotationCreate(bodies.NewBody):
    """People in turn; without a site, for every site that has no rotation of its own."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: bodies.Title
    site_id: bodies.RowNumber | None = None
    time_zone: bodies.TimeZone
    starts_on: bodies.Day
    handover_at: bodies.WallTime
    shift_days: ShiftDays
    members: Members
    is_active: bool = True


class RotationUpdate(bodies.NewBody):
    """Only what is sent changes; ``site_id`` null is every site, nothing else may be null."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"members": [4, 3], "shift_days": 1}]})

    name: bodies.Title | None = None
    site_id: bodies.RowNumber | None = None
    time_zone: bodies.TimeZone | None = None
    starts_on: bodies.Day | None = None
    handover_at: bodies.WallTime | None = None
    shift_days: ShiftDays | None = None
    members: Members | None = None
    is_active: bool | None = None

    @model_validator(mode="after")
    def _is_nothing_emptied(self) -> Self:
        emptied = [name for name in self.model_fields_set - {"site_id"} if getattr(self, name) is None]
        if emptied:
            raise ValueError(f"{', '.join(sorted(emptied))} cannot be null")
        return self


class OverrideCreate(bodies.NewBody):
    """Somebody is on call in [starts_at, ends_at), whatever the rotations say."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": 4,
                    "site_id": 2,
                    "starts_at": "2026-11-27T06:00:00+03:00",
                    "ends_at": "2026-11-28T06:00:00+03:00",
                    "reason": "Stands in for a colleague on leave.",
                }
            ]
        }
    )

    user_id: bodies.RowNumber
    site_id: bodies.RowNumber | None = None
    starts_at: Moment
    ends_at: Moment
    reason: Annotated[bodies.Text255, Field(description="Kept in the audit log.")] | None = None

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if not timedelta(0) < self.ends_at - self.starts_at <= LONGEST_SHIFT:
            raise ValueError(f"a shift ends after it starts, within {LONGEST_SHIFT.days} days")
        return self
