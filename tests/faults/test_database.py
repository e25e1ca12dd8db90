"""The database is away, full, frozen, or hangs up on those who are idle."""

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from optria.core.roles import Role
from optria.db.embedded import EmbeddedServer
from optria.db.session import Database
from tests import factories
from tests.fakes.frozen import frozen, kill
from tests.fakes.proxy import proxied
from tests.fakes.served import Served
from tests.fakes.speaking import Speaking, speaking, stored_at
from tests.faults.figures import Figures, Scale

QUICK = {"OPTRIA_DATABASE_TIMEOUT_S": "1"}


@dataclass(frozen=True, slots=True)
class House:
    """A tenant with an administrator and one asset, in a database of its own."""

    tenant_id: int
    email: str
    asset_id: int


@pytest.fixture
async def house(database: Database) -> House:
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        admin = await factories.user(tx, tenant.id, Role.TENANT_ADMIN)
    async with database.transaction(tenant.id) as tx:
        asset = await factories.asset(tx, await factories.site(tx, tenant.id))
    return House(tenant.id, admin.email, asset.id)


@asynccontextmanager
async def running(server: Served) -> AsyncGenerator[Served]:
    try:
        await server.start()
        yield server
    finally:
        await server.end()


@asynccontextmanager
async def signed_in(
    served: Served, house: House | Speaking, timeout_s: float = 60.0
) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served.base, trust_env=False, timeout=timeout_s) as client:
        who = {"email": house.email, "password": factories.PASSWORD}
        answer = await client.post("/api/auth/login", json=who, headers={"Origin": served.base})
        answer.raise_for_status()
        yield client


async def until(holds: Callable[[], Awaitable[bool]], patience_s: float = 60.0) -> float:
    """Seconds until something held, tried over and over."""
    begun = time.monotonic()
    async with asyncio.timeout(patience_s):
        while not await holds():  # noqa: ASYNC110 - another process announces nothing
            await asyncio.sleep(0.05)
    return time.monotonic() - begun


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


async def test_down(
    server: EmbeddedServer,
    fresh_database: str,
    serving: Callable[[str], str],
    database: Database,
    tmp_path: Path,
    scale: Scale,
    figures: Figures,
) -> None:
    """PostgreSQL is killed and stays away; the plant speaks on, and one of its pumps trips meanwhile."""
    outage_s, tags, period_s = scale.of(60.0, 3.0), scale.of(1000, 60), scale.of(0.5, 0.25)
    async with speaking(database, tmp_path, tags) as plant:
        served = Served.at(serving(fresh_database), tmp_path / "home", **({} if scale.full else QUICK))
        async with running(served), signed_in(served, plant) as client, screen(served, client) as seen:
            await seen.follow(f"v:site:{plant.site_id}")
            talking = asyncio.create_task(plant.go_on(period_s))
            await until(lambda: is_stored(fresh_database, 2 * tags))
            kill(server.home)
            plant.vibration, begun = 9.0, time.monotonic()
            during = seen.frames
            await asyncio.sleep(outage_s)
            ready = await client.get("/health/ready")
            during = seen.frames - during
            away_s = time.monotonic() - begun
            await server.ensure()
            back = time.monotonic()
            plant.vibration = 3.0
            waited = plant.emitted
            await until(lambda: is_stored(fresh_database, waited))
            recovered_s = time.monotonic() - back
            await until(lambda: has_incident(fresh_database))
            talking.cancel()
            await until(lambda: is_stored(fresh_database, plant.emitted))
            await asyncio.sleep(scale.of(5.0, 0.5))
            told = await consequences(fresh_database)
    stored = await stored_at(fresh_database)
    figures.load = f"{plant.emitted:,} samples at {tags / period_s:,.0f}/s, away {away_s:.0f} s"
    figures.lost = plant.emitted - stored.distinct
    figures.duplicated = stored.samples - stored.distinct
    figures.recovered_s = recovered_s
    figures.notes.append(f"{during} frames to the screen meanwhile, longest gap {seen.longest_gap_s:.1f} s")
    figures.notes.append(f"health said {ready.json()['status']}; {told}")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert during >= outage_s / 2
    assert ready.json()["status"] != "ready"
    assert not ready.json()["checks"]["database"]
    assert told == {"incidents": 1, "orders": 1, "notified": 1}


async def test_frozen(
    server: EmbeddedServer,
    fresh_database: str,
    serving: Callable[[str], str],
    house: House,
    tmp_path: Path,
    scale: Scale,
    figures: Figures,
) -> None:
    timeout_s = scale.of(10.0, 1.0)
    settings = {} if scale.full else QUICK
    paths = ["/api/assets/", "/api/blackbox/incidents", "/api/work-orders/", "/health/ready"]
    served = Served.at(serving(fresh_database), tmp_path, **settings)
    async with running(served), signed_in(served, house) as client:
        await asyncio.gather(*(ask(client, path) for path in paths * 5))
        with frozen(server.home):
            waves = [await asyncio.gather(*(ask(client, path) for path in paths * 8)) for _ in range(2)]
            alive = await ask(client, "/health/live")
        recovered_s = await until(lambda: answers(client))
        after = await asyncio.gather(*(ask(client, path) for path in paths * 5))
    during = [answer for wave in waves for answer in wave]
    longest_s = max(answer.seconds for answer in during)
    figures.load = f"{len(during)} requests to a frozen database"
    figures.recovered_s = recovered_s
    figures.notes.append(
        f"errors after {statistics.median(a.seconds for a in during):.1f} s, at most {longest_s:.1f} s"
        f" (time-out {timeout_s:g} s)"
    )
    assert {answer.status for answer in during} == {503}
    assert alive.status == 200
    assert {answer.status for answer in after} == {200}
    if scale.full:
        assert longest_s < 2 * timeout_s


async def test_idle_connections_killed(
    fresh_database: str,
    serving: Callable[[str], str],
    house: House,
    tmp_path: Path,
    scale: Scale,
    figures: Figures,
) -> None:
    """Ended by the server while requests come all the time, and reset on the way while nobody asks."""
    lasts_s, url = scale.of(20.0, 1.5), serving(fresh_database)
    parts = urlsplit(url)
    async with proxied("127.0.0.1", parts.port or 0) as proxy:
        through = url.replace(f":{parts.port}/", f":{proxy.port}/")
        async with running(Served.at(through, tmp_path)) as served, signed_in(served, house) as client:
            async with ending_idle(fresh_database) as ended:
                statuses = await requests(client, time.monotonic() + lasts_s)
            for _ in range(scale.of(20, 3)):
                await proxy.cut(0.0)
                found = await asyncio.gather(*(ask(client, "/api/assets/") for _ in range(8)))
                statuses += Counter(answer.status for answer in found)
    figures.load = f"{statuses.total():,} requests, {ended.total()} connections ended"
    figures.lost = statuses.total() - statuses[200]
    assert statuses.keys() == {200}


async def requests(client: httpx.AsyncClient, until_s: float) -> Counter[int]:
    """Sixteen users who ask five times a second."""

    async def user() -> Counter[int]:
        statuses: Counter[int] = Counter()
        while time.monotonic() < until_s:
            statuses[(await ask(client, "/api/assets/")).status] += 1
            await asyncio.sleep(0.2)
        return statuses

    return sum(await asyncio.gather(*(user() for _ in range(16))), Counter())


async def is_stored(owner_url: str, samples: int) -> bool:
    return (await stored_at(owner_url)).distinct >= samples


async def has_incident(owner_url: str) -> bool:
    return (await consequences(owner_url))["orders"] > 0


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
