"""One partition of the log, from its messages to anchors, incidents and stored samples."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.app.plants import Plants
from optria.app.streams import Streams
from optria.blackbox.inbox import Inbox
from optria.blackbox.intake import Intake
from optria.core.asset import PlantModel
from optria.core.errors import DatabaseUnavailable, Invalid
from optria.core.event import Event
from optria.core.incident import Anchor
from optria.db.leases import Lease
from optria.db.session import Database
from optria.kit.log import Log
from optria.kit.settings import Settings
from optria.streams.late import Late
from optria.streams.partitions import part_of
from optria.streams.wire import from_bytes

log = structlog.get_logger(__name__)

MESSAGES: Final = 500
"""After so many a checkpoint is stored, or"""
EVERY_S: Final = 5.0
"""after so many seconds: whatever comes after it is read again from the log."""
QUIET_S: Final = 0.25
AGAIN_S: Final = 0.5


class Partition:
    """Runs under a lease until it is cancelled, or another server holds the lease."""

    def __init__(
        self,
        database: Database,
        plants: Plants,
        settings: Settings,
        log_: Log,
        number: int,
        lease: Lease,
        wake: Callable[[], None],
    ) -> None:
        self.number, self.lease, self._log, self._plants = number, lease, log_, plants
        self._wake = wake
        mine = Plants({plant.tenant_id: self._part(plant.tenant_id) for plant in plants})
        self.streams = Streams(mine, database, settings, lease.name, is_spooled=False)
        self.streams.fence.lease = lease
        self.inbox = Inbox()
        self.streams.tell(self)
        self._intake = Intake(database, plants, self.inbox, self.streams.fence.hold)
        self.position = 0
        self._unsaved = 0

    def anchor(self, tenant_id: int, anchor: Anchor, *, once: bool = False) -> None:
        self.inbox.put_anchor(tenant_id, anchor, once=once)

    def event(self, tenant_id: int, event: Event) -> None:
        self.inbox.put_event(tenant_id, event)

    def late(self, tenant_id: int, late: Late) -> None:
        """The server that analyses reads late samples from the stored history."""

    async def run(self) -> None:
        """Go on after the last checkpoint, for ever."""
        await self.streams.restore()
        positions = [self.streams.positions.get(tenant_id, 0) for tenant_id in self.streams]
        self.position = min(positions, default=0)
        coming: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(MESSAGES)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read(coming), name=f"reading {self.lease.name}")
            await self._work(coming)
            reading.cancel()

    async def _read(self, coming: asyncio.Queue[tuple[int, bytes]]) -> None:
        async for message in self._log.read(self.number, self.position):
            await coming.put(message)

    async def _work(self, coming: asyncio.Queue[tuple[int, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        saved_at = loop.time()
        while self.streams.fence.is_on_duty:
            await self._take(coming)
            await self._commit()
            if self._unsaved >= MESSAGES or (self._unsaved and loop.time() - saved_at >= EVERY_S):
                await self._save()
                saved_at = loop.time()

    async def _take(self, coming: asyncio.Queue[tuple[int, bytes]]) -> None:
        """What comes within a moment, at most as much as a checkpoint is worth."""
        self._follow_plants()
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                self._take_in(*await coming.get())
        for _ in range(min(coming.qsize(), MESSAGES - min(self._unsaved, MESSAGES))):
            self._take_in(*coming.get_nowait())

    def _take_in(self, position: int, data: bytes) -> None:
        self.position = position
        self._unsaved += 1
        try:
            tenant_id, batch = from_bytes(data)
        except Invalid as error:
            log.warning("message_left_out", partition=self.number, position=position, error=str(error))
            return
        if tenant_id in self.streams and position > self.streams.positions.get(tenant_id, 0):
            self.streams.ingest(tenant_id, batch)
            self.streams.positions[tenant_id] = position

    def _part(self, tenant_id: int) -> PlantModel:
        return part_of(self._plants(tenant_id), self.number, self._log.partitions)

    def _follow_plants(self) -> None:
        for plant in self._plants:
            mine = self._part(plant.tenant_id)
            running = self.streams.get(plant.tenant_id)
            if (running is None and mine.mappings) or (running is not None and running.plant != mine):
                self.streams.configure(mine)

    async def _commit(self) -> None:
        """Anchors and events of what was taken in; without the database they wait."""
        if not self.inbox:
            return
        with suppress(SQLAlchemyError, DatabaseUnavailable, OSError, TimeoutError):
            await self._intake.drain()
            self._wake()

    async def _save(self) -> None:
        """Nothing is given up without the database: what was read is read again after a restart."""
        self.streams.positions = dict.fromkeys(self.streams, self.position)
        try:
            await self.streams.save()
            self._unsaved = 0
        except (SQLAlchemyError, DatabaseUnavailable, OSError, TimeoutError) as error:
            log.debug("checkpoint_postponed", partition=self.number, error=str(error))
            await asyncio.sleep(AGAIN_S)
