"""The past incidents that an incident resembles: what they were, and their signals beside its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

import numpy as np
from sqlalchemy import select

from optria.blackbox import analyses
from optria.blackbox.incidents import anchor_of
from optria.core.asset import PlantModel
from optria.core.event import EventWindow
from optria.core.incident import Analysis, SimilarIncident, cause_label
from optria.core.roles import Permission
from optria.core.tag import SampleBatch, SignalMapping, from_micros
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.web.deps import Given, OpenTx, require
from optria.web.incidents.incident_detail import window_of_incident
from optria.web.incidents.incident_recording import label_of, shown_mappings
from optria.web.incidents.incident_samples import samples_of
from optria.web.incidents.incident_trends import thinned, usable
from optria.web.incidents.incident_views import find_incident
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.sight import visible

router = api_router(prefix="/api/blackbox", tags=["incidents"])

Reading = Annotated[Viewer, require(Permission.VIEW_RCA)]
MOST_PAST: Final = 5
MOST_TRACKS: Final = 4
MOST_POINTS: Final = 200
BEFORE_END: Final = timedelta(minutes=2)
"""The level before an incident is taken without its last minutes, in which it may have begun."""


@dataclass(frozen=True, slots=True)
class Past:
    """A past incident that the latest analysis compared with; ``counts`` where it speaks for a cause."""

    row: IncidentRow
    asset: AssetRow | None
    likeness: SimilarIncident
    counts: bool
    may_open: bool


async def past_of(tx: Tx, viewer: Viewer, row: IncidentRow, analysis: Analysis | None) -> list[Past]:
    """The past incidents most like this one, the likest first; those below the measure do not count."""
    if analysis is None:
        return []
    counted = {past.incident_id for past in analysis.similar}
    ranked = {past.incident_id: past for past in (*analysis.nearest, *analysis.similar)}
    chosen = sorted(ranked.values(), key=lambda past: -past.similarity)[:MOST_PAST]
    ids = [UUID(past.incident_id) for past in chosen]
    query = select(IncidentRow).where(IncidentRow.tenant_id == row.tenant_id, IncidentRow.id.in_(ids))
    rows = {str(past.id): past for past in await tx.session.scalars(query)}
    own = await tx.session.scalars(select(IncidentRow.id).where(IncidentRow.id.in_(ids), visible(viewer)))
    open_to_viewer = {str(incident_id) for incident_id in own}
    assets = await _assets(tx, row.tenant_id, rows.values())
    return [
        Past(rows[key], assets.get(rows[key].root_asset_id), past, key in counted, key in open_to_viewer)
        for past in chosen
        if (key := past.incident_id) in rows
    ]


async def _assets(tx: Tx, tenant_id: int, rows: Iterable[IncidentRow]) -> dict[int | None, AssetRow]:
    ids = {row.root_asset_id for row in rows if row.root_asset_id}
    query = select(AssetRow).where(AssetRow.tenant_id == tenant_id, AssetRow.id.in_(ids))
    return {asset.id: asset for asset in await tx.session.scalars(query)}


def past_json(past: Past) -> Json:
    """What a past incident turned out to be, and how long it took."""
    row = past.row
    took = row.end_time - row.start_time if row.end_time else None
    return {
        "id": str(row.id),
        "number": past.likeness.number,
        "similarity": past.likeness.similarity,
        "counts": past.counts,
        "may_open": past.may_open,
        "asset_code": past.asset.code if past.asset else None,
        "start_time": row.start_time,
        "cause": cause_label(row.confirmed_cause or past.likeness.cause),
        "is_confirmed": row.confirmed_cause is not None,
        "resolution": row.resolution or past.likeness.resolution or None,
        "duration_s": took.total_seconds() if took else None,
        "downtime_hours": None if row.downtime_hours is None else float(row.downtime_hours),
    }


@router.get("/incidents/{incident_id}/similar", summary="Read similar incidents and their signals")
async def get_similar(viewer: Reading, services: Given, tx: OpenTx, incident_id: UUID) -> Json:
    """Past incidents with their signals on a common time zero, their anchors.

    ``change`` is against the median before the incident, in the unit of the track; at most 5 past incidents
    and 200 points of each. A past incident without stored samples has no series.
    """
    row = await find_incident(tx, viewer, incident_id)
    past = await past_of(tx, viewer, row, await analyses.latest(tx, row))
    plant = services.plants(row.tenant_id)
    shown = shown_mappings(plant, row)[:MOST_TRACKS]
    series = {str(row.id): await _series(tx, services, plant, row, shown)}
    for one in past:
        series[str(one.row.id)] = await _series(tx, services, plant, one.row, shown)
    window, zero = window_of_incident(row), anchor_of(row).time
    return {
        "incident_id": str(row.id),
        "from_min": (window.start - zero).total_seconds() / 60,
        "to_min": (window.end - zero).total_seconds() / 60,
        "past": [past_json(one) | {"has_samples": any(series[str(one.row.id)])} for one in past],
        "tracks": [_track(place, mapping, series) for place, mapping in enumerate(shown)],
    }


def _track(place: int, mapping: SignalMapping, series: Mapping[str, Sequence[Json]]) -> Json:
    words = {"tag": mapping.id, "instrument": mapping.instrument}
    words |= {"label": label_of(mapping), "label_ar": label_of(mapping, "ar")}
    found = [{"incident_id": key, **rows[place]} for key, rows in series.items() if rows[place]]
    unit = "" if mapping.unit == "-" else mapping.unit
    return words | {"unit": unit, "decimals": mapping.decimals, "series": found}


async def _series(
    tx: Tx, services: Services, plant: PlantModel, row: IncidentRow, shown: Sequence[SignalMapping]
) -> list[Json]:
    """The signals of one incident, in the places of ``shown``; empty where it has none."""
    window, zero = window_of_incident(row), anchor_of(row).time
    mappings = [_counterpart(plant, row, mapping) for mapping in shown]
    tags = [mapping.id for mapping in mappings if mapping]
    batch = await samples_of(tx, services.pipelines.get(row.tenant_id), tags, window)
    before = EventWindow(window.start, max(window.start, zero - BEFORE_END))
    return [_changes(batch, mapping.id, window, before) if mapping else {} for mapping in mappings]


def _counterpart(plant: PlantModel, row: IncidentRow, mapping: SignalMapping) -> SignalMapping | None:
    """The tag that measures on a past incident's asset what ``mapping`` measures here."""
    if mapping.asset_id == row.root_asset_id:
        return mapping
    there = plant.mappings_of(row.root_asset_id or 0)
    return next((other for other in there if other.metric == mapping.metric), None)


def _changes(batch: SampleBatch, tag: int, window: EventWindow, before: EventWindow) -> Json:
    samples = usable(batch, tag, window)
    if not len(samples):
        return {}
    earlier = usable(samples, tag, before)
    base = float(np.median((earlier if len(earlier) else samples.select(np.array([0]))).value))
    thin = thinned(samples, MOST_POINTS)
    zero = before.end + BEFORE_END
    minutes = [(from_micros(int(time)) - zero).total_seconds() / 60 for time in thin.source_time]
    return {
        "base": base,
        "minutes": [round(minute, 3) for minute in minutes],
        "change": [float(value) - base for value in thin.value],
    }
