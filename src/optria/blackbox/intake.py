"""What the stream handed over is committed: events as rows, CRITICAL ones and anchors as incidents."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import structlog

from optria.blackbox import incidents
from optria.blackbox.anchors import anchor_id
from optria.blackbox.events import link_event, store_event, store_events
from optria.blackbox.inbox import Held, Inbox
from optria.blackbox.known import is_stored
from optria.blackbox.poison import BAD_DATA, is_poison, words_of
from optria.blackbox.suppression import quiet_now, subject_of_anchor
from optria.blackbox.triggers import open_for_event
from optria.core.asset import PlantModel
from optria.core.errors import Fenced
from optria.core.event import Event, EventCategory, Severity
from optria.core.incident import Anchor
from optria.db.session import Database, Tx
from optria.kit.correlation import correlate

log = structlog.get_logger(__name__)

EVENTS_A_TIME: Final = 200


Fence: TypeAlias = Callable[[Tx], Awaitable[None]]


async def open_to_all(tx: Tx) -> None:
    """The fence of a process that nobody else does the work of."""


class Intake:
    """Empties an inbox; what was not committed stays in it."""

    def __init__(
        self,
        database: Database,
        plants: Callable[[int], PlantModel],
        inbox: Inbox,
        fence: Fence = open_to_all,
    ) -> None:
        self._database = database
        self._plants = plants
        self._inbox = inbox
        self._fence = fence

    async def drain(self) -> None:
        """Commit what is held: CRITICAL events and anchors open their incidents.

        What another server has taken over meanwhile is dropped: it sees the same.
        """
        try:
            await self._drain()
        except Fenced as fenced:
            log.warning("inbox_fenced", dropped=self._inbox.give_up(), reason=str(fenced))

    async def _drain(self) -> None:
        while taken := self._inbox.events(EVENTS_A_TIME):
            await self._commit_events(*taken)
        for held in self._inbox.anchors():
            try:
                await self._commit_anchor(held)
            except BAD_DATA as error:
                if not is_poison(error):
                    raise
                self._refuse("anchors_refused", error)
            self._inbox.anchor_done(held)

    async def _commit_events(self, tenant_id: int, taken: Sequence[Event]) -> None:
        """Events of one tenant; they leave the inbox once committed. Each CRITICAL one is a transaction."""
        if plain := [e for e in taken if e.severity < Severity.CRITICAL]:
            await self._store_events(tenant_id, plain)
        for grave in (e for e in taken if e.severity is Severity.CRITICAL):
            await self._store_events(tenant_id, [grave])
        self._inbox.events_done(taken)

    async def _store_events(self, tenant_id: int, events: Sequence[Event]) -> None:
        """All of them at once, or, if the database refuses that, one by one: the refused are counted."""
        try:
            async with self._database.transaction(tenant_id) as tx:
                await self._fence(tx)
                await self._store_all(tx, tenant_id, events)
        except BAD_DATA as error:
            if not is_poison(error):
                raise
            if len(events) == 1:
                self._refuse("events_refused", error)
                return
            for event in events:
                await self._store_events(tenant_id, [event])

    async def _store_all(self, tx: Tx, tenant_id: int, events: Sequence[Event]) -> None:
        plant, quiet = self._plants(tenant_id), await quiet_now(tx, tenant_id)
        sites = {asset.id: asset.site_id for asset in plant.assets}
        told = [(event, sites.get(event.asset_id or 0)) for event in events]
        for row in await store_events(tx, tenant_id, told):
            if row is not None:
                await open_for_event(tx, plant, row, quiet)

    def _refuse(self, what: str, error: Exception) -> None:
        self._inbox.counts[what] += 1
        log.warning(what, error=words_of(error))

    async def _commit_anchor(self, held: Held) -> None:
        tenant_id, anchor = held.tenant_id, held.anchor
        plant = self._plants(tenant_id)
        asset = plant.asset(anchor.asset_id)
        if asset is None:
            log.warning("anchor_of_unknown_asset", tenant=tenant_id, asset=anchor.asset_id)
            return
        async with self._database.transaction(tenant_id) as tx:
            await self._fence(tx)
            event = _anomaly_event(plant, anchor)
            if held.once and await is_stored(tx, tenant_id, event):
                return
            keeper = (await quiet_now(tx, tenant_id)).keeper_of(subject_of_anchor(asset, anchor))
            if keeper is not None:
                held_back = await store_event(tx, tenant_id, event, asset.site_id)
                if held_back is not None:
                    held_back.suppressed_by = keeper
                return
            correlate(anchor=anchor_id(tenant_id, anchor))
            opened = await incidents.open_incident(tx, plant, anchor, at=held.taken_at)
            row = await store_event(tx, tenant_id, event, opened.incident.site_id)
            if row is not None:
                role = "CAUSE" if opened.created else "SYMPTOM"
                await link_event(tx, opened.incident, row.id, role)


def _anomaly_event(plant: PlantModel, anchor: Anchor) -> Event:
    """The anchor as an event of the timeline, in the words of its strongest tag."""
    asset = plant.asset(anchor.asset_id)
    tags = {mapping.id: mapping for mapping in plant.mappings}
    first = next((tags[c.tag] for c in anchor.contributions if c.tag in tags), None)
    what = first.metric.replace("_", " ") if first else "behaviour"
    return Event(
        time=anchor.time,
        severity=Severity.WARNING,
        category=EventCategory.AI_OUTPUT,
        summary=f"Detector: {what} of {asset.code if asset else anchor.asset_id} left its expected range",
        asset_id=anchor.asset_id,
        source_system="AI_ENGINE",
        source_type="ANOMALY",
        source_id=f"anchor:{anchor.asset_id}:{anchor.mode}",
        payload={
            "score": anchor.score,
            "probability": anchor.probability,
            "external_tag": first.external_tag if first else None,
        },
    )
