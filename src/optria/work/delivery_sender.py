"""The sender: looks for due rows and works through each destination in turn, all destinations side by side.

At least once: whoever dies between the receiver's yes and our commit is repeated with the same key after the
lease. No transaction is open while something is sent.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

import structlog
from sqlalchemy import select

from optria.db.identity import Tenant
from optria.db.session import Database, Tx
from optria.kit.correlation import correlated
from optria.kit.secrets import sealer_of
from optria.kit.settings import Settings
from optria.work.delivery_channels import CHANNELS, NotSent, missing
from optria.work.delivery_email import open_email
from optria.work.delivery_people import PersonQueue
from optria.work.delivery_queue import Claim
from optria.work.delivery_webhooks import WebhookQueue, hosts_of
from optria.work.handovers import tell_handovers

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 1.0
AT_ONCE: Final = 16
"""Destinations that are worked at side by side."""


class Destination(Protocol):
    @property
    def tenant_id(self) -> int: ...
    def __hash__(self) -> int: ...


class Claimed(Protocol):
    """What is sent; ``incidents`` are those it tells of, for the log."""

    @property
    def claim(self) -> Claim: ...
    @property
    def incidents(self) -> Sequence[str]: ...


To = TypeVar("To", bound=Destination)
Job = TypeVar("Job", bound=Claimed)


class Queue(Protocol[To, Job]):
    """Where rows wait: of people or of webhooks."""

    async def due(self, tx: Tx) -> list[To]: ...
    async def claim(self, tx: Tx, destination: To) -> Job | None: ...
    async def send(self, destination: To, job: Job) -> None: ...
    async def settle(self, tx: Tx, destination: To, job: Job, failure: NotSent | None) -> None: ...


class Sender:
    """One per process; several processes share the rows."""

    def __init__(self, database: Database, people: PersonQueue, webhooks: WebhookQueue) -> None:
        self._database = database
        self._people = people
        self._webhooks = webhooks
        self._busy: set[Destination] = set()

    async def run(self) -> None:
        """Work until cancelled. A database error ends it; whoever supervises starts it again."""
        self._busy.clear()
        await self._warn()
        async with asyncio.TaskGroup() as group:
            group.create_task(tell_handovers(self._database))
            while True:
                await self._start_due(group, self._people)
                await self._start_due(group, self._webhooks)
                await asyncio.sleep(LOOK_EVERY_S)

    async def drain(self) -> None:
        """Send everything that is due now, then return."""
        await self._drain(self._people)
        await self._drain(self._webhooks)

    async def _drain(self, queue: Queue[To, Job]) -> None:
        for destination in await self._due(queue):
            while await self._send_next(queue, destination):
                pass

    async def _start_due(self, group: asyncio.TaskGroup, queue: Queue[To, Job]) -> None:
        for destination in await self._due(queue):
            if destination not in self._busy and len(self._busy) < AT_ONCE:
                self._busy.add(destination)
                group.create_task(self._work(queue, destination))

    async def _due(self, queue: Queue[To, Job]) -> list[To]:
        async with self._database.platform("deliveries due") as tx:
            return await queue.due(tx)

    async def _work(self, queue: Queue[To, Job], destination: To) -> None:
        try:
            while await self._send_next(queue, destination):
                pass
        finally:
            self._busy.discard(destination)

    async def _send_next(self, queue: Queue[To, Job], destination: To) -> bool:
        """One delivery of a destination; whether there was one."""
        async with self._database.transaction(destination.tenant_id) as tx:
            job = await queue.claim(tx, destination)
        if job is None:
            return False
        with correlated(delivery=job.claim.row_id, incident=" ".join(job.incidents)):
            await self._send(queue, destination, job)
        return True

    async def _send(self, queue: Queue[To, Job], destination: To, job: Job) -> None:
        failure = None
        try:
            await queue.send(destination, job)
        except NotSent as error:
            failure = error
            log.warning("not_sent", destination=str(destination), error=str(error), final=error.is_final)
        async with self._database.transaction(destination.tenant_id) as tx:
            await queue.settle(tx, destination, job, failure)
        if failure is None:
            log.info("delivered", destination=str(destination))

    async def _warn(self) -> None:
        """Say at start which tenants ask for a channel that nothing sends by."""
        async with self._database.platform("channels of tenants") as tx:
            tenants = await tx.session.execute(select(Tenant.id, Tenant.settings))
            asked = {
                (tenant_id, name)
                for tenant_id, settings in tenants
                for name in _names((settings or {}).get("channels"))
            }
        for tenant_id, name in sorted(asked):
            if (why := missing(name)) is not None:
                log.warning("channel_without_sender", tenant=tenant_id, channel=name, why=why)


def _names(channels: object) -> list[str]:
    return [name for name in channels if isinstance(name, str)] if isinstance(channels, list) else []


def open_sender(database: Database, settings: Settings) -> Sender:
    """The sender of an installation; puts the channels that are set up into ``CHANNELS``.

    Reads certificates and keys: not for the event loop.

    Raises:
        ConfigurationError: e-mail or the hosts of webhooks are set up wrongly, or the keys of secrets cannot
            be read.
    """
    CHANNELS.clear()
    email = open_email(settings)
    if email is not None:
        CHANNELS["email"] = email
    webhooks = WebhookQueue(sealer_of(settings), ssl.create_default_context(), hosts_of(settings))
    return Sender(database, PersonQueue(), webhooks)
