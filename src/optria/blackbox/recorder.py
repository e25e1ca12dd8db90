"""The Recorder: takes anchors and events from the stream and sees every incident through.

What it has not committed it still holds; what it has committed a restart finds in the rows.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import select

from optria.blackbox import incidents
from optria.blackbox.case_loader import SensorReader, load_case
from optria.blackbox.events import link_event, store_event
from optria.blackbox.inbox import Held, Inbox
from optria.blackbox.lingering import lingering
from optria.blackbox.on_demand import incident_of_asset
from optria.blackbox.passes import WATCH_EVERY, record_failure, run_pass
from optria.blackbox.poison import BAD_DATA, is_poison
from optria.blackbox.progress import Progress, Runs
from optria.blackbox.sealing import seal_due
from optria.core.asset import PlantModel
from optria.core.event import Event, EventCategory, Severity
from optria.core.incident import Anchor, severity_of
from optria.db.blackbox import AnalysisRow, IncidentRow
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.rca.rules import CausalRule
from optria.rca.trial import RuleTrial, trial_of
from optria.rca.what_if import Changes, WhatIf, what_if

log = structlog.get_logger(__name__)

EVENTS_A_TIME = 200
LOOK_EVERY_S = 1.0
RESOLVED_EVERY_S = 30.0
SEALED_EVERY_S = 10.0


class Watch(Protocol):
    """What the detectors think of an asset right now."""

    def is_active(self, tenant_id: int, asset_id: int) -> bool:
        """Whether it still deviates."""

    def probability(self, tenant_id: int, asset_id: int) -> float:
        """The calibrated P(fault) now."""

    def seen(self, tenant_id: int, asset_id: int) -> Anchor | None:
        """The anchor of the deviation that goes on, if one does."""


class Recorder:
    """One per process. ``anchor`` and ``event`` are called by the stream and never wait.

    ``plants`` gives a tenant's configuration.
    """

    def __init__(
        self,
        database: Database,
        plants: Callable[[int], PlantModel],
        sensors: SensorReader,
        watch: Watch,
    ) -> None:
        self._database = database
        self._plants = plants
        self._sensors = sensors
        self._watch = watch
        self.inbox = Inbox()
        self._work = asyncio.Event()
        self._look_at_resolved_at = 0.0
        self._seal_at = 0.0
        self.runs = Runs(database.bus)
        self._running: dict[tuple[UUID, bool], asyncio.Future[None]] = {}

    def anchor(self, tenant_id: int, anchor: Anchor) -> None:
        """Take an anchor from the stream."""
        self.inbox.put_anchor(tenant_id, anchor)
        self._work.set()

    def event(self, tenant_id: int, event: Event) -> None:
        """Take an event from the stream."""
        self.inbox.put_event(tenant_id, event)
        self._work.set()

    def wake(self) -> None:
        """Look for due incidents now."""
        self._work.set()

    async def run(self) -> None:
        """Work until cancelled. A database error ends it; whoever supervises starts it again."""
        while True:
            self._work.clear()
            await self.drain()
            await self.do_due()
            await self.look_at_resolved()
            await self.seal_closed()
            if not self.inbox:
                await self._wait()

    async def look_at_resolved(self) -> None:
        """Report anew what goes on although its incident was resolved; not more often than it can change."""
        now = asyncio.get_running_loop().time()
        if now < self._look_at_resolved_at:
            return
        self._look_at_resolved_at = now + RESOLVED_EVERY_S
        async with self._database.platform("resolved incidents") as tx:
            found = await lingering(tx, self._watch.seen)
        for tenant_id, anchor in found:
            self.anchor(tenant_id, anchor)

    async def seal_closed(self) -> None:
        """Seal the recordings whose window is over."""
        now = asyncio.get_running_loop().time()
        if now >= self._seal_at:
            self._seal_at = now + SEALED_EVERY_S
            await seal_due(self._database)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._work.wait()
        except TimeoutError:
            return

    async def drain(self) -> None:
        """Commit what is held: CRITICAL events and anchors open their incidents."""
        while taken := self.inbox.events(EVENTS_A_TIME):
            await self._commit_events(*taken)
        for held in self.inbox.anchors():
            try:
                await self._commit_anchor(held)
            except BAD_DATA as error:
                if not is_poison(error):
                    raise
                self._refuse("anchors_refused", error)
            self.inbox.anchor_done(held)

    async def _commit_events(self, tenant_id: int, taken: Sequence[Event]) -> None:
        """Events of one tenant; they leave the inbox once committed. Each CRITICAL one is a transaction."""
        if plain := [e for e in taken if e.severity < Severity.CRITICAL]:
            await self._store_events(tenant_id, plain)
        for grave in (e for e in taken if e.severity is Severity.CRITICAL):
            await self._store_events(tenant_id, [grave])
        self.inbox.events_done(taken)

    async def _store_events(self, tenant_id: int, events: Sequence[Event]) -> None:
        """All of them at once, or, if the database refuses that, one by one: the refused are counted."""
        try:
            async with self._database.transaction(tenant_id) as tx:
                for event in events:
                    await self._store_event(tx, tenant_id, event)
        except BAD_DATA as error:
            if not is_poison(error):
                raise
            if len(events) == 1:
                self._refuse("events_refused", error)
                return
            for event in events:
                await self._store_events(tenant_id, [event])

    async def _store_event(self, tx: Tx, tenant_id: int, event: Event) -> None:
        plant = self._plants(tenant_id)
        asset = plant.asset(event.asset_id) if event.asset_id is not None else None
        row = await store_event(tx, tenant_id, event, asset.site_id if asset else None)
        if row is not None and event.severity is Severity.CRITICAL:
            await incidents.open_for_event(tx, plant, row)

    def _refuse(self, what: str, error: Exception) -> None:
        self.inbox.counts[what] += 1
        log.warning(what, error=_words(error))

    async def _commit_anchor(self, held: Held) -> None:
        tenant_id, anchor = held.tenant_id, held.anchor
        plant = self._plants(tenant_id)
        if plant.asset(anchor.asset_id) is None:
            log.warning("anchor_of_unknown_asset", tenant=tenant_id, asset=anchor.asset_id)
            return
        async with self._database.transaction(tenant_id) as tx:
            opened = await incidents.open_incident(tx, plant, anchor, at=held.taken_at)
            event = _anomaly_event(plant, anchor)
            row = await store_event(tx, tenant_id, event, opened.incident.site_id)
            if row is not None:
                role = "CAUSE" if opened.created else "SYMPTOM"
                await link_event(tx, opened.incident, row.id, role)

    async def do_due(self) -> None:
        """Run every pass that is due, over all tenants."""
        async with self._database.platform("incidents due") as tx:
            statement = (
                select(IncidentRow.tenant_id, IncidentRow.id)
                .where(IncidentRow.next_pass_at <= clock.now())
                .order_by(IncidentRow.next_pass_at)
                .limit(500)
            )
            due = (await tx.session.execute(statement)).all()
        for tenant_id, incident_id in due:
            await self._pass_safely(tenant_id, incident_id)

    async def _pass_safely(self, tenant_id: int, incident_id: UUID) -> None:
        """One incident that cannot be analysed must not keep the others waiting."""
        try:
            await self._claim_and_run(tenant_id, incident_id)
        except BAD_DATA as error:
            if not is_poison(error):
                raise
            attempts = await record_failure(self._database, tenant_id, incident_id, _words(error))
            log.warning("pass_failed", incident=str(incident_id), attempts=attempts, error=_words(error))

    async def _claim_and_run(self, tenant_id: int, incident_id: UUID) -> None:
        async with self._database.transaction(tenant_id) as tx:
            incident = await self._claim(tx, incident_id)
            if incident is None:
                return
            if await self._is_final(tx, incident):
                self._look_after(tx, incident)
                return
            going_on = incident.status in incidents.GOING_ON
            if going_on:
                self._lift(tx, incident)
            plant = self._plants(tenant_id)
            done = await run_pass(tx, incident, plant, self._sensors, order=going_on)
            if not done.analysis.provisional:
                self._look_after(tx, incident)

    def _lift(self, tx: Tx, incident: IncidentRow) -> None:
        """A fault that has grown surer since its anchor is graver; one that fades stays what it was."""
        asset_id = incident.root_asset_id or 0
        asset = self._plants(incident.tenant_id).asset(asset_id)
        if asset is not None:
            probability = self._watch.probability(incident.tenant_id, asset_id)
            incidents.lift(tx, incident, severity_of(probability, asset.criticality_rank))

    async def _claim(self, tx: Tx, incident_id: UUID) -> IncidentRow | None:
        statement = (
            select(IncidentRow)
            .where(IncidentRow.id == incident_id, IncidentRow.next_pass_at <= clock.now())
            .with_for_update(skip_locked=True)
        )
        return (await tx.session.execute(statement)).scalar_one_or_none()

    async def _is_final(self, tx: Tx, incident: IncidentRow) -> bool:
        statement = select(AnalysisRow.id).where(AnalysisRow.incident_id == incident.id, AnalysisRow.is_final)
        return (await tx.session.execute(statement.limit(1))).scalar_one_or_none() is not None

    def _look_after(self, tx: Tx, incident: IncidentRow) -> None:
        """After the window: end the episode once the asset is back to normal, else look again later."""
        if self._watch.is_active(incident.tenant_id, incident.root_asset_id or 0):
            incident.next_pass_at = clock.now() + WATCH_EVERY
            return
        incidents.end_episode(incident, clock.now())
        incident.next_pass_at = None
        incidents.announce(tx, incident, "episode_ended")

    async def run_for_incident(
        self, tenant_id: int, incident_id: UUID, user_id: int | None = None, *, order: bool = True
    ) -> None:
        """Analyse an incident now. Whoever asks while it runs waits for the same run.

        Raises NotFound, and Conflict when it is cancelled.
        """
        asked = (incident_id, order)
        while asked in self._running:
            running = self._running[asked]
            await asyncio.wait([running])
            if not running.cancelled():
                running.result()
                return
        with self._alone(asked) as run:
            work = self._run_now(tenant_id, incident_id, user_id, order)
            await self.runs.follow(tenant_id, incident_id, user_id, work)
            run.set_result(None)

    async def _run_now(self, tenant_id: int, incident_id: UUID, user_id: int | None, order: bool) -> None:
        told = self.runs.reached(tenant_id, incident_id)
        async with self._database.transaction(tenant_id) as tx:
            incident = await incidents.find(tx, incident_id, lock=True)
            plant = self._plants(tenant_id)
            await run_pass(tx, incident, plant, self._sensors, user_id=user_id, order=order, told=told)

    def progress_of(self, incident_id: UUID) -> Progress | None:
        """How far the analysis that somebody asked for has come; None where none runs."""
        return self.runs.of(incident_id)

    def cancel(self, incident_id: UUID) -> bool:
        """Stop the analysis that somebody asked for; False where none runs."""
        return self.runs.cancel(incident_id)

    async def try_rule(self, tenant_id: int, incident_id: UUID, rule: CausalRule) -> RuleTrial:
        """How far a rule would be met by an incident now, and what the analysis would say. Nothing is stored.

        Raises NotFound.
        """
        async with self._database.transaction(tenant_id) as tx:
            incident = await incidents.find(tx, incident_id)
            case = await load_case(tx, incident, self._plants(tenant_id), self._sensors)
        return await asyncio.to_thread(trial_of, case, rule)

    async def what_if(self, tenant_id: int, incident_id: UUID, changes: Changes) -> WhatIf:
        """The analysis of an incident as it is now and as it would be with changes. Nothing is stored.

        Raises NotFound, and Invalid for a change of what plays no part in it.
        """
        async with self._database.transaction(tenant_id) as tx:
            incident = await incidents.find(tx, incident_id)
            case = await load_case(tx, incident, self._plants(tenant_id), self._sensors)
        return await asyncio.to_thread(what_if, case, changes)

    @contextmanager
    def _alone(self, asked: tuple[UUID, bool]) -> Generator[asyncio.Future[None]]:
        """Whoever asks for the same meanwhile finds this run, its result or its error."""
        run: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running[asked] = run
        try:
            yield run
        except BAD_DATA as error:
            run.set_exception(error)
            run.exception()
            raise
        finally:
            del self._running[asked]
            if not run.done():
                run.cancel()

    async def run_for_asset(self, tenant_id: int, asset_id: int, user_id: int | None = None) -> UUID:
        """Analyse an asset now: its open incident, or a new one that is opened for it.

        Raises NotFound.
        """
        plant = self._plants(tenant_id)
        seen = self._watch.seen(tenant_id, asset_id)
        async with self._database.transaction(tenant_id) as tx:
            incident = await incident_of_asset(tx, plant, asset_id, self._sensors, seen)
            incident_id = incident.id
        await self.run_for_incident(tenant_id, incident_id, user_id)
        return incident_id


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


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
