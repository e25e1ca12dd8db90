"""``/api/blackbox/incidents/{id}/notes``: what people write down about an incident while it goes on."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from optria.blackbox import incidents
from optria.blackbox.events import link_event, store_event
from optria.core.event import Event, EventCategory, Severity
from optria.core.roles import Permission
from optria.kit import clock
from optria.web import bodies
from optria.web.bodies import Filled
from optria.web.deps import OpenTx, require, written_tenant
from optria.web.incidents.event_views import event_json
from optria.web.incidents.incident_lanes import NOTE
from optria.web.incidents.incident_views import find_incident
from optria.web.people.people import name_of
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(prefix="/api/blackbox", tags=["incidents"])

Reading = Annotated[Viewer, require(Permission.VIEW_RCA)]


class IncidentNote(bodies.NewBody):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Load reduced to 60 %, the field operator is on the way."}]}
    )

    text: Annotated[Filled, Field(min_length=1, max_length=450)]


@router.post("/incidents/{incident_id}/notes", summary="Write a note on an incident")
async def write_note(viewer: Reading, tx: OpenTx, incident_id: UUID, body: IncidentNote) -> Json:
    """A note stands in the incident's timeline, in the lane of the operators; analyses do not read it."""
    tenant_id = written_tenant(tx)
    row = await find_incident(tx, viewer, incident_id, lock=True)
    who = await name_of(tx, viewer.user_id) or viewer.name
    note = Event(
        time=clock.now(),
        severity=Severity.INFO,
        category=EventCategory.SYSTEM,
        summary=f"{who[:40]}: {body.text}",
        asset_id=row.root_asset_id,
        source_system="OPTRIA",
        source_type=NOTE,
        payload={"note": body.text, "by": who},
    )
    stored = await store_event(tx, tenant_id, note, row.site_id)
    assert stored is not None
    await link_event(tx, row, stored.id, "CONTEXT")
    incidents.announce(tx, row, "incident_changed")
    return {"success": True, "event": event_json(stored)}
