"""An incident from its opening to its end: opened once, joined by what follows, analysed, resolved."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from optria.blackbox.anchors import anchor_from_json, anchor_to_json
from optria.blackbox.joining import Running, joined
from optria.blackbox.windows import window_of
from optria.core.asset import Asset, PlantModel
from optria.core.errors import Conflict, Invalid, NotFound
from optria.core.event import Severity
from optria.core.incident import Anchor, plain_title, severity_of
from optria.core.messages import Message
from optria.db.blackbox import IncidentRow
from optria.db.counters import next_incident_number
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.kit.correlation import correlate
from optria.work.delivery import Fact, tell_webhooks

GOING_ON = ("OPEN", "INVESTIGATING")
"""Statuses of an incident that nobody has resolved."""
TAKEN_UP_WITHIN = timedelta(minutes=10)
"""What comes back this soon after it ended by itself is the same incident."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The incident that an anchor or event belongs to; ``created`` is False when it joined one."""

    incident: IncidentRow
    created: bool


async def find(tx: Tx, incident_id: UUID, *, lock: bool = False) -> IncidentRow:
    """``lock`` holds it, as it stands then, until the transaction ends. Raises NotFound."""
    statement = select(IncidentRow).where(IncidentRow.id == incident_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    row = (await tx.session.execute(statement)).scalar_one_or_none()
    if row is None:
        raise NotFound(f"There is no incident {incident_id}.")
    return row


async def open_incident(
    tx: Tx,
    plant: PlantModel,
    anchor: Anchor,
    severity: Severity | None = None,
    *,
    join: bool = True,
    at: datetime | None = None,
) -> Opened:
    """Open the incident of an anchor, or join the open one of its asset or of a process neighbour.

    One open incident per asset and mode is guaranteed by the database, whoever races. The row itself is
    the queue: it is committed with ``next_pass_at`` due now. ``at`` is the wall clock of the anchor.
    """
    asset = plant.asset(anchor.asset_id)
    if asset is None:
        raise NotFound(f"There is no asset {anchor.asset_id} in this tenant.")
    running = await _running(tx, plant, anchor) if join else None
    if running is not None:
        return await _join(tx, running, anchor)
    severity = severity or severity_of(anchor.probability, asset.criticality_rank)
    for _ in range(2):
        incident = await _insert(tx, plant, asset, anchor, severity, at or clock.now())
        if incident is not None:
            announce(tx, incident, "incident_opened")
            await tell_webhooks(tx, plant.tenant_id, _fact(incident, asset))
            return Opened(incident, created=True)
        racing = await _open_episode(tx, plant.tenant_id, anchor)
        if racing is not None:
            return await _join(tx, racing, anchor)
    raise Conflict(f"Incidents of {asset.code} are being opened and ended at this moment. Try again.")


def _fact(incident: IncidentRow, asset: Asset) -> Fact:
    """What other programs are told of a new incident."""
    data = {
        "title": incident.title,
        "incident_id": str(incident.id),
        "incident_number": incident.incident_number,
        "asset_code": asset.code,
        "start_time": incident.start_time.isoformat(),
        "action_url": f"/blackbox/incidents/{incident.id}",
    }
    return Fact(f"incident:{incident.id}", "INCIDENT_CREATED", incident.severity, data)


def lift(tx: Tx, incident: IncidentRow, severity: Severity) -> bool:
    """Raise the severity of an incident, never lower it; whether it rose."""
    if Severity.parse(incident.severity) >= severity:
        return False
    incident.severity = severity.name
    announce(tx, incident, "incident_changed")
    return True


async def _insert(
    tx: Tx, plant: PlantModel, asset: Asset, anchor: Anchor, severity: Severity, at: datetime
) -> IncidentRow | None:
    window = await window_of(tx, plant.tenant_id, asset.asset_type, anchor.time)
    now = clock.now()
    statement = (
        insert(IncidentRow)
        .values(
            id=uuid4(),
            tenant_id=plant.tenant_id,
            incident_number=await next_incident_number(tx, plant.tenant_id),
            incident_type="ANOMALY",
            status="OPEN",
            severity=severity.name,
            title=f"Anomaly on {asset.asset_type} {asset.code}",
            root_asset_id=asset.id,
            site_id=asset.site_id,
            start_time=anchor.time,
            rca_status="PENDING",
            dedup_key=_dedup_key(anchor),
            anchor=anchor_to_json(anchor),
            window_start=window.start,
            window_end=window.end,
            next_pass_at=now,
            anchored_at=at,
            created_at=now,
            updated_at=now,
            impact_scope={"assets": [asset.id]},
            rca_summary={},
            root_cause_scores={},
            recommended_actions=[],
            financial_impact_estimate={},
            carbon_impact_estimate={},
            impact_estimate={},
        )
        .on_conflict_do_nothing(
            index_elements=[IncidentRow.tenant_id, IncidentRow.dedup_key],
            index_where=IncidentRow.dedup_key.is_not(None),
        )
        .returning(IncidentRow)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


def _dedup_key(anchor: Anchor) -> str:
    return f"{anchor.asset_id}:{anchor.mode}"


async def _open_episode(tx: Tx, tenant_id: int, anchor: Anchor) -> IncidentRow | None:
    """The open incident of the same asset and mode; None if it has just ended."""
    statement = (
        select(IncidentRow)
        .where(IncidentRow.tenant_id == tenant_id, IncidentRow.dedup_key == _dedup_key(anchor))
        .with_for_update()
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


async def _running(tx: Tx, plant: PlantModel, anchor: Anchor) -> IncidentRow | None:
    """The open incident of the asset itself, else one that began just before and has spread this far.

    Only the one that is joined gets locked: numbers are taken before rows are locked, never after. In a
    flood nearly every anchor joins its asset's own incident, so that one is asked for first.
    """
    own = await _own(tx, plant.tenant_id, anchor.asset_id) or await _taken_up_again(tx, plant, anchor)
    if own is not None:
        return own
    statement = (
        select(IncidentRow)
        .where(IncidentRow.tenant_id == plant.tenant_id, IncidentRow.dedup_key.is_not(None))
        .order_by(IncidentRow.start_time)
    )
    open_ones = (await tx.session.execute(statement)).scalars().all()
    found = joined(plant, [_as_running(row) for row in open_ones], anchor)
    return await _still_open(tx, found.key if found else None)


async def _own(tx: Tx, tenant_id: int, asset_id: int) -> IncidentRow | None:
    """The open incident that is rooted at the asset, locked; the earliest."""
    statement = (
        select(IncidentRow)
        .where(
            IncidentRow.tenant_id == tenant_id,
            IncidentRow.dedup_key.is_not(None),
            IncidentRow.root_asset_id == asset_id,
        )
        .order_by(IncidentRow.start_time)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


async def _taken_up_again(tx: Tx, plant: PlantModel, anchor: Anchor) -> IncidentRow | None:
    """The incident of the asset that ended by itself only just now: what comes back so soon never left.

    Without this a value that swings about its limit would open an incident at each swing. What comes back
    after its work was done is another matter: a fix that did not hold (:mod:`optria.blackbox.recurrence`).
    """
    worked_on = select(WorkOrderRow.id).where(
        WorkOrderRow.id == IncidentRow.auto_work_order_id, WorkOrderRow.completed_at.is_not(None)
    )
    statement = (
        select(IncidentRow)
        .where(
            IncidentRow.tenant_id == plant.tenant_id,
            IncidentRow.root_asset_id == anchor.asset_id,
            IncidentRow.start_time <= anchor.time,
            IncidentRow.end_time > clock.now() - TAKEN_UP_WITHIN,
            IncidentRow.resolved_by.is_(None),
            IncidentRow.status.in_(GOING_ON),
            ~worked_on.exists(),
        )
        .order_by(IncidentRow.end_time.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row = (await tx.session.execute(statement)).scalar_one_or_none()
    if row is not None and row.dedup_key is None:
        row.dedup_key, row.end_time = _dedup_key(anchor), None
        row.next_pass_at = clock.now() + TAKEN_UP_WITHIN
    return row


def _as_running(row: IncidentRow) -> Running[UUID]:
    latest = max([row.start_time, *_reached_at(row)])
    return Running(row.id, row.root_asset_id or 0, frozenset(reached(row)), latest)


def _reached_at(row: IncidentRow) -> list[datetime]:
    """When the incident reached each asset; anchors that cannot be read keep no other incident closed."""
    try:
        return [anchor.time for anchor in anchors_of(row)]
    except (AttributeError, LookupError, TypeError, ValueError):
        return []


async def _still_open(tx: Tx, incident_id: UUID | None) -> IncidentRow | None:
    """The incident, locked and read anew; None when its episode has ended meanwhile."""
    if incident_id is None:
        return None
    statement = (
        select(IncidentRow)
        .where(IncidentRow.id == incident_id, IncidentRow.dedup_key.is_not(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


async def is_reached(tx: Tx, tenant_id: int, asset_id: int) -> bool:
    """Whether an open incident has been seen on the asset."""
    statement = select(IncidentRow).where(
        IncidentRow.tenant_id == tenant_id, IncidentRow.dedup_key.is_not(None)
    )
    return any(asset_id in reached(row) for row in (await tx.session.scalars(statement)).all())


def reached(row: IncidentRow) -> set[int]:
    """The assets that an incident has been seen on."""
    return {*(row.impact_scope or {}).get("assets", ()), row.root_asset_id or 0}


async def _join(tx: Tx, incident: IncidentRow, anchor: Anchor) -> Opened:
    incident.occurrences += 1
    incident.updated_at = clock.now()
    scope = dict(incident.impact_scope or {})
    assets = scope.get("assets", [])
    if anchor.asset_id not in assets:
        anchors = [*scope.get("anchors", []), anchor_to_json(anchor)]
        incident.impact_scope = {**scope, "assets": [*assets, anchor.asset_id], "anchors": anchors}
    announce(tx, incident, "incident_joined")
    return Opened(incident, created=False)


def anchor_of(incident: IncidentRow) -> Anchor:
    """The anchor of an incident; one made by hand is anchored where it starts."""
    if incident.anchor:
        return anchor_from_json(incident.anchor)
    return Anchor(incident.root_asset_id or 0, incident.start_time, 1.0, 1.0, (), detector="manual")


def anchors_of(incident: IncidentRow) -> tuple[Anchor, ...]:
    """The first anchor of each asset that the incident has reached, in the order of reaching."""
    joined_ones = (incident.impact_scope or {}).get("anchors", ())
    return (anchor_of(incident), *(anchor_from_json(stored) for stored in joined_ones))


async def acknowledge(tx: Tx, incident: IncidentRow, user_id: int) -> None:
    """Somebody has seen it. A second acknowledgement changes nothing."""
    if incident.acknowledged_at is None:
        incident.acknowledged_at = clock.now()
        incident.acknowledged_by = user_id
        if incident.status == "OPEN":
            incident.status = "INVESTIGATING"
        announce(tx, incident, "incident_acknowledged")


async def set_status(tx: Tx, incident: IncidentRow, status: str, user_id: int) -> None:
    """Move an incident among v1's statuses. Resolving it ends the episode. Raises Invalid."""
    if status not in ("OPEN", "INVESTIGATING", "RESOLVED", "CLOSED"):
        raise Invalid(f"{status} is no status of an incident. Use OPEN, INVESTIGATING, RESOLVED or CLOSED.")
    incident.status = status
    incident.updated_at = clock.now()
    if status in ("RESOLVED", "CLOSED"):
        incident.resolved_at = incident.resolved_at or clock.now()
        incident.resolved_by = incident.resolved_by or user_id
        end_episode(incident, incident.resolved_at)
    announce(tx, incident, "incident_moved")


def is_empty_check(incident: IncidentRow) -> bool:
    """Whether it is the record of a check that somebody asked for, and that found nothing."""
    return incident.status not in GOING_ON and Severity.parse(incident.severity) is Severity.INFO


def end_episode(incident: IncidentRow, at: datetime) -> None:
    """From now on a new anchor of the asset is a new incident."""
    incident.dedup_key = None
    incident.end_time = incident.end_time or at


def announce(tx: Tx, incident: IncidentRow, kind: str) -> None:
    correlate(incident=incident.id)
    tx.publish(
        Message(
            tenant_id=incident.tenant_id,
            topic="incidents",
            kind=kind,
            entity_id=str(incident.id),
            asset_id=incident.root_asset_id,
            data={
                "number": incident.incident_number,
                "title": incident.title,
                "plain_title": plain_title(incident.title, incident.root_cause_scores or {}),
                "severity": incident.severity,
                "status": incident.status,
                "start_time": incident.start_time.isoformat(),
            },
        )
    )
