"""What every connector must do, over real sockets; a new one joins by a rig in ``tests/fakes/sources``."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from blockbuster import BlockBuster

from optria.connectors import make_connector
from optria.connectors.base import Connector, LinkState
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import Quality, SampleBatch, from_micros, to_micros
from optria.kit import clock
from optria.kit.supervise import Supervisor
from tests.fakes.hosting import hosted
from tests.fakes.plant import FakePlant
from tests.fakes.sources import Rig, rig

PATIENCE_S = 30.0
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["opcua", "pi", "sql"])
async def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rig]:
    plant, kind = FakePlant(12), str(request.param)
    plant.tick(0, clock.now() - timedelta(seconds=5))
    async for made in hosted(rig(kind, plant, tmp_path_factory.mktemp(kind))):
        yield made


@pytest.fixture
def plant(here: Rig) -> FakePlant:
    return here.plant


@asynccontextmanager
async def running(coroutine: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    """The coroutine as a task, cancelled at the end; its failure is the test's."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(coroutine)
        yield task
        task.cancel()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Collected(list[SampleBatch]):
    """Batches as they were emitted."""

    @property
    def all(self) -> SampleBatch:
        return SampleBatch.concat(self)

    def of(self, tag: int) -> list[tuple[float, int]]:
        return [(s.value, to_micros(s.source_time)) for s in self.all.rows() if s.tag == tag]

    def values(self) -> set[float]:
        return set(self.all.value.tolist())


async def connected(connector: Connector) -> None:
    await until(lambda: connector.link.state is LinkState.CONNECTED)


@pytest.mark.clause("C1", "C2", "D6")
async def test_probe_tells_that_it_works(here: Rig) -> None:
    found = await here.connector().probe()
    assert found.ok, found.message
    assert found.message.endswith(".")


async def test_probe_of_a_dead_host_is_a_sentence(here: Rig) -> None:
    found = await here.connector(**here.wrong_host).probe()
    assert not found.ok
    assert "127.0.0.1" in found.message
    assert "Check host and port" in found.message


async def test_a_wrong_password_is_a_sentence(here: Rig) -> None:
    connector = here.connector(**here.wrong_password)
    found = await connector.probe()
    with pytest.raises(ConnectorUnavailable, match="refused the user name or password"):
        await connector.run(here.plant.mappings(), lambda _batch: None)
    assert not found.ok
    assert "refused the user name or password" in found.message
    assert connector.link.state is LinkState.LOST
    assert connector.link.last_error == found.message


KINDS = {
    "opcua": "opc.tcp://{}:4840",
    "pi": "https://{}/piwebapi",
    "sql": "postgresql+asyncpg://{}/plant",
}


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "2852039166",
        "0.0.0.0",
        "[::]",
        "224.0.0.1",
    ],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_link_local_addresses_are_refused(kind: str, address: str, tmp_path: Path) -> None:
    connector = make_connector(kind, {"endpoint_url": KINDS[kind].format(address)}, tmp_path)
    found = await connector.probe()
    with pytest.raises(ConnectorUnavailable, match="not allowed"):
        await connector.check_address()
    assert not found.ok
    assert "not allowed" in found.message


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://plant/1", "http:///nohost", "nonsense"])
@pytest.mark.parametrize("kind", KINDS)
async def test_addresses_of_other_kinds_are_refused(kind: str, url: str, tmp_path: Path) -> None:
    connector = make_connector(kind, {"endpoint_url": url}, tmp_path)
    found = await connector.probe()
    with pytest.raises(ConnectorUnavailable):
        await connector.check_address()
    assert not found.ok
    assert found.message.endswith(".")


@pytest.mark.clause("C1", "C2", "C3", "D6", "D7", "I4")
async def test_values_arrive_with_their_source_times(here: Rig, plant: FakePlant) -> None:
    got = Collected()
    connector = here.connector()
    async with running(connector.run(plant.mappings(), got.append)):
        await connected(connector)
        await until(lambda: set(got.all.tag.tolist()) == set(range(1, 13)))
        time = clock.now() - timedelta(milliseconds=1234, microseconds=567)
        plant.push([(plant.names[3], time, 55.5, 0)])
        await until(lambda: 55.5 in got.values())
    assert (55.5, to_micros(time)) in got.of(4)
    assert connector.link.tags == 12
    assert connector.link.received == len(got.all)
    assert connector.link.rate > 0


