"""A plant with one source that speaks all the time, and a count of what it said."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from optria.core.roles import Role
from optria.db.session import Database
from optria.kit import clock
from tests import factories
from tests.fakes.plant import FakePlant
from tests.fakes.sources import opcua_rig

STORED = """
SELECT coalesce(sum(cardinality(dt)), 0)::bigint AS samples,
    (SELECT count(*) FROM (SELECT DISTINCT tag_id, t0 + offset_us * interval '1 microsecond'
        FROM history_chunks, unnest(dt) AS offset_us) AS once)::bigint AS distinct
FROM history_chunks
"""


@dataclass(slots=True)
class Speaking:
    """A plant of pumps with a temperature each; the vibration of one is watched."""

    plant: FakePlant
    tenant_id: int
    email: str
    site_id: int
    watched: int
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    vibration: float = 3.0
    emitted: int = 0

    def say(self) -> None:
        """A Good sample of every tag."""
        now, names = clock.now(), self.plant.names
        rows = [(name, now, 50.0 + self.chance.random(), 0) for name in names[1:]]
        self.plant.push([(names[0], now, self.vibration + self.chance.random() / 10, 0), *rows])
        self.emitted += len(names)

    async def go_on(self, period_s: float) -> None:
        loop = asyncio.get_running_loop()
        begun, turns = loop.time(), 0
        while True:
            self.say()
            turns += 1
            await asyncio.sleep(max(0.0, begun + turns * period_s - loop.time()))


@asynccontextmanager
async def speaking(database: Database, home: Path, tags: int) -> AsyncGenerator[Speaking]:
    """The plant behind an OPC UA server, configured for a tenant of its own with a limit that is CRITICAL."""
    plant = FakePlant(tags)
    async with opcua_rig(plant, home) as rig:
        async with database.platform("test") as tx:
            tenant = await factories.tenant(tx)
            admin = await factories.user(tx, tenant.id, Role.TENANT_ADMIN)
        async with database.transaction(tenant.id) as tx:
            site = await factories.site(tx, tenant.id)
            source = await factories.integration(tx, tenant.id, config=rig.config)
            await factories.threshold(tx, tenant.id)
            assets = [await factories.asset(tx, site) for _ in range(1 + tags // 50)]
            watched, *_ = [
                await factories.mapping(
                    tx,
                    source,
                    assets[number // 50] if number else assets[-1],
                    external_tag=name,
                    internal_metric_name="temperature" if number else "vibration",
                    range_high=1000.0,
                    scan_s=0.5,
                )
                for number, name in enumerate(plant.names)
            ]
        spoken = Speaking(plant, tenant.id, admin.email, site.id, watched.id)
        spoken.say()
        yield spoken


async def keep_commits(owner_url: str) -> None:
    """A database as the product's own: the server of the tests forgets the last commits when it is killed."""
    owner = await asyncpg.connect(owner_url)
    try:
        name = await owner.fetchval("SELECT quote_ident(current_database())")
        await owner.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
    finally:
        await owner.close()


@dataclass(frozen=True, slots=True)
class Stored:
    samples: int
    distinct: int


async def stored_at(owner_url: str) -> Stored:
    """What is in the history, counted in the table and not as readers see it."""
    owner = await asyncpg.connect(owner_url)
    try:
        row = await owner.fetchrow(STORED)
    finally:
        await owner.close()
    return Stored(row["samples"], row["distinct"])
