"""Request bodies, and the kinds of field that they share: text as the database can store it, hours, days."""

from datetime import date, time
from decimal import Decimal
from functools import cache
from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from optria.web.texts import Text

Text20 = Annotated[Text, Field(max_length=20)]
Text50 = Annotated[Text, Field(max_length=50)]
Text100 = Annotated[Text, Field(max_length=100)]
Text255 = Annotated[Text, Field(max_length=255)]
Filled = Annotated[Text, AfterValidator(str.strip)]
"""Text without the blanks around it: a length that is asked for counts what is left."""
Word50 = Annotated[Filled, Field(min_length=1, max_length=50)]
Word100 = Annotated[Filled, Field(min_length=1, max_length=100)]
Title = Annotated[Filled, Field(min_length=1, max_length=255)]
Prose = Annotated[Text, Field(max_length=20_000)]
Amount = Annotated[
    Decimal,
    Field(ge=0, le=Decimal("9999999999999.99"), allow_inf_nan=False),
    AfterValidator(lambda amount: amount.quantize(Decimal("0.01"))),
]
"""Money, or a quantity: two decimals, as the columns of version 1 hold it."""
Hours = Annotated[Decimal, Field(ge=0, le=99_999)]
Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31))]
"""A day that people plan for; the ends of the calendar have no time in every zone."""
SeverityWord = Literal["INFO", "WARNING", "MINOR", "MAJOR", "CRITICAL"]
LARGEST_ID: Final = 2_147_483_647
RowNumber = Annotated[int, Field(ge=1, le=LARGEST_ID)]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("this is no time zone of the IANA database, such as Asia/Riyadh or UTC")
    return name


def _on_the_wall(moment: time) -> time:
    if moment.tzinfo is not None:
        raise ValueError("the time is read in time_zone: give it without an offset")
    return moment


TimeZone = Annotated[Filled, Field(max_length=50), AfterValidator(_known_zone)]
WallTime = Annotated[time, AfterValidator(_on_the_wall)]
"""A time of day in the time zone that is named beside it."""


class Body(BaseModel):
    """A request body; unknown fields are ignored, as v1 does."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class NewBody(Body):
    """The body of a route that v1 did not have: a field it does not know is a mistake, and refused."""

    model_config = ConfigDict(extra="forbid")
