"""Request bodies about causal rules: their JSON field by field, so that a mistake is named by its place."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from optria.rca.rules import DEFAULT_MIN_SCORE, Direction, Place
from optria.web import bodies
from optria.web.bodies import NewBody, Word100

Positive = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Confidence = Annotated[Decimal, Field(ge=Decimal("0.01"), le=1, decimal_places=2)]
Priority = Annotated[int, Field(ge=1, le=10_000)]
VIBRATION_ALONE: dict[str, JsonValue] = {
    "asset_types": ["Pump"],
    "all": [{"metric": "vibration", "direction": "high", "min_score": 6}],
    "also": [{"metric": "bearing_temperature", "direction": "high"}],
    "contrary": [{"metric": "flow", "direction": "noisy"}],
}


class ConditionBody(NewBody):
    """One thing to be seen. ``metric`` is a name, several with | between them, or * for any."""

    metric: Word100
    direction: Direction
    min_score: Positive = Field(DEFAULT_MIN_SCORE, description="Standard deviations of the reference period.")
    at: Place = Field("own", description="The asset itself, or a process neighbour up- or downstream.")
    over: Word100 | None = Field(None, description="A metric that must have moved less, by `ratio`.")
    over_direction: Direction | None = Field(None, description="Where `over` counts; default: `direction`.")
    ratio: Positive = 1.0


Conditions = Annotated[list[ConditionBody], Field(max_length=20)]


class PatternBody(NewBody):
    """``all`` must be met, ``also`` makes the cause likelier, ``contrary`` less likely."""

    asset_types: Annotated[list[Word100], Field(max_length=50)] = Field(
        default_factory=list, description="Without any, the rule is asked for every asset type."
    )
    all: Annotated[list[ConditionBody], Field(min_length=1, max_length=20)]
    also: Conditions = Field(default_factory=list)
    contrary: Conditions = Field(default_factory=list)

    def as_stored(self) -> dict[str, object]:
        """The JSON of the row: only what was said."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)


class RuleBody(NewBody):
    """A rule of the tenant. ``root_cause_category`` is a label or a code: Bearing Fault, BEARING_FAULT.

    With ``is_active`` false it is a draft.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Vibration of a pump alone",
                    "root_cause_category": "Bearing Fault",
                    "confidence": 0.6,
                    "pattern": VIBRATION_ALONE,
                }
            ]
        }
    )

    name: Word100
    description: bodies.Prose | None = None
    pattern: PatternBody
    root_cause_category: Word100
    confidence: Confidence = Decimal("0.5")
    priority: Priority = 100
    is_active: bool = True


class RuleChange(NewBody):
    """What of a rule is to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"is_active": False}]})

    name: Word100 = ""
    description: bodies.Prose | None = None
    pattern: PatternBody | None = None
    root_cause_category: Word100 = ""
    confidence: Confidence = Decimal("0.5")
    priority: Priority = 100
    is_active: bool = True
    version: Annotated[int, Field(ge=0, le=bodies.LARGEST_ID)] | None = Field(
        None, description="The version that was read: 409 where somebody has changed it since."
    )


class RuleTrial(NewBody):
    """A pattern, saved or not, and the incident that it is tried on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"pattern": VIBRATION_ALONE, "incident_id": "2f1c9c1e-6a5e-4a0c-9d59-0a4f4c0e1b77"}]
        }
    )

    pattern: PatternBody
    incident_id: UUID
    confidence: Confidence = Decimal("0.5")
    root_cause_category: Word100 = Field(
        "",
        description="The cause that it would speak for; with it the answer says what became of the causes.",
    )
    replaces_id: bodies.RowNumber | None = Field(
        None, description="The rule in force that it takes the place of."
    )

    def as_row(self) -> dict[str, object]:
        """As the analysis would read it if it were stored; new ones are numbered below zero."""
        cells = {"id": self.replaces_id or -1, "name": "Trial", "confidence": self.confidence}
        cause = self.root_cause_category or "Trial"
        return cells | {"root_cause_category": cause, "pattern": self.pattern.as_stored()}
