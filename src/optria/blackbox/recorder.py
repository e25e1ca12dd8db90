"""The Recorder: takes anchors and events from the stream and sees every incident through.

What it has not committed it still holds; what it has committed a restart finds in the rows.
"""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from optria.blackbox import analyses, incidents
from optria.blackbox.case_loader import SensorReader, load_case
from optria.blackbox.due import DuePasses
from optria.blackbox.inbox import Inbox
from optria.blackbox.intake import Fence, Intake, open_to_all
from optria.blackbox.late import LateSamples
from optria.blackbox.lingering import lingering
from optria.blackbox.on_demand import incident_of_asset
from optria.blackbox.passes import order_of_latest, run_pass
from optria.blackbox.poison import BAD_DATA
from optria.blackbox.progress import Progress, Runs
from optria.blackbox.returning import hear_the_critical, return_over
from optria.blackbox.sealing import seal_due
from optria.blackbox.watch import Watch
from optria.core.asset import PlantModel
from optria.core.event import Event
from optria.core.incident import Anchor
from optria.db.session import Database
from optria.kit import clock
from optria.rca.rules import CausalRule
from optria.rca.trial import RuleTrial, trial_of
from optria.rca.what_if import Changes, WhatIf, what_if
from optria.streams.late import Late

LOOK_EVERY_S = 1.0
RESOLVED_EVERY_S = 30.0
SEALED_EVERY_S = 10.0
HEARD_EVERY_S = 5.0
LATE_EVERY_S = 10.0


class Recorder:
    """One per process. ``anchor`` and ``event`` are called by the stream and never wait.

    ``plants`` gives a tenant's configuration; ``fence`` raises Fenced in a transaction of what the stream
    said while another server runs the stream.
    """

    def __init__(
        self,
        database: Database,
        plants: Callable[[int], PlantModel],
        sensors: SensorReader,
        watch: Watch,
        fence: Fence = open_to_all,
    ) -> None:
        self._database = database
        self._plants = plants
        self._sensors = sensors
        self._watch = watch
        self.inbox = Inbox()
        self._intake = Intake(database, plants, self.inbox, fence)
        self._due = DuePasses(database, plants, sensors, watch)
        self._work = asyncio.Event()
        self._look_at_resolved_at = 0.0
        self._seal_at = self._late_at = self._hear_at = 0.0
        self._late = LateSamples()
        self.runs = Runs(database.bus)
        self._running: dict[tuple[UUID, bool], asyncio.Future[None]] = {}

    def anchor(self, tenant_id: int, anchor: Anchor, *, once: bool = False) -> None:
        """Take an anchor; one that a detector has just set comes ``once``, however often it is replayed."""
        self.inbox.put_anchor(tenant_id, anchor, once=once)
        self._work.set()

    def event(self, tenant_id: int, event: Event) -> None:
        """Take an event from the stream."""
        self.inbox.put_event(tenant_id, event)
        self._work.set()

    def late(self, tenant_id: int, late: Late) -> None:
        """Samples came after their time: open incidents that they belong to are analysed with them."""
        self._late.note(tenant_id, late)

    def wake(self) -> None:
        """Look for due incidents now."""
        self._work.set()

    async def run(self) -> None:
        """Work until cancelled. A database error ends it; whoever supervises starts it again."""
        while True:
            self._work.clear()
            await self.drain()
            await self.reanalyse_late()
            await self.do_due()
            await self.look_at_resolved()
            await self.hear_again()
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

    async def reanalyse_late(self) -> None:
        """Bring the analyses forward that late samples belong to; seldom enough to gather them first."""
        now = asyncio.get_running_loop().time()
        if self._late and now >= self._late_at:
            self._late_at = now + LATE_EVERY_S
            await self._late.bring_forward(self._database)

    async def hear_again(self) -> None:
        """Open what goes on behind shelvings and maintenance windows that are over."""
        now = asyncio.get_running_loop().time()
        if now >= self._hear_at:
            self._hear_at = now + HEARD_EVERY_S
            await return_over(self._database, self._plants, self._watch)
            await hear_the_critical(self._database, self._plants, self._watch)

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
        await self._intake.drain()

    async def do_due(self) -> None:
        """Run every pass that is due, over all tenants."""
        await self._due.run()

    async def run_for_incident(
        self,
        tenant_id: int,
        incident_id: UUID,
        user_id: int | None = None,
        *,
        order: bool = True,
        asked_at: datetime | None = None,
    ) -> None:
        """Analyse an incident now. Whoever asks while it runs, here or in another process, waits for the same
        run: an analysis that was stored since ``asked_at`` (None: now) is the one that was asked for.

        Raises NotFound, and Conflict when it is cancelled.
        """
        asked, asked_at = (incident_id, order), asked_at or clock.now()
        while asked in self._running:
            running = self._running[asked]
            await asyncio.wait([running])
            if not running.cancelled():
                running.result()
                return
        with self._alone(asked) as run:
            work = self._run_now(tenant_id, incident_id, user_id, order, asked_at)
            await self.runs.follow(tenant_id, incident_id, user_id, work)
            run.set_result(None)

    async def _run_now(
        self, tenant_id: int, incident_id: UUID, user_id: int | None, order: bool, asked_at: datetime
    ) -> None:
        told = self.runs.reached(tenant_id, incident_id)
        async with self._database.transaction(tenant_id) as tx:
            incident = await incidents.find(tx, incident_id, lock=True)
            plant = self._plants(tenant_id)
            if not await analyses.stored_since(tx, incident, asked_at):
                await run_pass(tx, incident, plant, self._sensors, user_id=user_id, order=order, told=told)
            elif order:
                await order_of_latest(tx, incident, plant)

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

    async def run_for_asset(
        self, tenant_id: int, asset_id: int, user_id: int | None = None, *, asked_at: datetime | None = None
    ) -> UUID:
        """Analyse an asset now: its open incident, or a new one that is opened for it.

        ``asked_at`` as in :meth:`run_for_incident`. Raises NotFound.
        """
        asked_at = asked_at or clock.now()
        plant = self._plants(tenant_id)
        seen = self._watch.seen(tenant_id, asset_id)
        async with self._database.transaction(tenant_id) as tx:
            incident = await incident_of_asset(tx, plant, asset_id, self._sensors, seen, asked_at)
            incident_id = incident.id
        await self.run_for_incident(tenant_id, incident_id, user_id, asked_at=asked_at)
        return incident_id
