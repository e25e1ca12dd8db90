"""The body that asks for a back-test: a period, and a draft in the words of the configuration's routes."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field

from optria.web import bodies
from optria.web.bodies import NewBody, RowNumber, SeverityWord
from optria.web.config.config_detectors import DetectorBody
from optria.web.config.config_rule_bodies import VIBRATION_ALONE, RuleBody
from optria.web.config.config_thresholds import ThresholdProposal

Moment = Annotated[AwareDatetime, Field(ge=datetime.fromisoformat("2000-01-01T00:00:00Z"))]
Numbers = Annotated[list[RowNumber], Field(max_length=200)]


class RuleDraft(RuleBody):
    """A rule as it would be stored; with ``replaces_id`` instead of one that is in force."""

    replaces_id: bodies.RowNumber | None = None


class PolicyDraft(NewBody):
    """When an incident would get an order; what is left out is as the tenant has it."""

    min_severity: SeverityWord | None = None
    min_probability: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None


class DraftBody(NewBody):
    """What would be changed; without anything the configuration in force is tried against what is known."""

    rules: Annotated[list[RuleDraft], Field(max_length=20)] = Field(default_factory=list)
    without_rules: Numbers = Field(default_factory=list, description="Rules taken out of force, by id.")
    thresholds: Annotated[list[ThresholdProposal], Field(max_length=50)] = Field(default_factory=list)
    without_thresholds: Numbers = Field(default_factory=list, description="Limits taken out of force, by id.")
    detectors: Annotated[list[DetectorBody], Field(max_length=20)] = Field(default_factory=list)
    without_detectors: Numbers = Field(default_factory=list, description="Detector settings removed, by id.")
    policy: PolicyDraft | None = None


class BackTestBody(NewBody):
    """At most 31 days that are over. ``asset_ids`` empty is every asset."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "start": "2026-11-21T00:00:00Z",
                    "end": "2026-11-22T00:00:00Z",
                    "draft": {
                        "rules": [
                            {
                                "name": "Vibration of a pump alone",
                                "root_cause_category": "Bearing Fault",
                                "confidence": 0.6,
                                "pattern": VIBRATION_ALONE,
                            }
                        ],
                        "policy": {"min_probability": 0.7},
                    },
                }
            ]
        }
    )

    start: Moment
    end: Moment
    asset_ids: Numbers = Field(default_factory=list)
    draft: DraftBody = Field(default_factory=DraftBody)
