"""The product running in this process, and a user of it over HTTP and the live socket."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import anyio
import httpx
import websockets

from optria.app import run_server
from optria.core.errors import OptriaError
from optria.kit import clock
from optria.kit.settings import Settings

Found = TypeVar("Found")


class NotInTimeError(OptriaError):
    """Something that must happen did not happen in time."""


class UserClient:
    """One signed-in user. Answers that are errors raise with their sentence."""

    def __init__(self, http: httpx.AsyncClient, user: dict[str, Any]) -> None:
        self._http = http
        self.user = user

    async def get(self, path: str, **query: Any) -> Any:
        return self._answer(await self._http.get(path, params=query))

    async def post(self, path: str, body: Any = None) -> Any:
        return self._answer(await self._http.post(path, json=body))

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_error:
            raise OptriaError(f"{response.request.url.path} answered {response.status_code}: {response.text}")
        return response.json()

    async def notices(self, heard: Callable[[datetime, dict[str, Any]], None]) -> None:
        """Listen on ``e:notify`` until cancelled; ``heard`` is told when each frame arrived."""
        base = str(self._http.base_url)
        cookie = "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())
        url = base.replace("http", "ws", 1).rstrip("/") + "/ws"
        async with websockets.connect(
            url, additional_headers={"Cookie": cookie, "Origin": base.rstrip("/")}, proxy=None
        ) as socket:
            await socket.send(json.dumps({"op": "sub", "topic": "e:notify"}))
            async for text in socket:
                arrived = clock.now()
                for frame in json.loads(text):
                    if frame["op"] == "n":
                        await socket.send(json.dumps({"op": "ack", "n": frame["n"]}))
                    elif frame["op"] == "d" and frame.get("topic") == "e:notify":
                        for item in frame["data"]:
                            heard(arrived, item)


@asynccontextmanager
async def running(settings: Settings, database_url: str) -> AsyncGenerator[str]:
    """The product, from now until the end of the block; its base URL."""
    stop, bound = anyio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        server = group.create_task(run_server(settings, database_url, bound.set_result, stop))
        await asyncio.wait([server, bound], return_when=asyncio.FIRST_COMPLETED)
        if not bound.done():
            await server
        try:
            yield f"http://{settings.host}:{bound.result()}"
        finally:
            stop.set()


@asynccontextmanager
async def signed_in(base_url: str, email: str, password: str) -> AsyncGenerator[UserClient]:
    async with httpx.AsyncClient(
        base_url=base_url, timeout=30, trust_env=False, headers={"Origin": base_url}
    ) as http:
        response = await http.post("/api/auth/login", json={"email": email, "password": password})
        if response.is_error:
            raise OptriaError(f"Signing in as {email} failed: {response.text}")
        yield UserClient(http, response.json()["user"])


async def until(what: str, look: Callable[[], Awaitable[Found | None]], within_s: float) -> Found:
    """What ``look`` finds, asked four times a second. Raises NotInTimeError."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                found = await look()
                if found is not None:
                    return found
                await asyncio.sleep(0.25)
    except TimeoutError:
        raise NotInTimeError(f"{what}: nothing within {within_s:g} s.") from None
