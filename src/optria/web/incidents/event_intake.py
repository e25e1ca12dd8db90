"""Events are taken over HTTP: one, or many at once where a system has much to say."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, timedelta, tzinfo
from typing import Annotated, Final
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict
from sqlalchemy import select

from optria.blackbox.events import store_events
from optria.blackbox.suppression import Quiet, quiet_now
from optria.blackbox.triggers import open_for_event
from optria.core.asset import PlantModel
from optria.core.errors import Invalid, NotFound
from optria.core.event import Event, Severity
from optria.core.roles import Permission
from optria.db.blackbox import EventRow, IncidentEvent
from optria.db.plant import AssetRow, ClockDrift, SiteRow
from optria.db.session import Tx
from optria.web import bodies
from optria.web.deps import Given, TenantChoice, require, tenant_to_write
from optria.web.incidents.event_views import event_json
from optria.web.moments import AHEAD, LocalMoment, check_happened
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.site_time import zone_of
from optria.web.texts import Text

router = api_router(prefix="/api/blackbox", tags=["events"])

Reporting = Annotated[Viewer, require(Permission.RUN_RCA)]
LONGEST_SOURCE_ID: Final = 220
"""Characters: what the key of an event leaves room for."""
MOST_AT_ONCE: Final = 500
_EXAMPLE: Final[JsonDict] = {
    "asset_id": 9,
    "source_system": "SCADA",
    "source_type": "ALARM",
    "source_id": "ALM-20418",
    "event_time": "2026-11-22T09:58:30+03:00",
    "severity": "MAJOR",
    "event_category": "ALERT",
    "summary": "P-102B vibration high",
    "payload": {"tag": "P-102B.VT-1022", "value": 7.4, "unit": "mm/s"},
    "tags": ["vibration"],
}


class EventCreate(bodies.Body):
    """``event_time`` without an offset is meant in the time zone of the site.

    The same ``source_id`` at the same time is the same event: sending it again stores nothing.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    asset_id: bodies.RowNumber | None = None
    site_id: bodies.RowNumber | None = None
    source_system: bodies.Text50
    source_type: bodies.Text50
    source_id: Annotated[Text, Field(max_length=LONGEST_SOURCE_ID)] | None = None
    event_time: LocalMoment
    severity: bodies.Text20 = "INFO"
    event_category: bodies.Text50
    summary: Annotated[Text, Field(max_length=500)] | None = None
    payload: dict[str, object] = Field(default_factory=dict)
    tags: Annotated[list[bodies.Text255], Field(max_length=100)] = Field(default_factory=list)


