"""uvicorn inside our task group."""

import asyncio
import signal
import socket

import anyio
import httpx
import pytest

from optria.core.errors import ConfigurationError
from optria.web.runner import serve
from tests.web.house import House


async def test_it_serves_until_told_to_stop_and_leaves_the_signals_alone(house: House) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    stop, bound = anyio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.timeout(15), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(serve(house.app, "127.0.0.1", 0, stop, bound.set_result))
        address = f"http://127.0.0.1:{await bound}/health"
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.get(address)
        during = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        assert not running.done()
        stop.set()
    assert answer.status_code == 200
    assert "server" not in answer.headers
    assert before == during


async def test_a_port_in_use_is_a_sentence(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}.*--port"):
            await serve(house.app, "127.0.0.1", port, anyio.Event())


async def test_cancelling_stops_it(house: House) -> None:
    bound = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(15), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(serve(house.app, "127.0.0.1", 0, anyio.Event(), bound.set_result))
        port = await bound
        task.cancel()
    with pytest.raises(OSError, match=r".*"):
        await asyncio.open_connection("127.0.0.1", port)
