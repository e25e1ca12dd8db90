"""Request bodies about work orders: v1's fields, and the version that a change is based on."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from optria.core.work_order import WorkOrderStatus
from optria.web import bodies

Action = Annotated[bodies.Filled, Field(min_length=1, max_length=500)]
"""One line of a checklist."""
Priority = Literal["emergency", "urgent", "critical", "high", "medium", "low"]


class WorkOrderCreate(bodies.Body):
    """v1's body, and the ``actions`` of its checklist; without a ``code`` the product numbers it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asset_id": 9,
                    "title": "Replace the drive-end bearing",
                    "priority": "high",
                    "work_type": "corrective",
                    "assigned_to": 4,
                    "due_date": "2026-11-24",
                    "estimated_hours": 6,
                    "actions": ["Isolate the pump", "Replace the bearing, kit SKF 6316"],
                }
            ]
        }
    )

    asset_id: bodies.RowNumber | None = None
    code: bodies.Text100 | None = None
    title: bodies.Title
    title_ar: bodies.Text255 | None = None
    description: bodies.Prose | None = None
    work_type: bodies.Text50 | None = None
    priority: Priority = "medium"
    assigned_to: bodies.RowNumber | None = None
    scheduled_date: bodies.Day | None = None
    due_date: bodies.Day | None = None
    estimated_hours: bodies.Hours | None = None
    actions: Annotated[list[Action], Field(max_length=50)] = []


class WorkOrderUpdate(bodies.Body):
    """v1's body, with the version that the change is based on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"priority": "urgent", "due_date": "2026-11-23", "version": 3}]}
    )

    title: bodies.Title | None = None
    title_ar: bodies.Text255 | None = None
    description: bodies.Prose | None = None
    priority: Priority | None = None
    status: WorkOrderStatus | None = None
    assigned_to: bodies.RowNumber | None = None
    scheduled_date: bodies.Day | None = None
    due_date: bodies.Day | None = None
    notes: bodies.Prose | None = None
    failure_note: bodies.Prose | None = None
    version: bodies.RowNumber | None = None


class Move(bodies.Body):
    """A move; ``version`` is the one that the person saw."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 3}]})

    version: bodies.RowNumber | None = None


class Completion(Move):
    """What was really found and done. Hours of work and of downtime."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 4,
                    "actual_hours": 5.5,
                    "downtime_hours": 6,
                    "actual_cause": "Bearing Fault",
                    "failure_note": "Cage broken, grease burnt.",
                }
            ]
        }
    )

    actual_hours: bodies.Hours | None = None
    downtime_hours: bodies.Hours | None = None
    actual_cause: bodies.Text100 | None = None
    failure_note: bodies.Prose | None = None


class Correction(bodies.NewBody):
    """A better word for what had been found. What is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"actual_cause": "Shaft Misalignment", "downtime_hours": 7.5, "version": 6}]
        }
    )

    actual_cause: bodies.Word100
    actual_hours: bodies.Hours | None = None
    downtime_hours: bodies.Hours | None = None
    failure_note: bodies.Prose | None = None
    version: bodies.RowNumber | None = None


class Note(Move):
    """Sensitive notes are for those who may see them, and for nobody else."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"body": "Spare bearing 6316 is in store 4.", "sensitive": False}]}
    )

    body: bodies.Prose
    sensitive: bool = False


class Tick(Move):
    """One line of the checklist, counted from 0."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"index": 0, "done": True}]})

    index: Annotated[int, Field(ge=0, le=500)]
    done: bool


class Assignment(Move):
    model_config = ConfigDict(json_schema_extra={"examples": [{"user_id": 4, "version": 3}]})

    user_id: bodies.RowNumber
