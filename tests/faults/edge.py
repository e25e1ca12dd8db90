"""The historian of an edge site, a tenant whose connection reads it, and servers that share one key."""

import asyncio
import sqlite3
from pathlib import Path

import numpy as np

from optria.core.tag import from_micros, to_micros
from optria.db.partitions import ensure_partitions
from optria.db.session import Database
from optria.kit import clock
from tests import factories
from tests.fakes.served import Served
from tests.faults.partitioned import KEYS

TAGS = 5
HISTORY = "SELECT tag, value, time FROM samples WHERE time >= :start AND time <= :end ORDER BY time"
LATEST = "SELECT tag, value, time FROM samples WHERE rowid > (SELECT max(rowid) FROM samples) - 1000"
"""The last twenty seconds: a poll that comes late misses nothing."""


class Recorder:
    """The edge site's own historian: a sample of each tag ten times a second."""

    def __init__(self, path: Path) -> None:
        self._rows = sqlite3.connect(path, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode = WAL")
        self._rows.execute("CREATE TABLE samples (tag text, value real, time text)")
        self._chance = np.random.default_rng(5)
        self.written = 0

    def write(self) -> None:
        time_of = from_micros(to_micros(clock.now()) // 1000 * 1000).isoformat(sep=" ")
        values = 2.5 + 0.05 * self._chance.standard_normal(TAGS)
        self._rows.executemany(
            "INSERT INTO samples VALUES (?, ?, ?)",
            [(f"T-{tag}", float(value), time_of) for tag, value in enumerate(values)],
        )
        self._rows.commit()
        self.written += TAGS

    async def run(self, every_s: float) -> None:
        while True:
            await asyncio.to_thread(self.write)
            await asyncio.sleep(every_s)

    def close(self) -> None:
        self._rows.close()


async def site_of(database: Database, file: Path) -> tuple[int, int]:
    """A tenant whose connection reads the historian; its id and the connection's."""
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
    async with database.transaction(tenant_id) as tx:
        asset = await factories.asset(tx, await factories.site(tx, tenant_id))
        integration = await factories.integration(
            tx,
            tenant_id,
            integration_type="sql",
            config={
                "endpoint_url": f"sqlite+aiosqlite:///{file}",
                "sampling_interval_ms": 50,
                "query": LATEST,
                "history_query": HISTORY,
            },
        )
        for tag in range(TAGS):
            await factories.mapping(
                tx, integration, asset, external_tag=f"T-{tag}", internal_metric_name=f"metric_{tag}"
            )
        await ensure_partitions(tx.session, clock.now().date(), 2)
    return tenant_id, integration.id


def server(url: str, home: Path, *arguments: str, **more: str) -> Served:
    home.mkdir(exist_ok=True)
    served = Served.at(url, home, OPTRIA_SECRET_KEYS=KEYS, **more)
    served.arguments = ("--port", "0", *arguments)
    served.log = home / "log"
    return served
