"""The server starts while its database is away, works with what it knew, and goes on once it is there."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from sqlalchemy import func, select

from optria.app.known_plants import FILE, KnownPlants, KnownTenant
from optria.app.plants import read_plant
from optria.app.sources import connections
from optria.core.roles import Role
from optria.core.tag import from_micros, to_micros
from optria.db.blackbox import IncidentRow
from optria.db.embedded import EmbeddedServer
from optria.db.fingerprint import fingerprint_at
from optria.db.plant import ThresholdRow
from optria.db.roles import app_url
from optria.db.session import Database
from optria.db.upgrade import upgrade
from optria.db.url import place
from optria.kit import clock
from optria.kit.settings import Settings
from optria.streams.history import read_window
from tests import factories
from tests.conftest import APP_PASSWORD, create_database, drop_database
from tests.fakes.plant import FakePlant
from tests.fakes.proxy import Proxy, proxied
from tests.fakes.served import Served
from tests.fakes.sources import pi_rig
from tests.fakes.waiting import until

PATIENCE_S = 30.0
TAGS = 4
TRIPPED = 2e5


@dataclass(slots=True)
class Plant:
    """A plant that ticks all the time, and the server of it, whose database is behind ``link``."""

    database: Database
    tenant_id: int
    source: FakePlant
    link: Proxy
    url: str
    home: Path
    served: Served
    is_tripped: bool = False

    async def run(self) -> None:
        """The first tag goes beyond its limit once it is tripped."""
        for step in count():
            values = [TRIPPED if self.is_tripped else 20.0, *(30.0 + n + step % 7 for n in range(1, TAGS))]
            rows = zip(self.source.names, values, strict=True)
            self.source.push([(name, clock.now(), value, 0) for name, value in rows])
            await asyncio.sleep(0.2)

    async def remember(self) -> None:
        """What an earlier run would have left in the data folder."""
        plant = await read_plant(self.database, self.tenant_id)
        known = KnownTenant(plant, tuple(await connections(self.database, plant)))
        await KnownPlants(Settings(home=self.home), place(self.url)).keep(
            await fingerprint_at(self.url), (known,)
        )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.served.base, trust_env=False, timeout=30) as client:
            return await client.get(path, headers=headers)

    async def ended(self) -> int:
        """The exit code."""
        assert self.served.process is not None
        async with asyncio.timeout(PATIENCE_S):
            return await self.served.process.wait()

    async def incidents(self) -> int:
        async with self.database.transaction(self.tenant_id) as tx:
            return await tx.session.scalar(select(func.count()).select_from(IncidentRow)) or 0


def behind(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))


@pytest.fixture
async def plant(fresh_database: str, tmp_path: Path) -> AsyncGenerator[Plant]:
    direct = app_url(fresh_database, APP_PASSWORD)
    database, source = Database(direct), FakePlant(TAGS)
    source.fill(5)
    async with pi_rig(source, tmp_path) as rig, proxied("127.0.0.1", urlsplit(direct).port or 0) as link:
        async with database.platform("test") as tx:
            tenant = await factories.tenant(tx)
            await factories.user(tx, tenant.id, Role.ENGINEER)
        async with database.transaction(tenant.id) as tx:
            asset = await factories.asset(tx, await factories.site(tx, tenant.id))
            connection = await factories.integration(
                tx, tenant.id, integration_type="pi", config=dict(rig.config)
            )
            for number, name in enumerate(source.names):
                await factories.mapping(
                    tx,
                    connection,
                    asset,
                    external_tag=name,
                    internal_metric_name=f"temperature_{number}",
                    range_high=1e6,
                )
            tx.session.add(
                ThresholdRow(
                    tenant_id=tenant.id,
                    metric="temperature_0",
                    direction="high",
                    limit_value=TRIPPED / 2,
                    severity="CRITICAL",
                    is_active=True,
                )
            )
        url = behind(direct, link.port)
        served = Served.at(url, tmp_path, OPTRIA_BACKFILL_MINUTES="1")
        served.log = tmp_path / "server.log"
        async with asyncio.TaskGroup() as group:
            made = Plant(database, tenant.id, source, link, url, tmp_path, served)
            ticking = group.create_task(made.run())
            try:
                yield made
            finally:
                ticking.cancel()
                await served.end()
    await database.dispose()


async def is_live(plant: Plant) -> bool:
    checks = (await plant.get("/health/ready")).json()["checks"]
    return bool(checks["ai_service"] and checks["integrations"])


async def test_values_come_and_an_alarm_waits_until_the_database_is_back(plant: Plant) -> None:
    await plant.remember()
    await plant.link.cut()
    await plant.served.start()
    await until(lambda: is_live(plant))
    ready, page = (
        await plant.get("/health/ready"),
        await plant.get("/dashboard", accept="text/html", cookie="access_token=x"),
    )
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, False)
    assert page.status_code == 503
    assert "<html" in page.text
    plant.is_tripped = True
    await asyncio.sleep(2.0)
    until_us = to_micros(clock.now())
    plant.link.clear()
    begun = time.monotonic()
    await until(plant.incidents)
    print(f"incident {time.monotonic() - begun:.1f} s after the database was back")
    await until(lambda: is_ready(plant))
    await plant.served.kill(signal.SIGTERM)
    assert await plant.incidents() == 1
    assert await stored_until(plant, until_us) > 0


async def is_ready(plant: Plant) -> bool:
    return (await plant.get("/health/ready")).status_code == 200


async def stored_until(plant: Plant, until_us: int) -> int:
    """Samples beyond the limit that are in the history from before the database was back."""
    async with plant.database.transaction(plant.tenant_id) as tx:
        tag = (await read_plant(plant.database, plant.tenant_id)).mappings[0].id
        found = await read_window(tx, [tag], from_micros(until_us - 10_000_000), from_micros(until_us))
    return int((found[tag].value == TRIPPED).sum())


async def test_what_was_read_is_kept_for_its_owner_alone(plant: Plant) -> None:
    await plant.served.start()
    file = plant.home / FILE
    await until(lambda: exists(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert "of the tests" not in file.read_text("utf-8")  # the password of the connection
    known = await KnownPlants(Settings(home=plant.home), place(plant.url)).read()
    assert known is not None
    assert known.tenants[0].plant == await read_plant(plant.database, plant.tenant_id)
    await plant.link.black_hole()
    begun = time.monotonic()
    await plant.served.kill(signal.SIGTERM)
    print(f"stopped in {time.monotonic() - begun:.1f} s while the database did not answer")
    assert await plant.ended() == 0


async def exists(file: Path) -> bool:
    return await asyncio.to_thread(file.exists)


async def test_without_anything_known_it_says_so_and_ends(plant: Plant) -> None:
    await plant.link.cut()
    with pytest.raises(AssertionError, match="did not start"):
        await plant.served.start()
    assert await plant.ended() == 1


async def test_a_role_that_may_look_past_tenants_is_refused_when_the_database_comes(
    plant: Plant, fresh_database: str
) -> None:
    role = f"looker_{plant.link.port}"
    await upgrade(fresh_database, role, "x")
    plant.url = plant.url.replace(f"optria_app:{APP_PASSWORD}", f"{role}:x")
    plant.served = Served.at(plant.url, plant.home)
    await plant.remember()
    await plant.link.cut()
    await plant.served.start()
    owner = await asyncpg.connect(fresh_database)
    try:
        await owner.execute(f"ALTER ROLE {role} BYPASSRLS")
        plant.is_tripped = True
        await asyncio.sleep(1.0)
        plant.link.clear()
        assert await plant.ended() == 1
        assert await plant.incidents() == 0
    finally:
        await owner.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await owner.close()


async def test_another_database_at_the_same_place_is_not_written(
    plant: Plant, fresh_database: str, server: EmbeddedServer, template: str
) -> None:
    await plant.remember()
    await plant.link.cut()
    await plant.served.start()
    name = urlsplit(fresh_database).path[1:]
    await plant.database.dispose()
    await swap(server, name, template)
    try:
        plant.is_tripped = True
        await asyncio.sleep(1.0)
        plant.link.clear()
        assert await plant.ended() == 1
        assert not (plant.home / FILE).exists()
    finally:
        await drop_database(server, f"{name}_before")


async def swap(server: EmbeddedServer, name: str, template: str) -> None:
    """Put another, empty database in the place of one."""
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        await connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{name}_before"')
    finally:
        await connection.close()
    await create_database(server, name, template)
