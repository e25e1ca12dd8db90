"""Screens that are slow, too many, cut off, or no screens at all."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import httpx
import psutil
import pytest
from fastapi import FastAPI, Request
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from optria.core.messages import Message
from optria.core.roles import Role
from optria.db.session import Database
from optria.kit.settings import Settings
from optria.web import sessions
from optria.web.connection import TRY_LATER, Timing
from optria.web.limits import BODY_TIMEOUT_S, BodyLimit
from optria.web.runner import serve
from optria.web.slow_heads import PATIENCE_S, PromptHttp
from tests import factories
from tests.fakes.proxy import proxied
from tests.fakes.served import Served
from tests.faults.figures import Figures, Scale
from tests.web.house import House, build
from tests.web.sockets import opened, served

QUICK = Timing(tick_s=0.1)
MIB = 1024 * 1024


async def watch(house: House, url: str, topic: str, moments: list[float]) -> None:
    """Follow a topic, acknowledging at once, and note when each frame came."""
    async with opened(house, url, Role.ENGINEER) as browser:
        await browser.ask(op="sub", topic=topic)
        while True:
            await browser.frame()
            moments.append(time.monotonic())


async def put_values(house: House) -> None:
    number = 0.0
    while True:
        number += 1
        house.own.stream.put(house.sample(number))
        await asyncio.sleep(0.02)


async def test_slow_client(database: Database, scale: Scale, figures: Figures) -> None:
    house, lasts_s = await build(database, QUICK), scale.of(30.0, 2.0)
    topic, tag = f"v:site:{house.own.site.id}", str(house.own.vibration.id)
    moments: list[list[float]] = [[] for _ in range(5)]
    async with served(house) as url, opened(house, url, Role.VIEWER) as slow:
        await slow.ask(op="sub", topic=topic)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(watch(house, url, topic, times)) for times in moments]
            tasks.append(group.create_task(put_values(house)))
            await asyncio.sleep(lasts_s)
            for task in tasks:
                task.cancel()
        numbers = [json.loads(text)[0]["n"] for text in await received(slow.socket)]
        house.own.stream.put(house.sample(-1.0))
        house.app.state.hub.tick()
        await slow.ask(op="ack", n=numbers[-1])
        latest = (await slow.next("d", topic))["data"][tag][0]
    longest_s = max(later - earlier for times in moments for earlier, later in pairwise(times))
    figures.load = f"6 screens, 50 values/s, {lasts_s:g} s"
    figures.notes.append(
        f"the slow one got {len(numbers)} frames, the others waited at most {longest_s:.2f} s"
    )
    assert numbers == [1, 2]
    assert latest == -1.0
    if scale.full:
        assert longest_s < 0.5


async def received(socket: ClientConnection) -> Sequence[str]:
    """What has arrived so far and says something."""
    texts: list[str] = []
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(0.3):
                text = str(await socket.recv())
                if '"hb"' not in text:
                    texts.append(text)
    return texts


@pytest.fixture
async def house(database: Database) -> House:
    return await build(database)


async def people(database: Database, count: int) -> list[str]:
    """Tokens of that many viewers of one tenant."""
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        users = [await factories.user(tx, tenant.id, Role.VIEWER) for _ in range(count)]
        return [await sessions.start(tx, user, Settings(), "127.0.0.1", "test") for user in users]


async def connect_many(
    url: str, tokens: Sequence[str], wanted: int
) -> tuple[list[ClientConnection], Counter[int]]:
    """``wanted`` sockets, a hundred at a time: those that are served, and how many were closed by code."""
    held: list[ClientConnection] = []
    codes: Counter[int] = Counter()

    async def one(number: int) -> None:
        headers = {"Cookie": f"{sessions.COOKIE}={tokens[number % len(tokens)]}"}
        socket = await connect(url, additional_headers=headers, compression=None, proxy=None, open_timeout=60)
        try:
            await socket.send('{"op":"sub","topic":"e:notify"}')
            async with asyncio.timeout(60):
                await socket.recv()
            held.append(socket)
        except ConnectionClosed as closed:
            codes[closed.rcvd.code if closed.rcvd else 0] += 1

    for start in range(0, wanted, 100):
        async with asyncio.TaskGroup() as group:
            for number in range(start, min(start + 100, wanted)):
                group.create_task(one(number))
    return held, codes


async def test_many_connects(
    fresh_database: str,
    serving: Callable[[str], str],
    database: Database,
    tmp_path: Path,
    scale: Scale,
    figures: Figures,
) -> None:
    wanted, cap = scale.of(8_000, 120), Timing().max_connections if scale.full else Timing().max_per_user
    tokens = await people(database, scale.of(160, 1))
    server = Served.at(serving(fresh_database), tmp_path)
    try:
        await server.start()
        process = psutil.Process(server.pid)
        before = process.memory_info().rss
        url = server.base.replace("http", "ws") + "/ws"
        held, codes = await connect_many(url, tokens, wanted)
        grown_mb = (process.memory_info().rss - before) / MIB
        async with httpx.AsyncClient(base_url=server.base, trust_env=False) as client:
            assert (await client.get("/health/live")).status_code == 200
        for socket in held:
            socket.transport.abort()
        begun = time.monotonic()
        figures.recovered_s = await until_served(url, tokens[0], begun)
    finally:
        await server.end()
    figures.load = f"{wanted:,} connects"
    figures.notes.append(f"{len(held):,} served, {codes[TRY_LATER]:,} told 1013, memory +{grown_mb:.0f} MiB")
    assert (len(held), codes) == (cap, Counter({TRY_LATER: wanted - cap}))
    assert grown_mb < 100 + cap * 0.1


async def until_served(url: str, token: str, begun: float) -> float:
    """Seconds until a socket is served again."""
    async with asyncio.timeout(30):
        while True:
            held, _ = await connect_many(url, [token], 1)
            if held:
                await held[0].close()
                return time.monotonic() - begun
            await asyncio.sleep(0.05)


async def test_reconnects(database: Database, scale: Scale, figures: Figures) -> None:
    house, events = await build(database, QUICK), scale.of(5_000, 200)
    heard: list[str] = []
    ready = asyncio.Event()
    async with (
        served(house) as url,
        proxied("127.0.0.1", port_of(url)) as proxy,
        asyncio.TaskGroup() as group,
    ):
        following = group.create_task(follow(house, f"ws://127.0.0.1:{proxy.port}/ws", heard, events, ready))
        await ready.wait()
        for number in range(events):
            name = f"id-{number}"
            house.database.bus.publish(Message(house.own.tenant.id, "incidents", "incident_opened", name))
            await asyncio.sleep(0.004)
            if number % 50 == 25:
                await proxy.cut(0.02)
        async with asyncio.timeout(30):
            await following
    figures.load = f"{events:,} events, {events // 50} cuts"
    published = [f"id-{number}" for number in range(events)]
    figures.lost = len(set(published) - set(heard))
    figures.duplicated = len(heard) - len(set(heard))
    assert heard == published


def port_of(url: str) -> int:
    return urlsplit(url).port or 0


async def follow(house: House, url: str, heard: list[str], wanted: int, ready: asyncio.Event) -> None:
    """A page that comes back after every cut with the last number it knows."""
    known: dict[str, object] = {}
    while len(heard) < wanted:
        with contextlib.suppress(OSError, ConnectionClosed, EOFError, InvalidHandshake):
            async with opened(house, url, Role.TENANT_ADMIN) as browser:
                await browser.ask(op="sub", topic="e:incidents", **known)
                while len(heard) < wanted:
                    for message in await browser.frame():
                        if message["op"] in ("snap", "resume", "d"):
                            heard += [event["entity_id"] for event in message["data"]]
                            known["since"] = message["seq"]
                            known.setdefault("epoch", message["epoch"])
                            ready.set()


@pytest.mark.parametrize("what", ["head", "body"])
async def test_slow_loris(house: House, scale: Scale, figures: Figures, what: str) -> None:
    """Connections send a byte now and then; people are served all the while."""

    class Hasty(PromptHttp):
        patience_s = PATIENCE_S if scale.full else 0.5

    app = house.app if scale.full else hasty_application()
    limit_s = Hasty.patience_s if what == "head" else scale.of(BODY_TIMEOUT_S + PATIENCE_S, 1.0)
    begun = time.monotonic()
    async with serving_with(app, Hasty) as port, asyncio.TaskGroup() as group:
        slow = [group.create_task(drip(port, what)) for _ in range(scale.of(100, 10))]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            answered_s = [await timed(client) for _ in range(20)]
        closed_s = max(await asyncio.gather(*slow)) - begun
    figures.load = f"{len(slow)} that drip their {what}"
    figures.notes.append(f"closed after {closed_s:.1f} s, people waited at most {max(answered_s):.2f} s")
    if scale.full:
        assert closed_s < limit_s + 5


def hasty_application() -> FastAPI:
    """A small application with the product's bound on bodies, and less patience."""
    app = FastAPI()
    app.add_middleware(BodyLimit, body_timeout_s=0.5)

    @app.get("/health/live")
    async def live() -> str:
        return "ok"

    @app.post("/api/auth/login")
    async def login(request: Request) -> int:
        return len(await request.body())

    return app


async def timed(client: httpx.AsyncClient) -> float:
    begun = time.monotonic()
    assert (await client.get("/health/live")).status_code == 200
    return time.monotonic() - begun


async def drip(port: int, what: str) -> float:
    """Send a request a byte at a time until the server hangs up; when that was."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: plant.test\r\nContent-Type: application/json\r\n"
    writer.write(head + (b"Content-Length: 100000\r\n\r\n" if what == "body" else b"X-Slow: "))
    try:
        async with asyncio.timeout(60):
            while not reader.at_eof():
                writer.write(b"x")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await reader.read(4096)
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return time.monotonic()


@asynccontextmanager
async def serving_with(app: FastAPI, protocol: type[PromptHttp]) -> AsyncGenerator[int]:
    """The application over a protocol; its port."""
    stop, bound = anyio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(app, "127.0.0.1", 0, stop, bound.set_result, protocol))
        try:
            yield await bound
        finally:
            stop.set()
