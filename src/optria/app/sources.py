"""The connections of the tenants: one supervised connector each, feeding its tenant's stream."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import or_, select

from optria.app.source_alerts import TellRefusal, refusals_told
from optria.app.streams import Streams
from optria.connectors import make_connector
from optria.connectors.allowed_hosts import Reach
from optria.connectors.base import Connector, Gap, Link, LinkState, Remains, Resuming
from optria.connectors.secrets import Vault
from optria.core.asset import PlantModel
from optria.core.errors import ConnectorRefused, OptriaError
from optria.core.tag import SampleBatch, SignalMapping, from_micros
from optria.db.plant import Integration
from optria.db.session import Database
from optria.kit import clock
from optria.kit.secrets import sealer_of
from optria.kit.settings import Settings
from optria.kit.supervise import Supervisor

log = structlog.get_logger(__name__)

STOP_TIMEOUT_S = 5.0
LEAST_OVERLAP = timedelta(seconds=60)
SCANS_OF_OVERLAP = 3


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as it is configured; another configuration is another one."""

    tenant_id: int
    integration_id: int
    name: str
    kind: str
    config: Mapping[str, Any]
    mappings: tuple[SignalMapping, ...]


class Source:
    """One running connection. Its connector is made anew for every try; the link state stays, and so does
    what a source keeps of a connection that was cut off. A refusal is told once, until it connects again."""

    def __init__(
        self,
        connection: Connection,
        streams: Streams,
        settings: Settings,
        reach: Reach,
        tell_refusal: TellRefusal | None = None,
    ) -> None:
        self.connection = connection
        self._streams = streams
        self._backfill = timedelta(minutes=settings.backfill_minutes)
        self._settings = settings
        self._reach = reach
        self._link = Link(tags=len(connection.mappings))
        self._filled_from: datetime | None = None
        self._clock_told_s: float | None = None
        self._remains: Remains | None = None
        self._tell_refusal = tell_refusal
        self._told: str | None = None
        self.refused_at: datetime | None = None
        """When a certificate or a sign-in was refused last; None once it is connected."""

    @property
    def integration_id(self) -> int:
        return self.connection.integration_id

    @property
    def name(self) -> str:
        return self.connection.name

    @property
    def state(self) -> str:
        return self._link.state.value

    @property
    def rate(self) -> float:
        return self._link.rate if self._link.state is LinkState.CONNECTED else 0.0

    @property
    def lag_s(self) -> float | None:
        return self._link.lag_s

    @property
    def last_error(self) -> str | None:
        return self._link.last_error if self._link.state is not LinkState.CONNECTED else None

    @property
    def warning(self) -> str | None:
        return self._link.warning if self._link.state is LinkState.CONNECTED else None

    @property
    def tags(self) -> int:
        return self._link.tags

    @property
    def since(self) -> datetime | None:
        return self._link.since

    @property
    def missing(self) -> tuple[str, ...]:
        return self._link.missing

    @property
    def received(self) -> int:
        return self._link.received

    @property
    def backfilled(self) -> int:
        return self._link.backfilled

    @property
    def backfill_progress(self) -> float:
        return self._link.backfill_progress

    @property
    def backfill_from(self) -> datetime | None:
        return self._filled_from

    @property
    def rejected(self) -> Mapping[str, int]:
        return self._link.rejected

    async def run(self) -> None:
        """Connect and feed the stream until something fails, which it says and raises."""
        try:
            connector = await self._connector()
            connector.link.last_error = self._link.last_error
            self._link = connector.link
            if isinstance(connector, Resuming):
                connector.resume(self._remains)
            self._filled_from = self._since()
            try:
                await connector.run(self.connection.mappings, self._ingest, self._filled_from)
            finally:
                self._remains = connector.remains if isinstance(connector, Resuming) else None
        except ConnectorRefused as refusal:
            self._link.lost(str(refusal))
            self.refused_at = clock.now()
            await self._tell(refusal)
            raise
        except OptriaError as error:
            self._link.lost(str(error))
            raise
        finally:
            if self._link.state is not LinkState.LOST:
                self._link.lost("The connection ended unexpectedly; it is tried again.")

    async def _tell(self, refusal: ConnectorRefused) -> None:
        one = self.connection
        if self._tell_refusal is None or self._told == refusal.key:
            return
        if await self._tell_refusal(one.tenant_id, one.integration_id, one.name, refusal):
            self._told = refusal.key

    def _ingest(self, batch: SampleBatch) -> None:
        self._told = self.refused_at = None
        if self._link.clock_ahead_s not in (None, self._clock_told_s):
            self._clock_told_s = self._link.clock_ahead_s
            one = self.connection
            self._streams.clock_told(one.tenant_id, one.integration_id, self._link.clock_ahead_s or 0.0)
        self._streams.ingest(self.connection.tenant_id, batch)

    async def _connector(self) -> Connector:
        """With its secrets opened for this try alone. Raises ConfigurationError when one does not open."""
        one = self.connection
        sealer = await asyncio.to_thread(sealer_of, self._settings)
        config = Vault(sealer, one.tenant_id, one.integration_id).open(one.config)
        return make_connector(one.kind, config, self._settings.home_folder, self._reach)

    def _since(self) -> datetime:
        """Where history is taken up: a little before the newest sample known, at most the backfill back.

        Tags are not equally far when a link is lost; what had come already is dropped by the gate. What a
        longer outage leaves out is said.
        """
        earliest = clock.now() - self._backfill
        live = self._streams[self.connection.tenant_id].live
        known = [live.latest(mapping.id) for mapping in self.connection.mappings]
        newest = max((latest[1] for latest in known if latest is not None), default=None)
        if newest is None:
            return earliest
        until = from_micros(int(newest * 1000))
        self._say_unfilled(until, earliest)
        return max(earliest, until - self._overlap())

    def _overlap(self) -> timedelta:
        slowest_s = max(mapping.scan_s for mapping in self.connection.mappings)
        return max(LEAST_OVERLAP, timedelta(seconds=SCANS_OF_OVERLAP * slowest_s))

    def _say_unfilled(self, until: datetime, earliest: datetime) -> None:
        if until >= earliest:
            return
        self._link.gaps.append(Gap(until, earliest, len(self.connection.mappings)))
        self._link.warn(
            "gap",
            f"The link was lost for longer than the {self._backfill / timedelta(minutes=1):.0f} minutes that "
            f"are filled from the source's history: from {until:%Y-%m-%d %H:%M} to {earliest:%H:%M} UTC "
            "values are missing. Set OPTRIA_BACKFILL_MINUTES higher to have more of it filled.",
        )


