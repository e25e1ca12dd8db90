"""One call runs a plant with everything it speaks, and leaves nothing behind."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from asyncua import Client
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine

from optria.core.errors import SimulatorError
from optria.simulator.addresses import ADDRESS_FILE, PlantAddresses, read_addresses
from optria.simulator.opcua_server import NAMESPACE
from optria.simulator.runner import ReplayOptions, ServeOptions, SimulateOptions, replay, simulate
from optria.simulator.sql_feed import READINGS


@asynccontextmanager
async def running(options: SimulateOptions) -> AsyncIterator[PlantAddresses]:
    """The plant while the block runs; it is stopped the way a terminal does it."""
    loop = asyncio.get_running_loop()
    reached: asyncio.Future[PlantAddresses] = loop.create_future()
    async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
        tasks.create_task(simulate(options, reached.set_result))
        yield await reached
        os.kill(os.getpid(), signal.SIGTERM)


async def readings_in(url: str) -> int:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        count = (await connection.execute(select(func.count()).select_from(READINGS))).scalar_one()
    await engine.dispose()
    return count


@pytest.mark.clause("C2", "C8")
@pytest.mark.usefixtures("no_blocking")
async def test_every_protocol_answers_and_the_addresses_stand_in_the_home(tmp_path: Path) -> None:
    options = SimulateOptions(ServeOptions(tmp_path), seed=2)
    async with running(options) as addresses:
        assert await asyncio.to_thread(read_addresses, tmp_path) == addresses
        assert json.loads((tmp_path / ADDRESS_FILE).read_text())["pid"] == os.getpid()
        async with httpx.AsyncClient() as client:
            state = (await client.get(f"{addresses.control_url}/plant/state")).json()
            assert len(state["readings"]) == 120
            account = (addresses.pi_user, addresses.pi_password)
            assert (await client.get(f"{addresses.pi_url}/dataservers", auth=account)).status_code == 200
            assert (await client.get(f"{addresses.pi_url}/dataservers")).status_code == 401
        async with Client(addresses.opcua_url) as client:
            assert await client.nodes.objects.get_children()
        await asyncio.sleep(1.5)
        assert await readings_in(addresses.sql_url) == addresses.sources["sql"]
    assert not (tmp_path / ADDRESS_FILE).exists()
    assert await asyncio.to_thread(read_addresses, tmp_path) is None


async def test_a_second_plant_in_the_same_home_is_refused(tmp_path: Path) -> None:
    options = SimulateOptions(ServeOptions(tmp_path))
    async with running(options) as addresses:
        with pytest.raises(SimulatorError, match=f"process {addresses.pid}"):
            await simulate(options)


async def test_a_taken_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SimulatorError, match=f"Port {port} on 127.0.0.1 is taken"):
            await simulate(SimulateOptions(ServeOptions(tmp_path, http_port=port)))
        with pytest.raises(SimulatorError, match=f"OPC UA cannot listen on port {port}"):
            await simulate(SimulateOptions(ServeOptions(tmp_path, opcua_port=port)))
    assert not (tmp_path / ADDRESS_FILE).exists()


async def test_cancellation_stops_it_all(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    reached: asyncio.Future[PlantAddresses] = loop.create_future()
    options = SimulateOptions(ServeOptions(tmp_path, handle_signals=False))
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        simulating = tasks.create_task(simulate(options, reached.set_result))
        addresses = await reached
        simulating.cancel()
    assert not (tmp_path / ADDRESS_FILE).exists()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{addresses.control_url}/plant/state")


def test_the_addresses_of_a_killed_plant_do_not_count(tmp_path: Path) -> None:
    addresses = PlantAddresses(os.getpid(), 1.0, "", "", None, "", "", "", "", "", "", {})
    assert addresses.process_started == 1.0
    (tmp_path / ADDRESS_FILE).write_text(json.dumps({name: getattr(addresses, name) for name in FIELDS}))
    assert read_addresses(tmp_path) is None
    (tmp_path / ADDRESS_FILE).write_text("{")
    assert read_addresses(tmp_path) is None


FIELDS = tuple(PlantAddresses.__slots__)


@pytest.mark.clause("C8")
async def test_a_recording_is_served_over_opc_ua(tmp_path: Path) -> None:
    path = tmp_path / "loop.csv"
    rows = [f"2020-03-09 10:14:{second:02},{second}" for second in range(10, 40)]
    path.write_text("\n".join(["datetime,Pressure", *rows]), encoding="utf-8")
    seen: list[float] = []

    async def look(addresses: PlantAddresses) -> None:
        async with Client(addresses.opcua_url) as client, httpx.AsyncClient() as web:
            state = (await web.get(f"{addresses.control_url}/plant/state")).json()
            seen.extend(reading["value"] for reading in state["readings"])
            index = await client.get_namespace_index(NAMESPACE)
            seen.append(await client.get_node(f"ns={index};s=LOOP.Pressure").read_value())

    loop = asyncio.get_running_loop()
    reached: asyncio.Future[PlantAddresses] = loop.create_future()
    options = ReplayOptions(ServeOptions(tmp_path / "home", stop_when_done=True), path, speed=10.0)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(replay(options, reached.set_result))
        tasks.create_task(look(await reached))
    assert len(seen) == 2
    assert all(10.0 <= value < 40.0 for value in seen)
