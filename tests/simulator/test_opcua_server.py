"""The simulated plant's OPC UA server, asked by asyncua's own client."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Client, ua

from optria.connectors.opcua_session import close
from optria.core.tag import from_micros
from optria.kit import clock
from optria.simulator.opcua_server import NODES_PER_FOLDER, OpcUaEndpoint, opcua_server
from tests.fakes.hosting import hosted
from tests.fakes.plant import FakePlant

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def plant() -> FakePlant:
    plant = FakePlant(12)
    plant.fill(30)
    return plant


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def endpoint(
    plant: FakePlant, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpcUaEndpoint]:
    async for made in hosted(opcua_server(plant, home=tmp_path_factory.mktemp("home"))):
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(endpoint: OpcUaEndpoint) -> AsyncIterator[Client]:
    client = Client(endpoint.url)
    await client.connect()
    yield client
    await close(client)


@pytest.mark.clause("C8")
async def test_variables_tell_range_unit_and_description(client: Client) -> None:
    node = client.get_node("ns=2;s=P-0.TT-0007")
    limits = await (await node.get_child("0:EURange")).read_value()
    unit = await (await node.get_child("0:EngineeringUnits")).read_value()
    assert (limits.Low, limits.High) == (0.0, 150.0)
    assert unit.DisplayName.Text == "°C"
    assert (await node.read_description()).Text == "Temperature 7"
    historizing: Any = await node.read_attribute(ua.AttributeIds.Historizing)
    assert historizing.Value.Value is True


@pytest.mark.clause("C8")
async def test_frames_become_values_with_status_and_source_time(client: Client, plant: FakePlant) -> None:
    time = clock.now() - timedelta(microseconds=7)
    names = plant.names
    plant.push([(names[0], time, 1.5, 0), (names[1], time, 2.5, 1), (names[2], time, 3.5, 2)])
    nodes = [client.get_node(f"ns=2;s={name}") for name in names[:3]]
    for _ in range(100):
        read: list[Any] = [await node.read_data_value(raise_on_bad_status=False) for node in nodes]
        if all(value.SourceTimestamp == time for value in read):
            break
        await asyncio.sleep(0.02)
    assert [value.SourceTimestamp for value in read] == [time] * 3
    assert [value.StatusCode.value >> 30 for value in read] == [0, 1, 2]
    assert [value.Value.Value for value in read] == [1.5, 2.5, None]


@pytest.mark.clause("C8")
async def test_history_is_read_in_pages_and_backwards(client: Client, plant: FakePlant) -> None:
    node = client.get_node(f"ns=2;s={plant.names[5]}")
    rows = plant.rows[plant.names[5]]
    start, end = from_micros(rows[0][0]), from_micros(rows[-1][0])
    everything: list[Any] = await node.read_raw_history(start, end)
    first: list[Any] = await node.read_raw_history(start, end, 4)
    backwards: list[Any] = await node.read_raw_history(end, start, 4)
    assert [value.Value.Value for value in everything] == [row[1] for row in rows]
    assert [value.SourceTimestamp for value in first] == [from_micros(row[0]) for row in rows[:4]]
    assert len(backwards) == 4
    assert backwards[0].SourceTimestamp > backwards[-1].SourceTimestamp


async def test_nothing_can_be_written(client: Client, plant: FakePlant) -> None:
    node = client.get_node(f"ns=2;s={plant.names[5]}")
    with pytest.raises(ua.UaStatusCodeError):
        await node.write_value(1.0)


async def test_only_the_account_gets_in(tmp_path: Path) -> None:
    async with opcua_server(FakePlant(1), home=tmp_path, user="plant", password="secret") as endpoint:
        for user, password in (("plant", "wrong"), ("", ""), ("nobody", "secret")):
            client = Client(endpoint.url)
            client.set_user(user)
            client.set_password(password)
            with pytest.raises(ua.UaError):
                await client.connect()


async def test_folders_stay_small_and_names_limit_what_is_served(tmp_path: Path) -> None:
    plant = FakePlant(10)
    served = frozenset(plant.names[:3])
    async with opcua_server(plant, home=tmp_path, names=served) as endpoint:
        client = Client(endpoint.url)
        await client.connect()
        children = await client.get_node("ns=2;s=P-0").get_children()
        await close(client)
    assert len(children) == 3
    assert NODES_PER_FOLDER == 100


async def test_it_ends_with_a_client_still_connected(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        async with opcua_server(FakePlant(1), home=tmp_path) as endpoint:
            client = Client(endpoint.url)
            await client.connect()
        with pytest.raises(ConnectionError):
            await client.nodes.server_state.read_value()
        await close(client)
