"""Everything an analysis may know of an incident, read from the database and the stream's memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import and_, or_, select

from optria.blackbox import calibrating, references
from optria.blackbox.incidents import anchor_of
from optria.core.asset import Asset, PlantModel
from optria.core.causes import NO_FAULT
from optria.core.errors import Invalid, NotFound
from optria.core.event import EventCategory, EventWindow, Severity
from optria.core.incident import Anchor, cause_code, cause_label
from optria.core.tag import SignalMapping
from optria.core.work_order import ACTIVE_STATUSES
from optria.db.blackbox import EventRow, IncidentRow, RcaRule
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.kit.correlation import correlate
from optria.rca.case import Case, MaintenanceLog, PastIncident, RawEntry, Series
from optria.rca.rules import CausalRule, parse_rule

log = structlog.get_logger(__name__)

REFERENCE = timedelta(minutes=30)
"""Normal running before the window, to compare with."""
MAINTENANCE_LOGS = 200
PAST_INCIDENTS = 5_000
OWN_CATEGORIES = (EventCategory.AI_OUTPUT, EventCategory.SYSTEM)


class SensorReader(Protocol):
    """Where the samples of a window come from: the stream's rings, else stored history."""

    async def read(
        self, tx: Tx, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> tuple[Series, ...]: ...


@dataclass(slots=True)
class Shared:
    """What the cases of one incident have in common, read once: the rules, and history by asset type."""

    rules: tuple[CausalRule, ...] | None = None
    history: dict[str, tuple[PastIncident, ...]] = field(default_factory=dict)


async def load_case(
    tx: Tx,
    incident: IncidentRow,
    plant: PlantModel,
    sensors: SensorReader,
    seen_from: Anchor | None = None,
    shared: Shared | None = None,
) -> Case:
    """The case of an incident as it stands now.

    ``seen_from`` is the anchor of another asset that the incident has reached: the case as that asset's;
    ``shared`` is one for all cases of the incident that are loaded together.

    Raises:
        NotFound: when the incident has no asset that the tenant's plant knows.
    """
    correlate(incident=incident.id)
    asset = plant.asset(seen_from.asset_id if seen_from else incident.root_asset_id or 0)
    if asset is None:
        raise NotFound(f"Incident {incident.incident_number} names no asset, so it cannot be analysed.")
    shared = shared or Shared()
    now = clock.now()
    window = _window(incident)
    assets = {asset.id, *plant.neighbours(asset.id)}
    mappings = [m for m in plant.mappings if m.asset_id in assets]
    series = await sensors.read(tx, mappings, window.start - REFERENCE, min(now, window.end))
    return Case(
        incident_id=str(incident.id),
        number=incident.incident_number or str(incident.id),
        severity=Severity.parse(incident.severity),
        asset=asset,
        plant=plant,
        anchor=seen_from or anchor_of(incident),
        window=window,
        now=now,
        provisional=now < window.end,
        events=await load_events(tx, plant.tenant_id, assets, window, asset.site_id),
        series=series,
        maintenance=await _maintenance(tx, plant, asset),
        history=await _shared_history(shared, tx, plant, incident, asset),
        rules=await _shared_rules(shared, tx, plant.tenant_id),
        calibration=await calibrating.factor(tx, plant.tenant_id),
        missing_sources=_missing(mappings, series, asset),
        **await references.load(tx, asset, incident.start_time),
    )


def _window(incident: IncidentRow) -> EventWindow:
    half = timedelta(minutes=30)
    return EventWindow(
        incident.window_start or incident.start_time - half, incident.window_end or incident.start_time + half
    )


def _missing(mappings: Sequence[SignalMapping], series: Sequence[Series], asset: Asset) -> tuple[str, ...]:
    seen = {s.mapping.id for s in series if len(s.time)}
    return tuple(m.external_tag for m in mappings if m.asset_id == asset.id and m.id not in seen)


async def load_events(
    tx: Tx, tenant_id: int, assets: set[int], window: EventWindow, site_id: int | None = None
) -> tuple[RawEntry, ...]:
    """Events of the asset and its neighbours, and those of the whole plant or site, which name no asset.

    An hour more on both sides, for clocks that drift.
    """
    margin = timedelta(hours=1)
    everywhere = or_(EventRow.site_id.is_(None), EventRow.site_id == site_id)
    statement = (
        select(EventRow)
        .where(
            EventRow.tenant_id == tenant_id,
            or_(EventRow.asset_id.in_(assets), and_(EventRow.asset_id.is_(None), everywhere)),
            EventRow.event_time.between(window.start - margin, window.end + margin),
            EventRow.event_category.not_in(OWN_CATEGORIES),
            EventRow.folded_into.is_(None),
        )
        .order_by(EventRow.event_time, EventRow.id)
        .limit(20_000)
    )
    rows = (await tx.session.execute(statement)).scalars().all()
    return tuple(_entry(row) for row in rows)


def _entry(row: EventRow) -> RawEntry:
    return RawEntry(
        source=row.source_system,
        time=row.event_time,
        summary=row.summary or "",
        severity=Severity.parse(row.severity),
        category=row.event_category,
        asset_id=row.asset_id,
        source_type=row.source_type,
        payload=row.payload or {},
        id=str(row.id),
    )


async def _maintenance(tx: Tx, plant: PlantModel, asset: Asset) -> tuple[MaintenanceLog, ...]:
    """Finished orders of the asset and of assets like it, newest first."""
    similar = [a.id for a in plant.assets if a.asset_type == asset.asset_type]
    statement = (
        select(WorkOrderRow)
        .where(
            WorkOrderRow.tenant_id == plant.tenant_id,
            WorkOrderRow.asset_id.in_(similar),
            WorkOrderRow.completed_at.is_not(None),
            or_(WorkOrderRow.status.is_(None), WorkOrderRow.status.not_in(ACTIVE_STATUSES)),
        )
        .order_by(WorkOrderRow.completed_at.desc())
        .limit(MAINTENANCE_LOGS)
    )
    rows = (await tx.session.execute(statement)).scalars().all()
    return tuple(_log(row, asset) for row in rows if row.completed_at and row.asset_id)


def _log(row: WorkOrderRow, asset: Asset) -> MaintenanceLog:
    return MaintenanceLog(
        id=row.id,
        code=row.code,
        asset_id=row.asset_id or 0,
        time=row.completed_at or clock.now(),
        title=row.title,
        failure_note=row.failure_note or "",
        cause=cause_label(row.actual_cause or ""),
        downtime_h=row.downtime_hours,
        same_asset=row.asset_id == asset.id,
    )


async def _shared_history(
    shared: Shared, tx: Tx, plant: PlantModel, incident: IncidentRow, asset: Asset
) -> tuple[PastIncident, ...]:
    if asset.asset_type not in shared.history:
        shared.history[asset.asset_type] = await _history(tx, plant, incident, asset)
    return shared.history[asset.asset_type]


async def _history(
    tx: Tx, plant: PlantModel, incident: IncidentRow, asset: Asset
) -> tuple[PastIncident, ...]:
    """Past incidents of this asset type whose cause people have confirmed."""
    statement = (
        select(IncidentRow, AssetRow.asset_type)
        .join(AssetRow, AssetRow.id == IncidentRow.root_asset_id)
        .where(
            IncidentRow.tenant_id == plant.tenant_id,
            AssetRow.tenant_id == plant.tenant_id,
            AssetRow.asset_type == asset.asset_type,
            IncidentRow.confirmed_cause.is_not(None),
            IncidentRow.confirmed_cause.not_in((NO_FAULT, cause_code(NO_FAULT))),
            IncidentRow.id != incident.id,
        )
        .order_by(IncidentRow.start_time.desc())
        .limit(PAST_INCIDENTS)
    )
    rows = (await tx.session.execute(statement)).all()
    return tuple(_past(row, asset_type or asset.asset_type) for row, asset_type in rows if row.pattern)


def _past(row: IncidentRow, asset_type: str) -> PastIncident:
    pattern: Mapping[str, Any] = row.pattern or {}
    return PastIncident(
        id=str(row.id),
        number=row.incident_number or str(row.id),
        asset_id=row.root_asset_id or 0,
        asset_type=asset_type,
        cause=cause_label(row.confirmed_cause or ""),
        signature=pattern.get("signature", {}),
        event_types=tuple(pattern.get("event_types", ())),
        resolution=row.resolution or "",
        resolution_ar=pattern.get("resolution_ar", ""),
        downtime_h=row.downtime_hours,
        occurred_at=row.start_time,
    )


async def _shared_rules(shared: Shared, tx: Tx, tenant_id: int) -> tuple[CausalRule, ...]:
    if shared.rules is None:
        shared.rules = await _rules(tx, tenant_id)
    return shared.rules


async def _rules(tx: Tx, tenant_id: int) -> tuple[CausalRule, ...]:
    """The active rules of the tenant and of the system, read anew: a new row counts at once."""
    statement = (
        select(RcaRule)
        .where(
            RcaRule.is_active.is_not(False), or_(RcaRule.tenant_id == tenant_id, RcaRule.tenant_id.is_(None))
        )
        .order_by(RcaRule.priority, RcaRule.id)
    )
    rows = (await tx.session.execute(statement)).scalars().all()
    return tuple(rule for row in rows if (rule := _readable(row)))


def _readable(row: RcaRule) -> CausalRule | None:
    """The rule of a row; one that cannot be read must not keep the others from counting."""
    try:
        return parse_rule(_rule_json(row))
    except Invalid as error:
        log.warning("rule_skipped", rule=row.id, reason=str(error))
        return None


def _rule_json(row: RcaRule) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "root_cause_category": row.root_cause_category,
        "confidence": float(row.confidence) if row.confidence is not None else None,
        "pattern": row.pattern,
        "priority": row.priority,
    }
