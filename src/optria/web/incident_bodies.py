"""Request bodies about incidents: v1's fields, and what was really found."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from optria.web import bodies
from optria.web.moments import Moment

SeverityWord = Literal["INFO", "WARNING", "MINOR", "MAJOR", "CRITICAL"]
StatusWord = Literal["OPEN", "INVESTIGATING", "RESOLVED", "CLOSED"]


class IncidentCreate(bodies.Body):
    incident_type: Annotated[str, Field(max_length=30)] = "FAILURE"
    severity: SeverityWord = "MINOR"
    title: bodies.Title
    description: bodies.Prose | None = None
    root_asset_id: bodies.RowNumber | None = None
    site_id: bodies.RowNumber | None = None
    start_time: Moment
    end_time: Moment | None = None


class IncidentUpdate(bodies.Body):
    """v1's body, with what was really found."""

    status: StatusWord | None = None
    severity: SeverityWord | None = None
    title: bodies.Title | None = None
    description: bodies.Prose | None = None
    assigned_to: bodies.RowNumber | None = None
    impact_estimate: dict[str, object] | None = None
    confirmed_cause: bodies.Text100 | None = None
    resolution: bodies.Prose | None = None
    downtime_hours: bodies.Hours | None = None


class IncidentEventLink(bodies.Body):
    event_id: UUID
    role: Literal["CAUSE", "SYMPTOM", "CONTEXT", "NOISE", "UNKNOWN"] = "UNKNOWN"
    notes: bodies.Prose | None = None
