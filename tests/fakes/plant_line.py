"""A plant's OPC UA server, a link that can be cut, and the product's own source at the end of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from asyncua import ua
from asyncua.crypto.validator import CertificateValidatorMethod
from structlog.testing import capture_logs

from optria.app.plants import load_plants
from optria.app.source_alerts import refusals_told
from optria.app.sources import Source, connections
from optria.app.streams import Streams
from optria.connectors.allowed_hosts import Reach
from optria.connectors.base import LinkState
from optria.core.roles import Role
from optria.core.tag import SampleBatch
from optria.db.session import Database
from optria.kit.certificates import OwnCertificate
from optria.kit.settings import Settings
from optria.kit.supervise import Supervisor
from optria.simulator.opcua_server import OpcUaEndpoint, opcua_server
from optria.simulator.source import Series
from tests import factories
from tests.fakes.plant import FakePlant
from tests.fakes.programs import free_port
from tests.fakes.proxy import Proxy, proxied
from tests.fakes.waiting import until

Key = tuple[int, int]
"""A tag and a source time."""


class Taken(Streams):
    """The product's streams, which also count what they are given."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.taken: list[SampleBatch] = []
        self.last_at = 0.0

    def ingest(self, tenant_id: int, batch: SampleBatch) -> None:
        self.taken.append(batch)
        self.last_at = asyncio.get_running_loop().time()
        super().ingest(tenant_id, batch)

    @property
    def all(self) -> SampleBatch:
        return SampleBatch.concat(self.taken)

    def counted(self) -> Counter[Key]:
        """How often each sample came; the marks of gaps are none."""
        everything = self.all
        real = everything.select(~np.isnan(everything.value))
        return Counter(zip(real.tag.tolist(), real.source_time.tolist(), strict=True))


@dataclass(slots=True)
class Certificates:
    """The one that the server shows from its next start on."""

    shown: OwnCertificate


class Forgetful(FakePlant):
    """A server of it has no history, and says so."""

    def history(self, name: str, start: datetime, end: datetime, limit: int) -> Series:
        raise ua.uaerrors.BadHistoryOperationUnsupported


@dataclass(slots=True)
class Tally:
    """What came of what the plant measured: samples lost, and given more than once."""

    measured: int
    lost: int
    duplicated: int


@dataclass(slots=True)
class PlantLine:
    """``source`` reads ``plant`` over ``proxy``; ``stop_server`` and ``start_server`` are the server's."""

    plant: FakePlant
    proxy: Proxy
    source: Source
    streams: Taken
    supervisor: Supervisor
    endpoint: OpcUaEndpoint
    stop_server: Callable[[], Awaitable[None]]
    start_server: Callable[[], Awaitable[None]]
    tags: dict[str, int]
    tenant_id: int

    async def until(self, state: LinkState) -> None:
        await until(lambda: self.source.state == state)

    async def flowing(self) -> None:
        """Connected, and values come."""
        await self.until(LinkState.CONNECTED)
        count = len(self.streams.taken)
        await until(lambda: len(self.streams.taken) > count)

    async def caught_up(self) -> None:
        """The newest value of every tag has come."""
        newest = {self.tags[name]: self.plant.rows[name][-1][0] for name in self.plant.names}
        await until(lambda: self._has(newest))

    def _has(self, newest: dict[int, int]) -> bool:
        got = self.streams.all
        return all(int(got.source_time[got.tag == tag].max(initial=0)) >= at for tag, at in newest.items())

    def tally(self) -> Tally:
        """Of all that was measured from the first sample taken on."""
        keys = self.streams.counted()
        first = min(time for _tag, time in keys)
        measured = {
            (self.tags[name], time)
            for name in self.plant.names
            for time, _value, _quality in self.plant.rows[name]
            if time >= first
        }
        twice = sum(count - 1 for key, count in keys.items() if key in measured)
        return Tally(len(measured), len(measured - set(keys)), twice)


@asynccontextmanager
async def plant_line(
    database: Database,
    home: Path,
    plant: FakePlant,
    *,
    max_queue: int | None = None,
    certificates: Certificates | None = None,
    admits: CertificateValidatorMethod | None = None,
    **config: object,
) -> AsyncGenerator[PlantLine]:
    """A running source, with SignAndEncrypt and the certificate pinned unless ``config`` says else."""
    async with AsyncExitStack() as stack:
        stack.enter_context(capture_logs())
        running, port = AsyncExitStack(), free_port()

        async def start() -> OpcUaEndpoint:
            server = opcua_server(
                plant,
                port,
                home=home / "server",
                max_queue=max_queue,
                certificate=certificates.shown if certificates else None,
                admits=admits,
            )
            return await running.enter_async_context(server)

        async def start_again() -> None:
            await start()

        endpoint = await start()
        stack.push_async_callback(running.aclose)
        proxy = await stack.enter_async_context(proxied("127.0.0.1", port))
        settings = Settings(home=home)
        given: dict[str, object] = {
            "endpoint_url": f"opc.tcp://127.0.0.1:{proxy.port}",
            "security_mode": "SignAndEncrypt",
            "security_policy": "Basic256Sha256",
            "server_certificate_sha256": endpoint.certificate_sha256,
            "sampling_interval_ms": 100,
        }
        tenant_id, tags = await _store(database, plant, {**given, **config})
        plants = await load_plants(database)
        streams = Taken(plants, database, settings)
        (connection,) = await connections(database, plants(tenant_id))
        tell = refusals_told(database)
        source = Source(connection, streams, settings, Reach.of(settings), tell)
        supervisor = Supervisor()
        task = asyncio.create_task(supervisor.keep("source", source.run))
        stack.push_async_callback(_ended, task)
        yield PlantLine(
            plant,
            proxy,
            source,
            streams,
            supervisor,
            endpoint,
            running.aclose,
            start_again,
            tags,
            tenant_id,
        )


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def _store(
    database: Database, plant: FakePlant, config: dict[str, object]
) -> tuple[int, dict[str, int]]:
    """A tenant with an admin, one asset and a mapping of every tag."""
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
    async with database.transaction(tenant_id) as tx:
        await factories.user(tx, tenant_id, Role.TENANT_ADMIN)
        asset = await factories.asset(tx, await factories.site(tx, tenant_id))
        row = await factories.integration(tx, tenant_id, integration_type="opcua", config=config)
        tags = {}
        for number, name in enumerate(plant.names):
            mapped = await factories.mapping(
                tx,
                row,
                asset,
                external_tag=f"ns=2;s={name}",
                internal_metric_name=f"metric_{number}",
                range_low=None,
                range_high=None,
            )
            tags[name] = mapped.id
    return tenant_id, tags


@asynccontextmanager
async def ticking(plant: FakePlant, period_s: float) -> AsyncGenerator[None]:
    """The plant measures all its tags every ``period_s`` while the block runs."""
    task = asyncio.create_task(plant.run(period_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