class EventBatch(bodies.Body):
    """Events, each as it would be sent alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"events": [_EXAMPLE]}]})

    events: Annotated[list[EventCreate], Field(min_length=1, max_length=MOST_AT_ONCE)]


@router.post("/events", summary="Store an event")
async def create_event(
    viewer: Reporting, services: Given, asked: EventCreate, tenant: TenantChoice = None
) -> Json:
    """Store an event; a CRITICAL one on an asset opens (or joins) its incident at once."""
    tenant_id = tenant_to_write(viewer, tenant)
    return (await _take(services, tenant_id, [asked]))[0]


@router.post("/events/batch", summary="Store many events")
async def create_events(
    viewer: Reporting, services: Given, asked: EventBatch, tenant: TenantChoice = None
) -> Json:
    """Store up to 500 events: those that are less than CRITICAL together, the CRITICAL ones by asset.

    What is refused (422, 404) ends the batch; what came before it may be stored. Send the whole batch again
    with the same ``source_id``s: nothing is stored twice.
    """
    tenant_id = tenant_to_write(viewer, tenant)
    answers = [one for part in _parts(asked.events) for one in await _take(services, tenant_id, part)]
    return {
        "success": True,
        "stored": len(answers),
        "events": [_briefly(one) for one in answers],
    }


def _briefly(answer: Json) -> Json:
    event = answer["event"]
    assert isinstance(event, dict)
    told = {name: event[name] for name in ("id", "source_id", "folded_into", "suppressed_by")}
    return told | {"incident_id": answer.get("incident_id")}


def _parts(events: Sequence[EventCreate]) -> Iterator[list[EventCreate]]:
    """Those without a CRITICAL one together; the CRITICAL ones by asset: each locks its incident only."""
    graves: dict[int | None, list[EventCreate]] = {}
    for one in events:
        if one.severity.upper() == Severity.CRITICAL.name:
            graves.setdefault(one.asset_id, []).append(one)
    if plain := [one for one in events if one.severity.upper() != Severity.CRITICAL.name]:
        yield plain
    yield from graves.values()


async def _take(services: Services, tenant_id: int, events: Sequence[EventCreate]) -> list[Json]:
    """Store events in one transaction; the answer to each."""
    async with services.database.transaction(tenant_id) as tx:
        quiet, plant = await quiet_now(tx, tenant_id), services.plants(tenant_id)
        drifts = await _drifts(tx, {asked.source_system for asked in events})
        told = [await _told(tx, asked, drifts) for asked in events]
        rows = await store_events(tx, tenant_id, told)
        answers = [
            await _open(tx, plant, asked, row, quiet) if row is not None else await _repeated(tx, event)
            for asked, (event, _), row in zip(events, told, rows, strict=True)
        ]
    if any("incident_id" in one for one in answers):
        services.recorder.wake()
    return answers


async def _drifts(tx: Tx, systems: Collection[str]) -> Mapping[str, float]:
    """How many seconds the clocks of these systems are ahead, where that is known."""
    query = select(ClockDrift.source, ClockDrift.drift_s).where(ClockDrift.source.in_(systems))
    return dict((await tx.session.execute(query)).all())


async def _told(tx: Tx, asked: EventCreate, drifts: Mapping[str, float]) -> tuple[Event, int | None]:
    site = await _site_of(tx, asked)
    event = _event(asked, zone_of(site), drifts.get(asked.source_system, 0.0))
    return event, site.id if site else None


async def _open(tx: Tx, plant: PlantModel, asked: EventCreate, row: EventRow, quiet: Quiet) -> Json:
    row.summary, row.tags = asked.summary, asked.tags
    opened = await open_for_event(tx, plant, row, quiet)
    return _answer(row, opened.incident.id if opened else None)


def _answer(row: EventRow, incident_id: UUID | None) -> Json:
    answer: Json = {"success": True, "event": event_json(row)}
    return answer if incident_id is None else answer | {"incident_id": str(incident_id)}


def _event(asked: EventCreate, zone: tzinfo, fast_s: float) -> Event:
    """``fast_s``: how far the clock of its system is ahead.

    Raises Invalid for an unknown severity and for a time that cannot be.
    """
    if asked.severity.upper() not in Severity.__members__:
        raise Invalid(f"The severity is one of {', '.join(Severity.__members__)}.")
    moment = asked.event_time if asked.event_time.tzinfo else asked.event_time.replace(tzinfo=zone)
    check_happened(moment, "The time of an event", AHEAD + timedelta(seconds=max(0.0, fast_s)))
    return Event(
        time=moment.astimezone(UTC),
        severity=Severity[asked.severity.upper()],
        category=asked.event_category,
        summary=asked.summary or "",
        asset_id=asked.asset_id,
        source_system=asked.source_system,
        source_type=asked.source_type,
        source_id=asked.source_id,
        payload=asked.payload,
    )


async def _repeated(tx: Tx, event: Event) -> Json:
    """The answer to an event that is stored already: the same as the first time."""
    same = (EventRow.source_id == event.source_id) & (EventRow.event_time == event.time)
    keyed = EventRow.idempotency_key.is_not(None)
    row = (await tx.session.scalars(select(EventRow).where(same, keyed))).one()
    link = select(IncidentEvent.incident_id).where(IncidentEvent.event_id == row.id)
    return _answer(row, await tx.session.scalar(link.order_by(IncidentEvent.id).limit(1)))


async def _site_of(tx: Tx, asked: EventCreate) -> SiteRow | None:
    """The site named, else that of the asset.

    Raises:
        NotFound: when the tenant has no such asset or site.
    """
    asset = await tx.session.get(AssetRow, asked.asset_id) if asked.asset_id else None
    if asked.asset_id and asset is None:
        raise NotFound(f"There is no asset {asked.asset_id}.")
    site_id = asked.site_id or (asset.site_id if asset else None)
    site = await tx.session.get(SiteRow, site_id) if site_id else None
    if asked.site_id and site is None:
        raise NotFound(f"There is no site {asked.site_id}.")
    return site
