"""Kinds of field that the bodies of the configuration share."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from optria.web.bodies import NewBody
from optria.web.texts import clean


def _something(text: str) -> str:
    """Raises ValueError when nothing that can be stored is left of a text."""
    if not text:
        raise ValueError("the text is empty")
    return text


Word50 = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=50),
    AfterValidator(clean),
    AfterValidator(_something),
]
Word100 = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(clean),
    AfterValidator(_something),
]
Source = Annotated[str, StringConstraints(max_length=255), AfterValidator(clean)]
"""Where a figure comes from, for the reader of an analysis."""
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000),
    AfterValidator(clean),
    AfterValidator(_something),
]
SeverityWord = Literal["INFO", "WARNING", "MINOR", "MAJOR", "CRITICAL"]


class Rejection(NewBody):
    """Why a proposal is turned down."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "The vendor allows 7.1 mm/s for this frame size."}]}
    )

    reason: Reason = Field(description="Kept with the proposal for whoever made it.")