@pytest.mark.clause("C1", "C2")
async def test_bad_and_uncertain_quality_is_kept(here: Rig, plant: FakePlant) -> None:
    got = Collected()
    connector = here.connector()
    async with running(connector.run(plant.mappings(), got.append)):
        await connected(connector)
        now = clock.now()
        plant.push([(plant.names[0], now, 1.0, Quality.BAD), (plant.names[1], now, 71.0, Quality.UNCERTAIN)])
        at = to_micros(now)
        await until(lambda: {t for _v, t in got.of(1)} & {at} and {t for _v, t in got.of(2)} & {at})
    arrived = {s.tag: s.quality for s in got.all.rows() if to_micros(s.source_time) == at}
    assert arrived == {1: Quality.BAD, 2: Quality.UNCERTAIN}


@pytest.mark.clause("C1", "C2", "C3")
@pytest.mark.parametrize("mistyped", ["X-999.NONE", "ns=2;s=X-999.NONE", "ns=2;i=none", "ns=70000;s=X"])
async def test_one_unknown_tag_is_named_and_the_others_are_read(
    here: Rig, plant: FakePlant, mistyped: str
) -> None:
    """Also over the history that is read at the start."""
    since, mappings = plant.fill(10), plant.mappings()
    mappings[5] = replace(mappings[5], external_tag=mistyped)
    got = Collected()
    connector = here.connector()
    async with running(connector.run(mappings, got.append, since)):
        await connected(connector)
        backfilled = set(got.all.tag.tolist())
        plant.tick(700)
        await until(lambda: len({s.tag for s in got.all.rows() if s.value >= 700.0}) == 11)
        await until(lambda: connector.link.warning)
        assert connector.link.state is LinkState.CONNECTED
    assert len(backfilled) == 11
    assert connector.link.missing == (mistyped,)
    assert connector.link.tags == 11
    assert mistyped in (connector.link.warning or "")
    assert (connector.link.warning or "").endswith("the other signals are read.")
    assert connector.link.last_error is None


async def test_a_source_that_knows_every_tag_has_no_warning(here: Rig, plant: FakePlant) -> None:
    connector = here.connector()
    async with running(connector.run(plant.mappings(), lambda _batch: None, plant.fill(2))):
        await connected(connector)
        plant.tick(800)
        await until(lambda: connector.link.received)
    assert connector.link.warning is None


@pytest.mark.clause("C3")
async def test_history_leaves_an_unknown_tag_out(here: Rig, plant: FakePlant) -> None:
    since, mappings = plant.fill(10), plant.mappings()
    mappings[5] = replace(mappings[5], external_tag="ns=2;s=X-999.NONE")
    history = await here.connector().read_history(mappings, since, clock.now())
    assert set(history.tag.tolist()) == set(range(1, 13)) - {6}


async def test_cancelling_is_prompt(here: Rig, plant: FakePlant) -> None:
    connector = here.connector()
    async with running(connector.run(plant.mappings(), lambda _batch: None)) as task:
        await connected(connector)
        task.cancel()
        # measured: 2 ms; the bound only tells it from waiting for a request's time-out
        done, _pending = await asyncio.wait([task], timeout=3.0)
    assert done
    assert task.cancelled()


@pytest.mark.clause("C1", "C2")
@pytest.mark.parametrize("kind", KINDS)
async def test_it_comes_back_after_the_source_was_killed(kind: str, tmp_path: Path) -> None:
    plant, got = FakePlant(12), Collected()
    plant.tick()
    connectors: list[Connector] = []
    supervisor = Supervisor(first_delay_s=0.05)
    async with rig(kind, plant, tmp_path) as source:

        async def run() -> None:
            connectors.append(source.connector())
            await connectors[-1].run(plant.mappings(), got.append)

        async with running(supervisor.keep("plant", run)):
            await until(lambda: got.values() >= {0.0, 11.0})
            await source.kill()
            await until(lambda: supervisor.states["plant"].restarts > 0)
            assert connectors[0].link.state is LinkState.LOST
            assert connectors[0].link.last_error
            await source.restart()
            await until(lambda: connectors[-1].link.state is LinkState.CONNECTED)
            plant.tick(500)
            await until(lambda: got.values() >= {500.0, 511.0})


