"""The partitions of the log that this server has taken: read, scored, stored.

Each partition has a lease, streams, an inbox and checkpoints of its own. What is committed of it is asked for
its lease in the same transaction, so whoever was paused and comes back stores nothing more. Its checkpoint
says which message it has come to: whoever takes it over reads on from there.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.app.holder import holder_name, is_gone
from optria.app.partition import Partition
from optria.app.plants import Plants
from optria.blackbox.watch import Watch
from optria.core.errors import DatabaseUnavailable
from optria.core.incident import Anchor
from optria.db.leases import LEASE_S, Lease, claim, end, holder_of, holders, renew
from optria.db.session import Database
from optria.kit.log import Log, partition_of
from optria.kit.settings import Settings
from optria.streams.partitions import key_of

log = structlog.get_logger(__name__)

TURN_S: Final = LEASE_S / 4


class Workers(Watch):
    """``run`` for ever, ``end`` at the stop. It is also what the Recorder asks about the detectors."""

    def __init__(
        self,
        database: Database,
        plants: Plants,
        settings: Settings,
        log_: Log,
    ) -> None:
        self._database, self._plants, self._settings, self._log = database, plants, settings, log_
        self._holder = holder_name()
        self.wake: Callable[[], None] = _nobody
        self._self: Lease | None = None
        self._running: dict[int, tuple[Partition, asyncio.Task[None]]] = {}

    @property
    def partitions(self) -> Mapping[int, Partition]:
        """Those that run here."""
        return {number: partition for number, (partition, _) in self._running.items()}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            try:
                while True:
                    try:
                        await self._turn(group)
                    except (SQLAlchemyError, DatabaseUnavailable, OSError, TimeoutError) as error:
                        log.debug("partitions_unknown", error=str(error))
                    await asyncio.sleep(TURN_S)
            finally:
                await self._stop_all()

    async def end(self) -> None:
        """Give everything back, so that others take over at once."""
        if self._self is not None:
            await end(self._database, self._self)

    def is_active(self, tenant_id: int, asset_id: int) -> bool:
        found = self._of(tenant_id, asset_id)
        return found is None or found.streams.is_active(tenant_id, asset_id)

    def probability(self, tenant_id: int, asset_id: int) -> float:
        found = self._of(tenant_id, asset_id)
        return found.streams.probability(tenant_id, asset_id) if found else 0.0

    def seen(self, tenant_id: int, asset_id: int) -> Anchor | None:
        found = self._of(tenant_id, asset_id)
        return found.streams.seen(tenant_id, asset_id) if found else None

    def _of(self, tenant_id: int, asset_id: int) -> Partition | None:
        return self.partitions.get(partition_of(key_of(tenant_id, asset_id), self._log.partitions))

    async def _turn(self, group: asyncio.TaskGroup) -> None:
        """Renew what is held, and take a fair share of what is free."""
        await self._say_alive()
        for number, (partition, task) in list(self._running.items()):
            if task.done() or not await renew(self._database, partition.lease):
                await self._stop(number)
        share = -(-self._log.partitions // max(1, len(await holders(self._database, "worker "))))
        for number in range(self._log.partitions):
            if number not in self._running and len(self._running) < share:
                await self._try(number, group)
        for number in sorted(self._running)[share:]:
            lease = self._running[number][0].lease
            await self._stop(number)
            await end(self._database, lease)

    async def _say_alive(self) -> None:
        if self._self is None or not await renew(self._database, self._self):
            self._self = await claim(self._database, f"worker {self._holder}"[:100], self._holder)

    async def _try(self, number: int, group: asyncio.TaskGroup) -> None:
        name = name_of(number, self._log.partitions)
        holder = await holder_of(self._database, name)
        is_dead = holder is not None and await asyncio.to_thread(is_gone, holder)
        gone = (holder,) if holder and is_dead else ()
        lease = await claim(self._database, name, self._holder, gone=gone)
        if lease is None:
            return
        log.info("partition_taken", partition=number, epoch=lease.epoch)
        partition = Partition(
            self._database, self._plants, self._settings, self._log, number, lease, self.wake
        )
        self._running[number] = partition, group.create_task(_run(partition, number), name=name)

    async def _stop(self, number: int) -> None:
        partition, task = self._running.pop(number)
        log.info("partition_left", partition=number, epoch=partition.lease.epoch)
        task.cancel()
        await asyncio.wait([task])

    async def _stop_all(self) -> None:
        for number in list(self._running):
            lease = self._running[number][0].lease
            await self._stop(number)
            try:
                await end(self._database, lease)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("lease_not_given_back", partition=number, error=str(error))


async def _run(partition: Partition, number: int) -> None:
    """A failure ends this partition, which is then taken anew, and none of the others."""
    try:
        await partition.run()
    except Exception:
        log.exception("partition_failed", partition=number)


def _nobody() -> None:
    """Nobody is to be told of what was committed."""


def name_of(number: int, partitions: int) -> str:
    return f"partition {number} of {partitions}"
