"""``/api/blackbox/incidents/{id}/seal``: is the recording still what was sealed."""

from typing import Annotated, Final
from uuid import UUID

from optria.blackbox.seal_check import Difference, SealCheck, check_seal
from optria.blackbox.sealing import content_of, seal_of
from optria.core.asset import PlantModel
from optria.core.roles import Permission
from optria.db.blackbox import IncidentRow
from optria.db.seals import SealRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.deps import Given, OpenTx, require
from optria.web.incidents.incident_views import find_incident
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(prefix="/api/blackbox", tags=["incidents"])

Reading = Annotated[Viewer, require(Permission.VIEW_RCA)]
MOST_DIFFERENCES: Final = 50
TEXTS: Final = {
    "samples_changed": "Samples of {what} are not those that were sealed.",
    "samples_gone": "{count} sealed samples of {what} are no longer stored.",
    "event_changed": "Event {what} is not as it was sealed.",
    "event_gone": "Event {what} is no longer stored.",
    "heading_changed": "The number or the window of the incident, or the seal itself, was changed.",
    "chain_broken": "The seal before this one is gone or is another.",
}


@router.get("/incidents/{incident_id}/seal", summary="Check the seal of a recording")
async def get_seal(viewer: Reading, services: Given, tx: OpenTx, incident_id: UUID) -> Json:
    """Hash the recording as it is stored now and compare it with the seal of its window.

    ``intact`` is None where nothing has been sealed: the window is open, or over for less than a minute.
    """
    row = await find_incident(tx, viewer, incident_id)
    return {"incident_id": str(row.id)} | await checked(tx, services.plants(row.tenant_id), row)


async def checked(tx: Tx, plant: PlantModel, row: IncidentRow) -> Json:
    """The seal of a recording and what a check of it finds now."""
    check = await check_seal(tx, row) if row.window_end and row.window_start else None
    if check is None:
        return {"sealed": False, "intact": None, "seal": None}
    return {
        "sealed": True,
        "seal": seal_json(check.seal),
        "checked_at": clock.now(),
        "intact": check.is_intact,
        "sha256": check.sha256,
        "late_samples": check.late_samples,
        "late_events": check.late_events,
    } | _differences_json(check, plant)


async def sealed(tx: Tx, row: IncidentRow) -> Json | None:
    """The seal of a recording, without checking it."""
    found = await seal_of(tx, row)
    return seal_json(found) if found else None


def seal_json(row: SealRow) -> Json:
    samples, events = content_of(row)
    return {
        "sealed_at": row.sealed_at,
        "sha256": row.sha256,
        "previous_sha256": row.previous_sha256,
        "sequence": row.sequence,
        "tags": len(samples),
        "samples": sum(int(str(tag["count"])) for tag in samples),
        "events": len(events),
    }


def _differences_json(check: SealCheck, plant: PlantModel) -> Json:
    names = {mapping.id: mapping.instrument for mapping in plant.mappings}
    shown = check.differences[:MOST_DIFFERENCES]
    return {
        "difference_count": len(check.differences),
        "differences": [_difference_json(one, names) for one in shown],
    }


def _difference_json(one: Difference, names: dict[int, str]) -> Json:
    what = (names.get(one.tag) or str(one.tag)) if one.tag is not None else one.event_id
    text = TEXTS[one.kind].format(what=what, count=one.count)
    return {"kind": one.kind, "what": what, "count": one.count, "text": text}
