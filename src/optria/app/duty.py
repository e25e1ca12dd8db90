"""Which of several servers of one database runs the sources and detectors: the one that holds the lease.

The others stand by: they serve every page, show what is stored, and take over when the holder is not heard
of. Without the database the one that is running goes on; what it sees waits.
"""

import asyncio
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.app.holder import holder_name, is_gone
from optria.app.sources import Sources
from optria.app.streams import Streams
from optria.core.errors import DatabaseUnavailable
from optria.core.messages import Message
from optria.db.leases import LEASE_S, Lease, claim, end, holder_of, renew
from optria.db.session import Database

log = structlog.get_logger(__name__)

NAME: Final = "streams"
RENEW_S: Final = LEASE_S / 4


class Duty:
    """``begin`` once, ``run`` for ever, ``end`` at the stop.

    ``name`` is the lease to hold (None: stand by for ever); ``is_scored`` whether samples are scored here, or
    only taken in for the log.
    """

    def __init__(
        self,
        database: Database,
        streams: Streams,
        sources: Sources,
        name: str | None = NAME,
        *,
        is_scored: bool = True,
    ) -> None:
        self._database, self._streams, self._sources = database, streams, sources
        self._name, self._is_scored = name, is_scored
        self._holder = holder_name()
        self.lease: Lease | None = None

    async def begin(self) -> None:
        """Go on duty if nobody is, else stand by; before anything runs."""
        lease = await self._claimed()
        if lease is None or not self._is_scored:
            self._streams.stand_by()
            await self._streams.follow_stored()
        if lease is None:
            self._sources.is_allowed = False
            log.info("standing_by", lease=self._name)
            return
        self.lease = lease
        if self._is_scored:
            self._streams.fence.lease = lease
            await self._streams.restore()

    async def run(self) -> None:
        """Keep the lease, or look for one that is free."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self._turn()
            except (SQLAlchemyError, DatabaseUnavailable, OSError, TimeoutError) as error:
                log.debug("duty_unknown", error=str(error))

    async def end(self) -> None:
        """Let the next one take over at once."""
        if self.lease is not None:
            await end(self._database, self.lease)
            self.lease = None

    async def _turn(self) -> None:
        if self.lease is None:
            await self._stand_by_or_take_over()
        elif self._is_fenced() or not await renew(self._database, self.lease):
            log.warning("duty_lost", epoch=self.lease.epoch)
            self.lease = None
            self._streams.stand_by()
            await self._sources.allow(allowed=False)
        elif not self._is_scored:
            await self._streams.follow_stored()

    def _is_fenced(self) -> bool:
        return self._is_scored and not self._streams.fence.is_on_duty

    async def _stand_by_or_take_over(self) -> None:
        lease = await self._claimed()
        if lease is None:
            self._streams.stand_by()
            await self._sources.allow(allowed=False)
            await self._streams.follow_stored()
            return
        log.info("duty_taken", epoch=lease.epoch)
        self.lease = lease
        await self._sources.allow(allowed=False)  # what comes while state is restored would not be scored
        if self._is_scored:
            await self._streams.take_over(lease)
        await self._sources.allow(allowed=True)
        for tenant_id in self._streams:
            self._database.bus.publish(Message(tenant_id, "configuration", "duty_taken", "", None))

    async def _claimed(self) -> Lease | None:
        if self._name is None:
            return None
        holder = await holder_of(self._database, self._name)
        is_dead = holder is not None and await asyncio.to_thread(is_gone, holder)
        gone = (holder,) if holder and is_dead else ()
        return await claim(self._database, self._name, self._holder, gone=gone)
