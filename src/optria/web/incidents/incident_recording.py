"""What the flight recorder of an incident shows: which tags, the events in their lanes, the trends."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from optria.blackbox.incidents import anchor_of
from optria.core.asset import PlantModel, Threshold
from optria.core.event import EventWindow
from optria.core.roles import Permission
from optria.core.tag import SignalMapping
from optria.db.blackbox import EventRow, IncidentRow
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.event_words import event_words
from optria.web.deps import Given, OpenTx, require
from optria.web.incidents.incident_detail import events_around, incident_detail, window_of_incident
from optria.web.incidents.incident_lanes import LaneEvent, across, draw_lanes, ticks
from optria.web.incidents.incident_samples import samples_of
from optria.web.incidents.incident_trends import Recording, draw_track
from optria.web.incidents.incident_views import find_incident
from optria.web.page_words import signal_name
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(tags=["incidents"])

Reading = Annotated[Viewer, require(Permission.VIEW_RCA)]
MOST_TRACKS: Final = 6


@router.get("/api/blackbox/incidents/{incident_id}/recording", summary="Read the recording of an incident")
async def get_recording(viewer: Reading, services: Given, tx: OpenTx, incident_id: UUID) -> Json:
    """The trends of the window as points, for reading values off along the time axis.

    ``x`` is in thousandths of the window from ``start`` to ``end``; ``state`` is normal, out (of the expected
    range), or the worst severity whose limit the value is beyond.
    """
    row = await find_incident(tx, viewer, incident_id)
    window = window_of_incident(row)
    recording = await record(tx, services, row, await incident_detail(tx, viewer, row))
    return {
        "incident_id": str(row.id),
        "start": window.start,
        "end": window.end,
        "anchor_x": recording.anchor_x,
        "now_x": recording.now_x,
        "events": sorted(mark.x for lane in recording.lanes for mark in lane.marks),
        "tracks": [
            {
                "tag": track.tag,
                "label": track.label,
                "unit": track.unit,
                "decimals": track.decimals,
                "x": [x for x, _ in track.points],
                "value": [value for _, value in track.points],
                "state": list(track.states),
            }
            for track in recording.tracks
        ],
    }


async def record(tx: Tx, services: Services, row: IncidentRow, view: Json, language: str = "en") -> Recording:
    """What the flight recorder of an incident shows now."""
    window = window_of_incident(row)
    anchor = anchor_of(row)
    plant = services.plants(row.tenant_id)
    shown = shown_mappings(plant, row, view)
    pipeline = services.pipelines.get(row.tenant_id)
    batch = await samples_of(tx, pipeline, [m.id for m in shown], window)
    events = [
        LaneEvent(e.event_time, e.severity or "INFO", e.event_category, e.source_type, _said(e, language))
        for e in await events_around(tx, row, window)
    ]
    return Recording(
        anchor_x=across(anchor.time, window),
        now_x=_now_x(window),
        ticks=ticks(anchor.time, window),
        lanes=draw_lanes(events, window),
        tracks=tuple(draw_track(m, _limits(plant, m), batch, window, label_of(m, language)) for m in shown),
    )


def _said(event: EventRow, language: str) -> str:
    """What an event says in the language of the page."""
    words = event_words(event.summary or "", event.event_category, event.payload or {})
    return words.ar if language == "ar" and event.summary else event.summary or ""


def _now_x(window: EventWindow) -> float | None:
    now = clock.now()
    return across(now, window) if now < window.end else None


def label_of(mapping: SignalMapping, language: str = "en") -> str:
    """What a signal is called on a page of that language."""
    return signal_name(mapping.description, mapping.metric, language)


def shown_mappings(plant: PlantModel, row: IncidentRow, view: Json | None = None) -> Sequence[SignalMapping]:
    """The tags that speak for the anchor, then those of the evidence, then the asset's others."""
    by_id = {mapping.id: mapping for mapping in plant.mappings}
    contributing = [c.tag for c in anchor_of(row).contributions]
    own = [mapping.id for mapping in plant.mappings_of(row.root_asset_id or 0)]
    order = dict.fromkeys([*contributing, *_evidence_tags(view or {}), *own])
    return [by_id[tag] for tag in order if tag in by_id][:MOST_TRACKS]


def _evidence_tags(view: Json) -> list[int]:
    causes = view.get("root_causes")
    rows = [row for cause in causes for row in cause["evidence"]] if isinstance(causes, list) else []
    return [row["tag"] for row in rows if isinstance(row.get("tag"), int)]


def _limits(plant: PlantModel, mapping: SignalMapping) -> tuple[Threshold, ...]:
    asset = plant.asset(mapping.asset_id)
    return plant.thresholds_of(asset, mapping.metric) if asset else ()
