"""What people found beside what was said: rows that the scoreboard and the calibration are made of."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from sqlalchemy import select

from optria.blackbox.calibrating import refit
from optria.blackbox.case_loader import OWN_CATEGORIES
from optria.core.causes import NO_FAULT
from optria.core.event import Severity
from optria.core.incident import Analysis
from optria.db.blackbox import AnalysisRow, EventRow, IncidentRow
from optria.db.learning import CauseConfirmation
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock

SAME_MOMENT: Final = timedelta(seconds=5)
"""How far the clocks of program and database may be apart."""


class Said(TypedDict):
    """What an analysis said, as a row keeps it."""

    scores: dict[str, float]
    calibration: float
    final: bool


def subject_of(incident: IncidentRow | None, order: WorkOrderRow | None) -> str:
    """What a confirmation is of: the incident, else the order."""
    if incident is not None:
        return f"incident:{incident.id}"
    assert order is not None
    return f"order:{order.id}"


async def confirm(
    tx: Tx, incident: IncidentRow | None, order: WorkOrderRow | None, cause: str | None, user_id: int
) -> CauseConfirmation:
    """Keep what was found, once: whoever says it again corrects it. The caller holds incident or order."""
    row = await _find(tx, incident, order)
    if row is None:
        row = await _new(tx, incident, order)
    elif row.cause != _cause(cause) or row.is_fault != (cause != NO_FAULT):
        row.corrections += 1
    if row.is_withdrawn:
        row.confirmed_at = (order.completed_at if order else None) or clock.now()
    row.cause, row.is_fault, row.is_withdrawn = _cause(cause), cause != NO_FAULT, False
    row.confirmed_by = user_id
    if order is not None:
        row.downtime_hours, row.labour_hours = order.downtime_hours, order.actual_hours
    elif incident is not None:
        row.downtime_hours = incident.downtime_hours
    if incident is not None:
        row.lead_s, row.lead_until = await _lead(tx, incident, order, row.confirmed_at)
    await tx.session.flush()
    await refit(tx)
    return row


def _cause(cause: str | None) -> str | None:
    return None if cause == NO_FAULT else cause


async def withdraw(tx: Tx, incident: IncidentRow | None, order: WorkOrderRow | None) -> None:
    """Nothing is known of it any more, until somebody confirms it again."""
    row = await _find(tx, incident, order)
    if row is not None:
        row.is_withdrawn = True
        await tx.session.flush()
        await refit(tx)


async def doubt(tx: Tx, incident: IncidentRow, order: WorkOrderRow) -> None:
    """The anomaly came back: the fix was not effective, and the cause in doubt."""
    row = await _find(tx, incident, order)
    if row is not None:
        row.is_effective = False
        await tx.session.flush()
        await refit(tx)


async def note_final(tx: Tx, incident: IncidentRow, analysis: Analysis) -> None:
    """Work may be done before the window closes: the final analysis is kept beside it when it comes."""
    if analysis.provisional:
        return
    row = await _find(tx, incident, None)
    if row is not None and not (row.final_said or {}).get("final"):
        row.final_said = dict(_said(analysis.scores, analysis.facts, final=True))


async def _find(tx: Tx, incident: IncidentRow | None, order: WorkOrderRow | None) -> CauseConfirmation | None:
    query = select(CauseConfirmation).where(
        CauseConfirmation.tenant_id == tx.tenant_id, CauseConfirmation.subject == subject_of(incident, order)
    )
    return (await tx.session.scalars(query)).one_or_none()


async def _new(tx: Tx, incident: IncidentRow | None, order: WorkOrderRow | None) -> CauseConfirmation:
    asset_id = incident.root_asset_id if incident is not None else order.asset_id if order else None
    asset = await tx.session.get(AssetRow, asset_id) if asset_id is not None else None
    ordered, final = await _opinions(tx, incident)
    row = CauseConfirmation(
        tenant_id=tx.tenant_id,
        subject=subject_of(incident, order),
        incident_id=incident.id if incident is not None else None,
        work_order_id=order.id if order is not None else None,
        asset_id=asset.id if asset else None,
        asset_type=asset.asset_type if asset else None,
        ordered_said=ordered,
        final_said=final,
        is_effective=True,
        corrections=0,
        confirmed_at=(order.completed_at if order else None) or clock.now(),
    )
    tx.session.add(row)
    return row


async def _opinions(tx: Tx, incident: IncidentRow | None) -> tuple[Said | None, Said | None]:
    """What the analysis said when the order was made, and when the window had closed (else last)."""
    if incident is None:
        return None, None
    causes, facts = AnalysisRow.analysis["causes"], AnalysisRow.analysis["facts"]
    query = select(AnalysisRow.created_at, AnalysisRow.is_final, causes, facts)
    theirs = query.where(AnalysisRow.incident_id == incident.id).order_by(AnalysisRow.revision)
    stored = [
        (at, _said({c["label"]: c["probability"] for c in found}, known or {}, final=is_final))
        for at, is_final, found, known in (await tx.session.execute(theirs)).all()
    ]
    if not stored:
        return None, None
    by = (incident.ordered_at or stored[0][0]) + SAME_MOMENT
    at_order = [said for at, said in stored if at <= by] or [stored[0][1]]
    final = next((said for _, said in stored if said["final"]), stored[-1][1])
    return (at_order[-1] if incident.ordered_at else None), final


def _said(scores: Mapping[str, float], facts: Mapping[str, Any], *, final: bool) -> Said:
    named = {label: probability for label, probability in scores.items() if probability > 0.0}
    return Said(scores=named, calibration=float(facts.get("calibration", 1.0)), final=final)


async def _lead(
    tx: Tx, incident: IncidentRow, order: WorkOrderRow | None, until: datetime
) -> tuple[float | None, str | None]:
    """Seconds from the anchor to the first CRITICAL event of the asset, else to the start of the work."""
    query = select(EventRow.event_time).where(
        EventRow.tenant_id == incident.tenant_id,
        EventRow.asset_id == incident.root_asset_id,
        EventRow.severity == Severity.CRITICAL.name,
        EventRow.event_category.not_in(OWN_CATEGORIES),
        EventRow.event_time.between(incident.start_time, until),
    )
    critical = await tx.session.scalar(query.order_by(EventRow.event_time).limit(1))
    if critical is not None:
        return (critical - incident.start_time).total_seconds(), "critical"
    if order is None or order.started_at is None or order.started_at < incident.start_time:
        return None, None
    return (order.started_at - incident.start_time).total_seconds(), "work"
