"""Kinds of field that the bodies of the configuration share."""

from typing import Annotated

from pydantic import ConfigDict, Field

from optria.web.bodies import Filled, NewBody, Text255

Source = Text255
"""Where a figure comes from, for the reader of an analysis."""
Reason = Annotated[Filled, Field(min_length=1, max_length=2_000)]


class Rejection(NewBody):
    """Why a proposal is turned down."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "The vendor allows 7.1 mm/s for this frame size."}]}
    )

    reason: Reason = Field(description="Kept with the proposal for whoever made it.")
