"""Kinds of field in request bodies: text as the database can store it, hours, versions."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from optria.web.texts import Text

Text20 = Annotated[Text, Field(max_length=20)]
Text50 = Annotated[Text, Field(max_length=50)]
Text100 = Annotated[Text, Field(max_length=100)]
Text255 = Annotated[Text, Field(max_length=255)]
Filled = Annotated[Text, AfterValidator(str.strip)]
"""Text without the blanks around it: a length that is asked for counts what is left."""
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
RowNumber = Annotated[int, Field(ge=1, le=2_147_483_647)]


class Body(BaseModel):
    """A request body; unknown fields are ignored, as v1 does."""

    model_config = ConfigDict(extra="ignore", frozen=True)
