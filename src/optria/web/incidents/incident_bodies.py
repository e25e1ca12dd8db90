"""Request bodies about incidents: v1's fields, and what was really found."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from optria.web import bodies
from optria.web.moments import Moment

StatusWord = Literal["OPEN", "INVESTIGATING", "RESOLVED", "CLOSED"]


class IncidentCreate(bodies.Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "incident_type": "FAILURE",
                    "severity": "MAJOR",
                    "title": "Export pump B trips on vibration",
                    "root_asset_id": 9,
                    "site_id": 2,
                    "start_time": "2026-11-22T09:58:30+03:00",
                }
            ]
        }
    )

    incident_type: Annotated[str, Field(max_length=30)] = "FAILURE"
    severity: bodies.SeverityWord = "MINOR"
    title: bodies.Title
    description: bodies.Prose | None = None
    root_asset_id: bodies.RowNumber | None = None
    site_id: bodies.RowNumber | None = None
    start_time: Moment
    end_time: Moment | None = None


class IncidentUpdate(bodies.Body):
    """v1's body, with what was really found."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "RESOLVED",
                    "confirmed_cause": "Bearing Fault",
                    "resolution": "Drive-end bearing replaced.",
                    "downtime_hours": 6,
                }
            ]
        }
    )

    status: StatusWord | None = None
    severity: bodies.SeverityWord | None = None
    title: bodies.Title | None = None
    description: bodies.Prose | None = None
    assigned_to: bodies.RowNumber | None = None
    impact_estimate: dict[str, object] | None = None
    confirmed_cause: bodies.Text100 | None = None
    resolution: bodies.Prose | None = None
    downtime_hours: bodies.Hours | None = None


class IncidentEventLink(bodies.Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_id": "0b1c5f7e-3f0a-4f3e-9a55-0d4cf1f0a9d2",
                    "role": "SYMPTOM",
                    "notes": "First alarm of the window.",
                }
            ]
        }
    )

    event_id: UUID
    role: Literal["CAUSE", "SYMPTOM", "CONTEXT", "NOISE", "UNKNOWN"] = "UNKNOWN"
    notes: bodies.Prose | None = None


class RuleWeight(bodies.NewBody):
    """Another confidence of a rule; 0 leaves it out."""

    rule_id: bodies.RowNumber
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class LimitValue(bodies.NewBody):
    """Another limit on a metric of the asset, in the unit of its tag; without a severity all of its side."""

    metric: bodies.Word100
    direction: Literal["high", "low"]
    limit: Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
    severity: bodies.SeverityWord | None = None


class WhatIfBody(bodies.NewBody):
    """What is to be different in the analysis. What is not named stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"anchor_shift_s": -60, "temperature": 0.5}]},
    )

    limits: Annotated[list[LimitValue], Field(max_length=20)] = []
    rules: Annotated[list[RuleWeight], Field(max_length=100)] = []
    without_tags: Annotated[list[bodies.RowNumber], Field(max_length=100)] = []
    without_incidents: Annotated[list[bodies.Word50], Field(max_length=100)] = []
    anchor_shift_s: Annotated[float, Field(ge=-900, le=900, allow_inf_nan=False)] = 0.0
    temperature: Annotated[float, Field(ge=0.1, le=3, allow_inf_nan=False)] | None = None
