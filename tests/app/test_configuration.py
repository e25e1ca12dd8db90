"""A change of the configuration takes effect in the running server, and disturbs nothing else."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from optria.app.configuration import Configuration
from optria.app.plants import Plants, load_plants
from optria.app.sources import Sources
from optria.app.streams import Streams
from optria.core.messages import Message
from optria.db.identity import Tenant
from optria.db.plant import AssetRow, Integration, SiteRow, ThresholdRow
from optria.db.session import Database
from optria.kit import clock
from optria.kit.settings import Settings
from optria.kit.supervise import Supervisor
from tests import factories
from tests.fakes.plant import FakePlant
from tests.fakes.sources import Rig, pi_rig

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A tenant with one connection to a plant that is on, and no signals yet."""

    database: Database
    tenant_id: int
    site: SiteRow
    asset: AssetRow
    integration: Integration
    rig: Rig
    plants: Plants
    streams: Streams
    sources: Sources

    async def signal(self, number: int, metric: str) -> int:
        """Map a tag of the plant."""
        async with self.database.transaction(self.tenant_id) as tx:
            name = self.rig.plant.names[number]
            row = await factories.mapping(
                tx,
                self.integration,
                self.asset,
                external_tag=name,
                internal_metric_name=metric,
                range_high=1e6,
            )
            self.say(tx.publish)
            return row.id

    def say(self, publish: Callable[[Message], None]) -> None:
        publish(Message(self.tenant_id, "configuration", "changed", "1"))

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self.rig.plant.tick()
                await asyncio.sleep(0.05)

    def has_values(self, *tags: int) -> bool:
        stream = self.streams.get(self.tenant_id)
        return stream is not None and all(stream.live.latest(tag) for tag in tags)

    def source(self) -> object:
        (running,) = self.sources.of(self.tenant_id)
        return running


@pytest.fixture
async def running(database: Database, tmp_path: Path) -> AsyncGenerator[Running]:
    plant = FakePlant(4)
    plant.tick(time=clock.now())
    async with pi_rig(plant, tmp_path) as rig:
        async with database.platform("test") as tx:
            tenant_id = (await factories.tenant(tx)).id
        async with database.transaction(tenant_id) as tx:
            site = await factories.site(tx, tenant_id)
            asset = await factories.asset(tx, site)
            integration = await factories.integration(tx, tenant_id, integration_type="pi", config=rig.config)
        settings, supervisor = Settings(home=tmp_path), Supervisor(first_delay_s=0.05)
        plants = await load_plants(database)
        streams = Streams(plants, database, settings)
        sources = Sources(database, streams, settings, supervisor)
        following = Configuration(database, plants, streams, sources, supervisor)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(following.follow(database.bus, group))
            yield Running(database, tenant_id, site, asset, integration, rig, plants, streams, sources)
            task.cancel()
            await sources.stop()
            following.stop_histories()


async def test_the_first_signal_starts_a_stream_and_its_connection(running: Running) -> None:
    assert running.sources.of(running.tenant_id) == []
    first = await running.signal(0, "temperature")
    await running.until(lambda: running.has_values(first))
    assert [source.state for source in running.sources.of(running.tenant_id)] == ["connected"]


async def test_another_signal_is_read_and_the_first_keeps_what_was_seen(running: Running) -> None:
    first = await running.signal(0, "temperature")
    await running.until(lambda: running.has_values(first))
    before = running.streams[running.tenant_id]
    second = await running.signal(1, "pressure")
    await running.until(lambda: running.has_values(first, second))
    after = running.streams[running.tenant_id]
    assert after is not before
    assert after.history is before.history


async def test_a_limit_leaves_the_connection_alone(running: Running) -> None:
    first = await running.signal(0, "temperature")
    await running.until(lambda: running.has_values(first))
    source = running.source()
    async with running.database.transaction(running.tenant_id) as tx:
        tx.session.add(
            ThresholdRow(
                tenant_id=running.tenant_id,
                metric="temperature",
                direction="high",
                limit_value=90.0,
                severity="MAJOR",
                is_active=True,
            )
        )
        running.say(tx.publish)
    await running.until(lambda: running.plants(running.tenant_id).thresholds)
    await running.until(lambda: running.streams[running.tenant_id].plant.thresholds)
    assert running.source() is source


async def test_a_connection_that_is_switched_off_ends(running: Running) -> None:
    first = await running.signal(0, "temperature")
    await running.until(lambda: running.has_values(first))
    async with running.database.transaction(running.tenant_id) as tx:
        row = await tx.session.get_one(Integration, running.integration.id)
        row.is_active = False
        running.say(tx.publish)
    await running.until(lambda: not running.sources.of(running.tenant_id))
    assert running.streams[running.tenant_id].live.latest(first)


async def test_the_plant_of_a_closed_tenant_is_no_longer_watched(running: Running) -> None:
    first = await running.signal(0, "temperature")
    await running.until(lambda: running.has_values(first))
    async with running.database.platform("test") as tx:
        tenant = await tx.session.get_one(Tenant, running.tenant_id)
        tenant.status = "inactive"
        running.say(tx.publish)
    await running.until(lambda: not running.sources.of(running.tenant_id))
