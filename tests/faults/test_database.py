"""The database is away, full, frozen, or hangs up on those who are idle."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from optria.core.roles import Role
from optria.db.embedded import EmbeddedServer, embedded_server
from optria.db.session import Database
from optria.db.upgrade import upgrade
from tests import factories
from tests.conftest import APP_PASSWORD, THROW_AWAY, serving_url
from tests.fakes.frozen import frozen, kill
from tests.fakes.proxy import proxied
from tests.fakes.served import Served
from tests.fakes.small_disk import fill, small_disk
from tests.fakes.speaking import keep_commits, speaking, stored_at
from tests.fakes.waiting import until
from tests.faults.figures import Figures, Scale
from tests.faults.visits import answers, ask, consequences, ending_idle, running, screen, signed_in

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
    await keep_commits(fresh_database)
    outage_s, tags, period_s = scale.of(60.0, 3.0), scale.of(1000, 60), scale.of(0.5, 0.25)
    async with speaking(database, tmp_path, tags) as plant:
        served = Served.at(serving(fresh_database), tmp_path / "home", **({} if scale.full else QUICK))
        async with running(served), signed_in(served, plant.email) as client, screen(served, client) as seen:
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


TIGHT = {**THROW_AWAY, "max_wal_size": "48MB", "min_wal_size": "32MB", "shared_buffers": "16MB"}
DISK_MB = 512


@asynccontextmanager
async def on_small_disk() -> AsyncGenerator[tuple[Path, str]]:
    """A database whose disk can be filled: the disk, and the owner's URL."""
    with small_disk(DISK_MB) as disk:
        async with embedded_server(disk / "home", TIGHT) as server:
            await upgrade(server.url(), password=APP_PASSWORD)
            yield disk, server.url()


async def test_disk_full(tmp_path: Path, scale: Scale, figures: Figures) -> None:
    """A tenth of the disk is left: history stops, a trip still becomes an incident, an order and a notice."""
    tags, period_s = scale.of(500, 60), scale.of(0.5, 0.25)
    async with on_small_disk() as (disk, owner_url):
        database = Database(serving_url(owner_url))
        settings = {"OPTRIA_DATABASE_FOLDER": str(disk)}
        served = Served.at(serving_url(owner_url), tmp_path / "home", **settings)
        async with (
            speaking(database, tmp_path, tags) as plant,
            running(served),
            signed_in(served, plant.email) as client,
        ):
            talking = asyncio.create_task(plant.go_on(period_s))
            await until(lambda: is_stored(owner_url, 2 * tags))
            filler = await asyncio.to_thread(fill, disk, DISK_MB * 90_000)
            await until(lambda: is_warned(client))
            paused = await stored_at(owner_url)
            plant.vibration = 9.0
            await until(lambda: has_incident(owner_url))
            await asyncio.sleep(scale.of(30.0, 0.0))
            held = plant.emitted - (still := await stored_at(owner_url)).distinct
            filler.unlink()
            freed, waited = time.monotonic(), plant.emitted
            await until(lambda: is_stored(owner_url, waited))
            recovered_s = time.monotonic() - freed
            talking.cancel()
            await until(lambda: is_stored(owner_url, plant.emitted))
            told, warnings = await consequences(owner_url), await warned(client)
        stored = await stored_at(owner_url)
        await database.dispose()
    figures.load = f"{plant.emitted:,} samples at {tags / period_s:,.0f}/s, {held:,} of them held back"
    figures.lost = plant.emitted - stored.distinct
    figures.duplicated = stored.samples - stored.distinct
    figures.recovered_s = recovered_s
    figures.notes.append(f"{told} and {warnings} warning while the disk had 9 % left")
    assert (figures.lost, figures.duplicated) == (0, 0)
    assert still == paused
    assert told == {"incidents": 1, "orders": 1, "notified": 1}
    assert warnings == 1


async def warned(client: httpx.AsyncClient) -> int:
    """How often the administrator was told that history is paused."""
    found = (await client.get("/api/notifications")).json()
    return sum(each["title"].startswith("The database runs out of space") for each in found["notifications"])


async def is_warned(client: httpx.AsyncClient) -> bool:
    return await warned(client) > 0


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
    async with running(served), signed_in(served, house.email) as client:
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
        async with running(Served.at(through, tmp_path)) as served, signed_in(served, house.email) as client:
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
