"""Times in requests: when something happened, and the ends of a span."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from optria.core.errors import Invalid
from optria.kit import clock

OLDEST: Final = timedelta(days=3653)
"""Ten years: history may be brought along."""
AHEAD: Final = timedelta(seconds=5)
"""How far the clock of a sender may be ahead of ours."""
FIRST_YEAR, LAST_YEAR = 1900, 2199


def in_utc(value: object) -> object:
    """v1 took times without an offset and meant UTC."""
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return value
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return value


def on_the_calendar(moment: datetime) -> datetime:
    """Raises ValueError at the ends of the calendar, which have no time in every zone."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"the year is between {FIRST_YEAR} and {LAST_YEAR}")
    return moment


def zoned(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[AwareDatetime, BeforeValidator(in_utc), AfterValidator(on_the_calendar)]
"""A point in time; without an offset, UTC."""
LocalMoment = Annotated[datetime, AfterValidator(on_the_calendar)]
"""A point in time that may lack its offset."""
EdgeOfSpan = Annotated[datetime, AfterValidator(on_the_calendar), AfterValidator(zoned)]
"""The start or the end of a span that is asked for; without an offset, UTC."""


def check_happened(moment: datetime, what: str, ahead: timedelta = AHEAD) -> None:
    """Raises Invalid for a time that is not in the last ten years, or more than ``ahead`` from now."""
    now = clock.now()
    if not now - OLDEST <= moment <= now + ahead:
        raise Invalid(
            f"{what} lies between ten years ago and now, not at {moment.isoformat()}. "
            "Check the clock and the time zone of the sender."
        )