@pytest.mark.clause("C1", "C2", "I4")
async def test_history_comes_first_in_order_and_nothing_twice(here: Rig, plant: FakePlant) -> None:
    since = plant.fill(60)
    got = Collected()
    connector = here.connector()
    async with running(plant.run(0.1)), running(connector.run(plant.mappings(), got.append, since)):
        await connected(connector)
        await until(lambda: connector.link.received >= 100)
    backfilled = connector.link.backfilled
    everything = got.all
    history = everything.select(np.arange(backfilled))
    assert backfilled >= 60 * 12
    assert np.all(np.diff(history.source_time) >= 0)
    assert from_micros(int(history.source_time[0])) - since < timedelta(seconds=2)
    keys = list(zip(everything.tag.tolist(), everything.source_time.tolist(), strict=True))
    assert len(keys) == len(set(keys))
    assert connector.link.backfill_progress == 1.0


async def test_latest_and_history_can_be_read_at_once(here: Rig, plant: FakePlant) -> None:
    since = plant.fill(30)
    plant.tick(900)
    connector = here.connector()
    latest = await connector.read_latest(plant.mappings())
    start, end = since + timedelta(seconds=5), since + timedelta(seconds=10)
    history = await connector.read_history(plant.mappings()[:2], start, end)
    assert sorted(latest.tag.tolist()) == list(range(1, 13))
    assert latest.value.tolist()[latest.tag.tolist().index(3)] == 902.0
    expected = {
        (tag, time)
        for tag in (1, 2)
        for time, _value, _quality in plant.rows[plant.names[tag - 1]]
        if to_micros(start) <= time <= to_micros(end)
    }
    assert len(expected) >= 10
    assert set(zip(history.tag.tolist(), history.source_time.tolist(), strict=True)) == expected


async def test_nothing_blocks_the_loop(here: Rig, plant: FakePlant, no_blocking: BlockBuster) -> None:
    got = Collected()
    connector = here.connector()
    assert (await connector.probe()).ok
    async with running(connector.run(plant.mappings(), got.append, clock.now() - timedelta(seconds=5))):
        await connected(connector)
        plant.tick(300)
        await until(lambda: 300.0 in got.values())


@pytest.mark.clause("C3")
async def test_browsing_leads_to_every_tag(here: Rig, plant: FakePlant) -> None:
    connector = here.connector()
    names = set()
    waiting: list[str | None] = [None]
    while waiting:
        for entry in await connector.browse(waiting.pop()):
            if entry.is_variable:
                names.add(entry.name)
            elif entry.has_children and entry.name not in ("Aliases", "Locations"):
                waiting.append(entry.id)
    assert names >= set(plant.names)


@pytest.mark.parametrize("kind", KINDS)
async def test_memory_stays_level_over_10_000_samples(kind: str, tmp_path: Path) -> None:
    """Whatever is kept per sample would be at least one block of memory each."""
    plant, count = FakePlant(200, keep=3), 0

    def emit(batch: SampleBatch) -> None:
        nonlocal count
        count += len(batch)

    plant.tick()
    async with rig(kind, plant, tmp_path) as source:
        connector = source.connector(sampling_interval_ms=20)
        async with running(connector.run(plant.mappings(), emit)):
            await connected(connector)
            await _samples(plant, 4_000, lambda: count)
            before = _blocks()
            await _samples(plant, 10_000, lambda: count)
            grown = _blocks() - before
    assert grown < 6_000, f"{grown} blocks for 10,000 samples"


async def _samples(plant: FakePlant, wanted: int, count: Callable[[], int]) -> None:
    """Frame after frame, each when the one before has arrived."""
    target = count() + wanted
    while count() < target:
        before = count()
        plant.tick(before)
        await until(lambda: count() >= before + len(plant.names))  # noqa: B023


def _blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()
