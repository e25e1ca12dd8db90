"""What orders and their notices say, in English and Arabic."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from optria.core.arabic import CAUSE_AR, TYPE_AR
from optria.core.asset import Asset
from optria.core.incident import OTHER, Analysis
from optria.db.blackbox import IncidentRow
from optria.db.work import WorkOrderRow
from optria.work.notifications import Notice


def order_title(analysis: Analysis, asset: Asset | None) -> tuple[str, str]:
    """``Bearing Fault detected on Pump P-101``, in English and Arabic."""
    label = analysis.top.label
    cause = "Unexplained anomaly" if label == OTHER else label
    cause_ar = "شذوذ غير مفسر" if label == OTHER else CAUSE_AR.get(label, label)
    where = f"{asset.asset_type} {asset.code}" if asset else "the plant"
    where_ar = f"{TYPE_AR.get(asset.asset_type, asset.asset_type)} {asset.code}" if asset else "المنشأة"
    return f"{cause} detected on {where}"[:255], f"تم اكتشاف {cause_ar} في {where_ar}"[:255]


def order_description(analysis: Analysis) -> str:
    """EventStory, then the recommended actions as a numbered list."""
    lines = [f"{action.priority}. {action.action}" for action in analysis.actions]
    return "\n".join([analysis.story, "", "Recommended actions:", *lines])


def checklist(analysis: Analysis, keep: Sequence[Any] | None = None) -> list[dict[str, object]]:
    """The recommended actions to tick off; ticks of ``keep`` (the former list) stay."""
    done = {item["text"] for item in keep or () if item.get("done")}
    return [
        {"text": action.action, "text_ar": action.action_ar, "done": action.action in done}
        for action in analysis.actions
    ]


def created_from(incident: IncidentRow) -> str:
    return f"Created from {incident.incident_number}"


def amended(analysis: Analysis) -> str:
    kind = "provisional" if analysis.provisional else "final"
    return f"Amended by the {kind} analysis: {analysis.top.label} {analysis.top.probability:.2f}"


def order_notice(order: WorkOrderRow, incident: IncidentRow) -> Notice:
    """Tells the assignee and watchers of an order made by an incident."""
    return _notice(
        order,
        notification_type="WORK_ORDER_CREATED",
        key=f"work_order_created:{order.id}",
        title=(order.title, order.title_ar or order.title),
        body=((order.description or "").split("\n", 1)[0], (incident.event_story_ar or "").split("\n", 1)[0]),
        incident=incident,
    )


def assignment_notice(order: WorkOrderRow) -> Notice:
    return _notice(
        order,
        notification_type="WORK_ORDER_ASSIGNED",
        key=f"work_order_assigned:{order.id}:{order.version}",
        title=(order.title, order.title_ar or order.title),
        body=("This work order was assigned to you.", "تم إسناد أمر العمل هذا إليك."),
    )


def not_effective(incident: IncidentRow, cause: str | None, completed_at: datetime | None) -> str:
    """Why an order is open again, as a line of its history."""
    hours = f" {_hours(incident, completed_at)} h after completion" if completed_at else ""
    said = f"; confirmed cause was {cause}" if cause else ""
    return f"Fix not effective: {incident.incident_number} came back{hours}{said}"


def _hours(incident: IncidentRow, completed_at: datetime) -> str:
    passed = (incident.anchored_at or incident.start_time) - completed_at
    return f"{passed.total_seconds() / 3600:.1f}"


def not_effective_notice(order: WorkOrderRow, incident: IncidentRow) -> Notice:
    number = incident.incident_number
    return _notice(
        order,
        notification_type="WORK_ORDER_REOPENED",
        key=f"work_order_reopened:{order.id}:{incident.id}",
        title=("fix not effective", "الإصلاح لم يكن فعالاً"),
        body=(
            f"{number} came back within the verification period. The work order is open again.",
            f"عاد الحادث {number} خلال فترة التحقق. أُعيد فتح أمر العمل.",
        ),
        incident=incident,
    )


def _notice(
    order: WorkOrderRow,
    *,
    notification_type: str,
    key: str,
    title: tuple[str, str],
    body: tuple[str, str],
    incident: IncidentRow | None = None,
) -> Notice:
    """What is told of an order, and of the incident behind it; texts in English and Arabic."""
    payload: dict[str, object] = {"work_order_id": order.id, "work_order_code": order.code}
    if incident is not None:
        payload |= {"incident_id": str(incident.id), "incident_number": incident.incident_number}
    return Notice(
        key=key,
        notification_type=notification_type,
        title=f"{order.code}: {title[0]}",
        title_ar=f"{order.code}: {title[1]}",
        body=body[0],
        body_ar=body[1],
        severity=incident.severity if incident else "INFO",
        entity_type="work_order",
        entity_id=str(order.id),
        action_url=f"/work-orders?id={order.id}",
        payload=payload,
        asset_id=order.asset_id,
    )