class Sources:
    """The running connections: begun, ended and begun anew as the configuration asks.

    Raises ConfigurationError for settings of hosts and folders that cannot be meant.
    """

    def __init__(
        self,
        database: Database,
        streams: Streams,
        settings: Settings,
        supervisor: Supervisor,
    ) -> None:
        self._database, self._streams = database, streams
        self._settings, self._supervisor = settings, supervisor
        self._reach = Reach.of(settings)
        self._running: dict[int, tuple[Source, asyncio.Task[None]]] = {}
        self._only = frozenset(filter(None, (one.strip() for one in settings.connections.split(","))))
        self.is_allowed = True
        """While another server runs the connections, none is begun here."""

    @property
    def tenants(self) -> set[int]:
        """Tenants with a running connection."""
        return {source.connection.tenant_id for source, _ in self._running.values()}

    def of(self, tenant_id: int) -> list[Source]:
        """The running connections of a tenant."""
        return [source for source, _ in self._running.values() if source.connection.tenant_id == tenant_id]

    async def follow(self, plant: PlantModel, group: asyncio.TaskGroup) -> None:
        """Run exactly the active connections of a plant."""
        await self.run_exactly(plant.tenant_id, await connections(self._database, plant), group)

    async def run_exactly(
        self, tenant_id: int, configured: Sequence[Connection], group: asyncio.TaskGroup
    ) -> None:
        """Begin and end connections of a tenant; one that is configured as before is left alone."""
        wanted = {each.integration_id: each for each in configured if self._is_ours(each)}
        for source in self.of(tenant_id):
            if wanted.get(source.integration_id) == source.connection:
                del wanted[source.integration_id]
                self._try_if_trusted(source)
            else:
                await self._end(source)
        for connection in wanted.values():
            self._begin(connection, group)

    def _is_ours(self, connection: Connection) -> bool:
        return self.is_allowed and (not self._only or str(connection.integration_id) in self._only)

    async def allow(self, *, allowed: bool) -> None:
        """Let connections run from the next look at the configuration on, or end them all now."""
        self.is_allowed = allowed
        if not allowed:
            for source, _ in list(self._running.values()):
                await self._end(source)

    def _try_if_trusted(self, source: Source) -> None:
        """Have a refused connection tried at once when somebody has trusted a certificate since."""
        if source.refused_at is not None and trusted_at(self._settings.home_folder) > source.refused_at:
            self._supervisor.wake(_task_name(source))

    async def stop(self) -> None:
        """End every connection; what still runs after :data:`STOP_TIMEOUT_S` is left behind, and said."""
        tasks = {task: source for source, task in self._running.values()}
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)
            for task in late:
                log.warning("source_did_not_stop", source=tasks[task].name)

    def _begin(self, connection: Connection, group: asyncio.TaskGroup) -> None:
        tell = refusals_told(self._database)
        source = Source(connection, self._streams, self._settings, self._reach, tell)
        name = _task_name(source)
        task = group.create_task(self._supervisor.keep(name, source.run), name=name)
        self._running[connection.integration_id] = source, task

    async def _end(self, source: Source) -> None:
        _, task = self._running.pop(source.integration_id)
        task.cancel()
        await asyncio.wait([task], timeout=STOP_TIMEOUT_S)
        self._supervisor.forget(_task_name(source))


def trusted_at(home: Path) -> datetime:
    """When the certificates that the installation trusts were changed last."""
    try:
        return datetime.fromtimestamp((home / "pki" / "trusted").stat().st_mtime, UTC)
    except OSError:
        return datetime.min.replace(tzinfo=UTC)


def _task_name(source: Source) -> str:
    return f"source {source.integration_id} {source.name}"


async def connections(database: Database, plant: PlantModel) -> list[Connection]:
    """The active connections of a tenant that have mapped signals; a demo stream runs when it is started."""
    is_wanted = or_(Integration.integration_type != "demo", Integration.demo_stream_active.is_(True))
    async with database.transaction(plant.tenant_id) as tx:
        statement = (
            select(Integration).where(Integration.is_active.is_not(False), is_wanted).order_by(Integration.id)
        )
        rows = (await tx.session.execute(statement)).scalars().all()
    mapped = {row.id: tuple(m for m in plant.mappings if m.integration_id == row.id) for row in rows}
    return [
        Connection(row.tenant_id, row.id, row.name, row.integration_type, dict(row.config), mapped[row.id])
        for row in rows
        if mapped[row.id]
    ]
