"""A redundant set: the healthiest server is read, and nothing is lost or doubled when another takes over."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from optria.connectors.base import LinkState, Remains
from optria.connectors.opcua import OpcUaConnector
from optria.connectors.opcua_config import OpcUaConfig
from optria.core.errors import ConfigurationError
from optria.core.tag import SampleBatch
from optria.kit import clock
from optria.kit.supervise import Supervisor
from optria.simulator.opcua_server import OpcUaEndpoint, opcua_server
from tests.fakes.plant import FakePlant
from tests.fakes.plant_line import ticking
from tests.fakes.proxy import Proxy, proxied
from tests.fakes.waiting import until


class Set:
    """Two servers of one plant, each behind a link of its own, and a supervised connection to both."""

    def __init__(self, urls: list[str], plant: FakePlant, home: Path, link: Proxy) -> None:
        self.urls, self._plant, self._home, self.link = urls, plant, home, link
        self.got: list[SampleBatch] = []
        self.connector: OpcUaConnector | None = None
        self._remains: Remains | None = None

    async def run(self) -> None:
        config = {
            "endpoint_url": self.urls[0],
            "endpoint_urls": ", ".join(self.urls[1:]),
            "sampling_interval_ms": 100,
        }
        connector = self.connector = OpcUaConnector(config, self._home)
        connector.resume(self._remains)
        try:
            await connector.run(self._plant.mappings(), self.got.append, clock.now())
        finally:
            self._remains = connector.remains

    def reads(self, number: int) -> bool:
        """Whether the server of that number is read, and says so."""
        one = self.connector
        if one is None or one.link.state is not LinkState.CONNECTED:
            return False
        said = f"Of the redundant set {self.urls[number]} is read."
        return (one.link.warning is None) if number == 0 else (said in (one.link.warning or ""))

    def _newest(self) -> dict[int, int]:
        """By tag; a publish may come in the middle of a frame."""
        got = SampleBatch.concat(self.got)
        tags = range(1, len(self._plant.names) + 1)
        return {tag: int(got.source_time[got.tag == tag].max(initial=0)) for tag in tags}

    async def is_complete(self) -> None:
        """Every sample measured since the first one taken has come once."""
        newest = max(rows[-1][0] for rows in self._plant.rows.values())
        await until(lambda: all(time >= newest for time in self._newest().values()))
        got = SampleBatch.concat(self.got)
        counts = Counter(zip(got.tag.tolist(), got.source_time.tolist(), strict=True))
        first = int(got.source_time.min())
        measured = {
            (tag, time)
            for tag, name in enumerate(self._plant.names, start=1)
            for time, _value, _quality in self._plant.rows[name]
            if first <= time <= newest
        }
        assert not measured - set(counts)
        assert max(counts.values()) == 1


@asynccontextmanager
async def two_servers(home: Path, levels: tuple[int, int]) -> AsyncIterator[tuple[Set, list[OpcUaEndpoint]]]:
    plant = FakePlant(5)
    plant.tick()
    supervisor = Supervisor(first_delay_s=0.05)
    with capture_logs():
        async with (
            opcua_server(plant, home=home / "a") as a,
            opcua_server(plant, home=home / "b") as b,
            proxied("127.0.0.1", int(a.url.rpartition(":")[2])) as first,
            ticking(plant, 0.1),
        ):
            for endpoint, level in zip((a, b), levels, strict=True):
                await endpoint.set_service_level(level)
            pair = Set([f"opc.tcp://127.0.0.1:{first.port}", b.url], plant, home, first)
            task = asyncio.create_task(supervisor.keep("set", pair.run))
            try:
                yield pair, [a, b]
            finally:
                task.cancel()
                await asyncio.wait([task])


async def test_the_first_healthy_server_is_read(tmp_path: Path) -> None:
    async with two_servers(tmp_path, (255, 255)) as (pair, _servers):
        await until(lambda: pair.reads(0))


async def test_a_server_in_poor_health_is_left_and_nothing_is_lost(tmp_path: Path) -> None:
    """At the start as well as later; there is no way back by itself."""
    async with two_servers(tmp_path, (100, 255)) as (pair, servers):
        await until(lambda: pair.reads(1))
        await servers[0].set_service_level(255)
        await servers[1].set_service_level(50)
        await until(lambda: pair.reads(0))
        await pair.is_complete()


async def test_a_server_that_is_lost_is_left_and_nothing_is_lost(tmp_path: Path) -> None:
    async with two_servers(tmp_path, (255, 220)) as (pair, _servers):
        await until(lambda: pair.reads(0))
        await pair.link.cut()
        await until(lambda: pair.reads(1))
        await pair.is_complete()


def test_a_set_is_of_addresses_without_passwords() -> None:
    with pytest.raises(ConfigurationError, match="own settings"):
        OpcUaConnector({"endpoint_url": "opc.tcp://a:1", "endpoint_urls": "opc.tcp://u:p@b:1"}, Path())
    many = ",".join(f"opc.tcp://h{n}:1" for n in range(20))
    with pytest.raises(ConfigurationError, match="at most 8"):
        OpcUaConnector({"endpoint_url": "opc.tcp://a:1", "endpoint_urls": many}, Path())
    config = OpcUaConfig(endpoint_url="opc.tcp://a:1", endpoint_urls="opc.tcp://b:1, opc.tcp://a:1")
    assert config.urls == ("opc.tcp://a:1", "opc.tcp://b:1")
