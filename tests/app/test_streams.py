"""What a restart takes back: learned state and the samples of the last hour, never rewritten."""

import asyncio
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from optria.app.plants import Plants, load_plants
from optria.app.streams import Streams
from optria.core.messages import Message
from optria.core.tag import SampleBatch, to_micros
from optria.db.partitions import ensure_partitions
from optria.db.session import Database
from optria.kit import clock
from optria.kit.bus import Bus
from optria.kit.settings import Settings
from tests import factories


@pytest.fixture
async def tenant_id(database: Database) -> int:
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
    async with database.transaction(tenant_id) as tx:
        site = await factories.site(tx, tenant_id)
        asset = await factories.asset(tx, site)
        await factories.mapping(tx, await factories.integration(tx, tenant_id), asset)
    async with database.transaction(tenant_id) as tx:
        await ensure_partitions(tx.session, clock.now().date() - timedelta(days=1), 3)
    return tenant_id


async def started(database: Database) -> Streams:
    streams = Streams(await load_plants(database), database, Settings())
    await streams.restore()
    return streams


def readings(tag: int, values: NDArray[np.float64], end_us: int) -> SampleBatch:
    """One sample a second, the last at ``end_us``."""
    time = end_us - np.arange(len(values), dtype=np.int64)[::-1] * 1_000_000
    return SampleBatch(np.full(len(values), tag, np.int32), time, values, np.zeros(len(values), np.uint8))


async def test_a_source_that_tells_another_past_after_a_restart_rewrites_nothing(
    database: Database, tenant_id: int
) -> None:
    before = (await started(database))[tenant_id]
    tag = before.plant.mappings[0].id
    noise = 2.0 + 0.05 * np.random.default_rng(1).standard_normal(600)
    end_us = to_micros(clock.now())
    before.ingest(readings(tag, noise, end_us))
    await before.history.flush()
    streams = await started(database)
    assert streams[tenant_id].live.latest(tag) is None  # nothing was learned yet, so nothing is taken back

    saved = Streams(await load_plants(database), database, Settings())
    saved[tenant_id].restore(before.state())
    await saved.save()
    again = (await started(database))[tenant_id]
    again.ingest(readings(tag, np.full(600, 9.0), end_us))
    window = again.recent.window(tag, clock.now() - timedelta(minutes=15), clock.now())
    assert len(window) == 600
    assert window.value == pytest.approx(noise)
    assert again.expected(tag) is not None
    assert not again.anchoring.active(again.plant.assets[0].id)


async def test_an_asset_that_is_learned_anew_stays_forgotten_after_a_restart(
    database: Database, tenant_id: int
) -> None:
    streams = await started(database)
    mapping = streams[tenant_id].plant.mappings[0]
    noise = 2.0 + 0.05 * np.random.default_rng(1).standard_normal(600)
    streams[tenant_id].ingest(readings(mapping.id, noise, to_micros(clock.now())))
    await streams.save()
    known = (await started(database))[tenant_id].expected(mapping.id)
    await streams.rebaseline(tenant_id, mapping.asset_id)
    assert known is not None
    assert streams[tenant_id].expected(mapping.id) is None
    assert (await started(database))[tenant_id].expected(mapping.id) is None


async def test_without_a_database_it_is_forgotten_all_the_same(database: Database, tenant_id: int) -> None:
    away = Database("postgresql://nobody:nothing@127.0.0.1:1/none")
    streams = Streams(await load_plants(database), away, Settings())
    mapping = streams[tenant_id].plant.mappings[0]
    noise = 2.0 + 0.05 * np.random.default_rng(1).standard_normal(600)
    streams[tenant_id].ingest(readings(mapping.id, noise, to_micros(clock.now())))
    assert streams[tenant_id].expected(mapping.id) is not None
    await streams.rebaseline(tenant_id, mapping.asset_id)
    assert streams[tenant_id].expected(mapping.id) is None
    await away.dispose()


async def test_what_has_no_signals_has_nothing_to_forget(database: Database, tenant_id: int) -> None:
    streams = await started(database)
    await streams.rebaseline(tenant_id, 987_654)
    await streams.rebaseline(987_654, 1)


class Listening(Streams):
    """Streams that only note what they were asked to learn anew."""

    def __init__(self, database: Database) -> None:
        super().__init__(Plants({}), database, Settings())
        self.asked: list[tuple[int, int]] = []
        self.done = asyncio.Event()

    async def rebaseline(self, tenant_id: int, asset_id: int) -> None:
        self.asked.append((tenant_id, asset_id))
        self.done.set()


async def test_it_is_done_as_people_ask_for_it(database: Database) -> None:
    bus, streams = Bus(), Listening(database)
    following = asyncio.ensure_future(streams.follow_baselines(bus))
    await asyncio.sleep(0)  # it subscribes
    bus.publish(Message(1, "configuration", "asset_rebaselined", "7", 7))
    bus.publish(Message(1, "baselines", "baseline_asked", "work order 3", 7))
    async with asyncio.timeout(30):
        await streams.done.wait()
    following.cancel()
    assert streams.asked == [(1, 7)]
