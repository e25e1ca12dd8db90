"""What the tests of a lost database need: a server beside it, a user, a screen, and one who hangs up."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests import factories
from tests.fakes.served import Served


@asynccontextmanager
async def running(server: Served) -> AsyncGenerator[Served]:
    try:
        await server.start()
        yield server
    finally:
        await server.end()


@asynccontextmanager
async def signed_in(served: Served, email: str, timeout_s: float = 60.0) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served.base, trust_env=False, timeout=timeout_s) as client:
        who = {"email": email, "password": factories.PASSWORD}
        answer = await client.post("/api/auth/login", json=who, headers={"Origin": served.base})
        answer.raise_for_status()
        yield client


async def answers(client: httpx.AsyncClient, path: str = "/api/assets/") -> bool:
    return (await client.get(path)).status_code == 200


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    seconds: float


async def ask(client: httpx.AsyncClient, path: str) -> Answer:
    begun = time.monotonic()
    status = (await client.get(path)).status_code
    return Answer(status, time.monotonic() - begun)


CONSEQUENCES = """
SELECT (SELECT count(*) FROM blackbox_incidents) AS incidents, (SELECT count(*) FROM work_orders) AS orders,
    (SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM notifications
        GROUP BY user_id, notification_type, entity_id) AS each) AS notified
"""


async def consequences(owner_url: str) -> dict[str, int]:
    """Incidents, orders, and how often at most one person was told the same."""
    owner = await asyncpg.connect(owner_url)
    try:
        return dict(await owner.fetchrow(CONSEQUENCES))
    finally:
        await owner.close()


@dataclass(slots=True)
class Screen:
    """An open live screen that acknowledges every frame, and what came to it."""

    socket: ClientConnection
    frames: int = 0
    longest_gap_s: float = 0.0

    async def follow(self, topic: str) -> None:
        await self.socket.send(json.dumps({"op": "sub", "topic": topic}))

    async def listen(self) -> None:
        latest = time.monotonic()
        async for text in self.socket:
            for message in json.loads(text):
                if message["op"] == "n":
                    await self.socket.send(json.dumps({"op": "ack", "n": message["n"]}))
            if '"v:site' in str(text):
                now = time.monotonic()
                self.longest_gap_s = max(self.longest_gap_s, now - latest if self.frames else 0.0)
                self.frames, latest = self.frames + 1, now


@asynccontextmanager
async def screen(served: Served, client: httpx.AsyncClient) -> AsyncGenerator[Screen]:
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {"Cookie": cookie, "Origin": served.base}
    url = served.base.replace("http", "ws", 1) + "/ws"
    async with connect(url, additional_headers=headers, proxy=None, max_size=None) as socket:
        opened = Screen(socket)
        listening = asyncio.create_task(opened.listen())
        try:
            yield opened
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


IDLE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()
AND usename = 'optria_app' AND state = 'idle' AND state_change < clock_timestamp() - interval '100 ms'
"""


@asynccontextmanager
async def ending_idle(owner_url: str) -> AsyncGenerator[Counter[str]]:
    """Ends every idle connection of the serving role, over and over; how many."""
    ended: Counter[str] = Counter()
    owner = await asyncpg.connect(owner_url)

    async def end() -> None:
        while True:
            ended["connections"] += await owner.fetchval(IDLE)
            await asyncio.sleep(0.1)

    ending = asyncio.create_task(end())
    try:
        yield ended
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
        await owner.close()
