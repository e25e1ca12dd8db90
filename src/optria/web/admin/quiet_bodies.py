"""Request bodies about alarms that are kept quiet: shelved, or of assets in maintenance."""

from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from optria.web import bodies
from optria.web.people.on_call_bodies import Moment

LONGEST_WINDOW: Final = timedelta(days=92)
MOST_ASSETS: Final = 200
Reason = Annotated[bodies.Filled, Field(min_length=3, max_length=500)]


class ShelvingCreate(bodies.NewBody):
    """Alarms of an asset, or of one of its signals, are taken aside for some hours."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asset_id": 9,
                    "mapping_id": None,
                    "hours": 4,
                    "reason": "Transmitter under repair.",
                }
            ]
        }
    )

    asset_id: bodies.RowNumber
    mapping_id: bodies.RowNumber | None = Field(None, description="One signal of the asset; null: all of it.")
    mode: Literal["process", "sensor"] | None = Field(
        None, description="Only what the detectors take for a fault of the process, or of an instrument."
    )
    hours: Annotated[float, Field(gt=0, le=8784, description="At most what the tenant's policy allows.")]
    reason: Reason
    includes_critical: bool = Field(False, description="Also CRITICAL ones: tenant administrators only.")


class WindowCreate(bodies.NewBody):
    """Planned work: nothing of these assets alarms in [starts_at, ends_at)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asset_ids": [9],
                    "starts_at": "2026-11-27T06:00:00+03:00",
                    "ends_at": "2026-11-27T14:00:00+03:00",
                    "reason": "Bearing exchange of P-102B.",
                    "learn_anew": True,
                }
            ]
        }
    )

    site_id: bodies.RowNumber | None = Field(None, description="The whole site, where no asset is named.")
    asset_ids: Annotated[list[bodies.RowNumber], Field(max_length=MOST_ASSETS)] = Field(
        default_factory=list, description="Assets of one site."
    )
    starts_at: Moment
    ends_at: Moment
    reason: Reason
    work_order_id: bodies.RowNumber | None = None
    learn_anew: bool = Field(True, description="Afterwards the detectors learn the assets as new.")

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if not timedelta(0) < self.ends_at - self.starts_at <= LONGEST_WINDOW:
            raise ValueError(f"a window ends after it starts, within {LONGEST_WINDOW.days} days")
        if not self.asset_ids and self.site_id is None:
            raise ValueError("name the assets, or the site as a whole")
        return self
