"""Work orders: statuses, legal moves, priority, and when one is called for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from optria.core.event import Severity
from optria.core.incident import OTHER, Analysis
from optria.core.roles import Permission

AUTO_SOURCE = "BLACKBOX_AUTO"


class WorkOrderStatus(StrEnum):
    PENDING_APPROVAL = "pending_approval"
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


ACTIVE_STATUSES = (WorkOrderStatus.PENDING_APPROVAL, WorkOrderStatus.OPEN, WorkOrderStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Verb:
    """From which statuses a verb leads to which, what it needs, and how its refusal calls it."""

    sources: tuple[WorkOrderStatus, ...]
    target: WorkOrderStatus
    done: str
    needs: Permission = Permission.UPDATE_WORK_ORDERS


VERBS: Final[Mapping[str, Verb]] = {
    "approve": Verb(
        (WorkOrderStatus.PENDING_APPROVAL,),
        WorkOrderStatus.OPEN,
        "approved",
        Permission.APPROVE_WORK_ORDERS,
    ),
    "start": Verb((WorkOrderStatus.OPEN,), WorkOrderStatus.IN_PROGRESS, "started"),
    "complete": Verb(
        (WorkOrderStatus.OPEN, WorkOrderStatus.IN_PROGRESS), WorkOrderStatus.COMPLETED, "completed"
    ),
    "close": Verb((WorkOrderStatus.COMPLETED,), WorkOrderStatus.CLOSED, "closed"),
    "reopen": Verb((WorkOrderStatus.COMPLETED,), WorkOrderStatus.IN_PROGRESS, "reopened"),
    "pause": Verb((WorkOrderStatus.IN_PROGRESS,), WorkOrderStatus.OPEN, "paused"),
    "cancel": Verb(ACTIVE_STATUSES, WorkOrderStatus.CANCELLED, "cancelled", Permission.APPROVE_WORK_ORDERS),
}
"""Every move that an order may make; no two verbs lead from one status to the same other."""


def verb_between(here: WorkOrderStatus, there: str) -> str | None:
    """The name of the verb that leads from one status to another; None: none does."""
    found = (name for name, verb in VERBS.items() if here in verb.sources and verb.target == there)
    return next(found, None)


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
    longest_shelving_hours: float = 24.0
    """For how long people may shelve alarms at most."""


def needs_work_order(severity: Severity, analysis: Analysis, policy: WorkOrderPolicy) -> bool:
    """As severe as the policy asks (MAJOR), or a named top cause at least as likely as it asks (0.6)."""
    named = analysis.top.label != OTHER
    return severity >= policy.min_severity or (named and analysis.top.probability >= policy.min_probability)
