"""A browser's side of the live socket, over a real server."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from optria.core.roles import Role
from optria.db.identity import User
from optria.web.connection import Timing
from optria.web.runner import serve
from optria.web.sessions import COOKIE
from tests.web.house import House

FAST = Timing(tick_s=0.02, heartbeat_s=30.0)


class Browser:
    """A client that acknowledges every frame, as the pages do."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.waiting: list[dict[str, Any]] = []

    async def ask(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def frame(self) -> list[dict[str, Any]]:
        async with asyncio.timeout(10):
            messages: list[dict[str, Any]] = json.loads(await self.socket.recv())
        if messages[0]["op"] == "n":
            await self.ask(op="ack", n=messages[0]["n"])
        return messages

    async def next(self, op: str, topic: str) -> dict[str, Any]:
        """The next message of a kind about a topic; others wait for their turn."""
        while True:
            for message in self.waiting:
                if (message["op"], message.get("topic")) == (op, topic):
                    self.waiting.remove(message)
                    return message
            self.waiting += await self.frame()

    async def closing(self) -> int | None:
        """The code with which the server closes."""
        try:
            async with asyncio.timeout(10):
                while True:
                    await self.socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    async def hears_nothing_of(self, topic: str) -> bool:
        """Whether a question about ``topic`` stays without answer while another one is answered."""
        await self.ask(op="sub", topic=topic)
        await self.ask(op="sub", topic="e:incidents")
        await self.next("snap", "e:incidents")
        return not any(message.get("topic") == topic for message in self.waiting)


@asynccontextmanager
async def served(house: House) -> AsyncGenerator[str]:
    """The application behind uvicorn on a free port, with its hub running; the socket's address."""
    stop, bound = anyio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        hub = tasks.create_task(house.app.state.hub.run())
        tasks.create_task(serve(house.app, "127.0.0.1", 0, stop, bound.set_result))
        try:
            yield f"ws://127.0.0.1:{await bound}/ws"
        finally:
            stop.set()
            hub.cancel()


@asynccontextmanager
async def opened(house: House, url: str, who: Role | User) -> AsyncGenerator[Browser]:
    user = house.user(who) if isinstance(who, Role) else who
    headers = {"Cookie": f"{COOKIE}={await house.token(user)}"}
    async with connect(url, additional_headers=headers, compression=None, proxy=None) as socket:
        yield Browser(socket)
