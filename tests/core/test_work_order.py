"""When an incident calls for an order, with which priority, and how an order may move."""

import pytest

from optria.core.event import Severity
from optria.core.work_order import (
    VERBS,
    WorkOrderPolicy,
    WorkOrderStatus,
    needs_work_order,
    priority_of,
)
from tests.analyses import analysis


@pytest.mark.clause("W1")
@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize(("probability", "likely"), [(0.59, False), (0.60, True)])
def test_order_is_called_for_by_severity_or_probability(
    severity: Severity, probability: float, likely: bool
) -> None:
    graves = (Severity.MAJOR, Severity.CRITICAL)
    needed = needs_work_order(severity, analysis(probability=probability), WorkOrderPolicy(0.6))
    assert needed is (likely or severity in graves)


@pytest.mark.clause("W1")
def test_an_unexplained_anomaly_is_not_a_probable_cause() -> None:
    assert not needs_work_order(Severity.MINOR, analysis("Other", 0.9), WorkOrderPolicy())


@pytest.mark.clause("W1")
def test_a_tenant_may_order_from_another_severity_on() -> None:
    unlikely = analysis(probability=0.1)
    lenient, strict = (
        WorkOrderPolicy(min_severity=Severity.MINOR),
        WorkOrderPolicy(min_severity=Severity.CRITICAL),
    )
    assert needs_work_order(Severity.MINOR, unlikely, lenient)
    assert not needs_work_order(Severity.MAJOR, unlikely, strict)
    assert needs_work_order(Severity.CRITICAL, unlikely, strict)


@pytest.mark.clause("W6")
def test_priority_follows_severity() -> None:
    priorities = [priority_of(severity) for severity in sorted(Severity, reverse=True)]
    assert priorities == ["emergency", "high", "medium", "low", "low"]


def test_finished_orders_stay_finished() -> None:
    for status in (WorkOrderStatus.CLOSED, WorkOrderStatus.CANCELLED):
        assert not [name for name, verb in VERBS.items() if status in verb.sources]


def test_a_status_leads_to_another_in_one_way() -> None:
    ways = [(here, verb.target) for verb in VERBS.values() for here in verb.sources]
    assert len(ways) == len(set(ways))
