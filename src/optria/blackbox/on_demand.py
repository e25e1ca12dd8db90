"""Analysing an asset on somebody's word: which incident, and anchored where."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, text

from optria.blackbox import incidents, references
from optria.blackbox.case_loader import SensorReader, load_events
from optria.core.asset import Asset, PlantModel
from optria.core.errors import NotFound
from optria.core.event import EventWindow, Severity
from optria.core.incident import OTHER, Analysis, Anchor
from optria.db.blackbox import AnalysisRow, IncidentRow
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.anchors import select_anchor
from optria.rca.timeline import align

ON_DEMAND = "on demand"
"""The detector of an anchor that only a person's word has set."""
LOOK_BACK = timedelta(minutes=30)
LOCK_CLASS: Final = 0x6F707461  # "opta"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(:class, :asset)")
"""Of many who ask for one asset at once, one opens its incident (safe behind a transaction pooler)."""


async def incident_of_asset(
    tx: Tx,
    plant: PlantModel,
    asset_id: int,
    sensors: SensorReader,
    seen: Anchor | None,
    asked_at: datetime,
) -> IncidentRow:
    """The open incident of an asset, that of a check which ended after ``asked_at``, or one opened now.

    It is anchored at the earliest CRITICAL event of the last half hour, else at what the detectors have
    ``seen``, else at the first z-score anomaly, else now. Raises NotFound.
    """
    asset = plant.asset(asset_id)
    if asset is None:
        raise NotFound(f"There is no asset {asset_id} in this tenant.")
    await tx.session.execute(_ONE_AT_A_TIME, {"class": LOCK_CLASS, "asset": asset_id})
    running = await _open_incident(tx, plant.tenant_id, asset_id)
    running = running or await _checked_since(tx, plant.tenant_id, asset_id, asked_at)
    if running is not None:
        return running
    anchor = await _anchor(tx, plant, asset, sensors, seen)
    opened = await incidents.open_incident(tx, plant, anchor, join=False)
    return opened.incident


async def _open_incident(tx: Tx, tenant_id: int, asset_id: int) -> IncidentRow | None:
    statement = (
        select(IncidentRow)
        .where(
            IncidentRow.tenant_id == tenant_id,
            IncidentRow.root_asset_id == asset_id,
            IncidentRow.dedup_key.is_not(None),
        )
        .order_by(IncidentRow.start_time)
        .limit(1)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


async def _checked_since(tx: Tx, tenant_id: int, asset_id: int, at: datetime) -> IncidentRow | None:
    """The incident of a check that was stored after ``at``, though it is over by now."""
    statement = (
        select(IncidentRow)
        .join(AnalysisRow, AnalysisRow.incident_id == IncidentRow.id)
        .where(
            IncidentRow.tenant_id == tenant_id,
            IncidentRow.root_asset_id == asset_id,
            AnalysisRow.tenant_id == tenant_id,
            AnalysisRow.created_at > at,
        )
        .order_by(AnalysisRow.created_at.desc())
        .limit(1)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


async def _anchor(
    tx: Tx, plant: PlantModel, asset: Asset, sensors: SensorReader, seen: Anchor | None
) -> Anchor:
    now = clock.now()
    window = EventWindow(now - LOOK_BACK, now)
    raw = await load_events(tx, plant.tenant_id, {asset.id}, window)
    known = await references.load(tx, asset, now)
    aligned = [align(event, known["clock_drift_s"], known["time_zones"]) for event in raw]
    entries = [entry for entry in aligned if entry.time in window]
    series = await sensors.read(tx, tuple(plant.mappings_of(asset.id)), window.start, window.end)
    found = select_anchor(asset.id, entries, series, (lambda _asset, _series: seen) if seen else None)
    return found or Anchor(asset.id, now, 0.0, 0.0, (), detector=ON_DEMAND)


def nothing_found(incident: IncidentRow, analysis: Analysis, asset: Asset) -> Analysis:
    """What an analysis says that was asked for where nothing is wrong: that, and no cost.

    The incident stays as the record of the check and is over at once.
    """
    asked = incidents.anchor_of(incident).detector == ON_DEMAND
    if not asked or analysis.top.label != OTHER or Severity.parse(incident.severity) > Severity.INFO:
        return analysis
    incident.status, incident.resolved_at = "RESOLVED", clock.now()
    incidents.end_episode(incident, clock.now())
    return replace(
        analysis,
        financial=None,
        carbon=None,
        actions=(),
        provisional=False,
        story=f"{asset.name} ({asset.code}) was checked on request. No signal has left its expected range.",
        story_ar=f"تم فحص {asset.name_ar or asset.name} ({asset.code}) عند الطلب. "
        "لم تخرج أي إشارة عن مداها المتوقع.",
    )
