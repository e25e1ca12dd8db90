"""The database is away, full, frozen, or hangs up on those who are idle."""

import asyncio
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

from optria.core.roles import Role
from optria.db.embedded import EmbeddedServer
from optria.db.session import Database
from tests import factories
from tests.fakes.frozen import frozen
from tests.fakes.proxy import proxied
from tests.fakes.served import Served
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
    served: Served, house: House, timeout_s: float = 60.0
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
    async with running(Served.at(serving(fresh_database), tmp_path, **settings)) as served:
        async with signed_in(served, house) as client:
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
    """Eight users who ask all the time."""

    async def user() -> Counter[int]:
        statuses: Counter[int] = Counter()
        while time.monotonic() < until_s:
            statuses[(await ask(client, "/api/assets/")).status] += 1
            await asyncio.sleep(0.01)
        return statuses

    return sum(await asyncio.gather(*(user() for _ in range(8))), Counter())


IDLE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()
AND usename = 'optria_app' AND state = 'idle' AND state_change < clock_timestamp() - interval '5 ms'
"""


@asynccontextmanager
async def ending_idle(owner_url: str) -> AsyncGenerator[Counter[str]]:
    """Ends every idle connection of the serving role, over and over; how many."""
    ended: Counter[str] = Counter()
    owner = await asyncpg.connect(owner_url)

    async def end() -> None:
        while True:
            ended["connections"] += await owner.fetchval(IDLE)
            await asyncio.sleep(0.02)

    ending = asyncio.create_task(end())
    try:
        yield ended
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
        await owner.close()
