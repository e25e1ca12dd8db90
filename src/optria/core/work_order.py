"""Work orders: statuses, legal moves, priority, and when one is called for."""

from dataclasses import dataclass
from enum import StrEnum

from optria.core.event import Severity
from optria.core.incident import OTHER, Analysis

AUTO_SOURCE = "BLACKBOX_AUTO"


class WorkOrderStatus(StrEnum):
    PENDING_APPROVAL = "pending_approval"
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


LEGAL_MOVES: dict[WorkOrderStatus, frozenset[WorkOrderStatus]] = {
    WorkOrderStatus.PENDING_APPROVAL: frozenset({WorkOrderStatus.OPEN, WorkOrderStatus.CANCELLED}),
    WorkOrderStatus.OPEN: frozenset({WorkOrderStatus.IN_PROGRESS, WorkOrderStatus.CANCELLED}),
    WorkOrderStatus.IN_PROGRESS: frozenset(
        {WorkOrderStatus.OPEN, WorkOrderStatus.COMPLETED, WorkOrderStatus.CANCELLED}
    ),
    WorkOrderStatus.COMPLETED: frozenset({WorkOrderStatus.CLOSED, WorkOrderStatus.IN_PROGRESS}),
    WorkOrderStatus.CLOSED: frozenset(),
    WorkOrderStatus.CANCELLED: frozenset(),
}

ACTIVE_STATUSES = ("pending_approval", "open", "in_progress")


def priority_of(severity: Severity) -> str:
    """CRITICAL is emergency, MAJOR high, MINOR medium, the rest low."""
    priorities = {Severity.CRITICAL: "emergency", Severity.MAJOR: "high", Severity.MINOR: "medium"}
    return priorities.get(severity, "low")


@dataclass(frozen=True, slots=True)
class WorkOrderPolicy:
    """When an incident gets an order, and in which status it starts; ``watchers`` are told of it too."""

    min_probability: float = 0.6
    initial_status: WorkOrderStatus = WorkOrderStatus.OPEN
    watchers: tuple[int, ...] = ()
    min_severity: Severity = Severity.MAJOR
    verification_hours: float = 24.0
    """How long after the work a returning anomaly reopens its order; 0 never does."""
    rebaseline_when_closed: bool = True
    """Whether the detectors learn an asset anew when its corrective order is closed."""


def needs_work_order(severity: Severity, analysis: Analysis, policy: WorkOrderPolicy) -> bool:
    """As severe as the policy asks (MAJOR), or a named top cause at least as likely as it asks (0.6)."""
    named = analysis.top.label != OTHER
    return severity >= policy.min_severity or (named and analysis.top.probability >= policy.min_probability)
