"""An edge site takes samples in while its link to the centre is down, and is killed meanwhile."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from optria.core.tag import from_micros, to_micros
from optria.db.partitions import ensure_partitions
from optria.db.session import Database
from optria.kit import clock
from tests import factories
from tests.fakes.broker import Broker
from tests.fakes.proxy import proxied
from tests.fakes.served import Served
from tests.faults.figures import Figures, Scale
from tests.faults.partitioned import SAMPLES
from tests.faults.test_partitions import KEY, until

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
    served = Served.at(url, home, OPTRIA_SECRET_KEYS=KEY, **more)
    served.arguments = ("--port", "0", *arguments)
    served.log = home / "log"
    return served


@pytest.mark.clause("N2")
async def test_link_down(
    fresh_database: str,
    database: Database,
    serving: Callable[[str], str],
    tmp_path: Path,
    scale: Scale,
    figures: Figures,
) -> None:
    """What the edge took in while the link was down and its process killed arrives complete and in order."""
    historian = Recorder(tmp_path / "historian.db")
    tenant_id, connection = await site_of(database, tmp_path / "historian.db")
    centre = Broker(tmp_path / "centre")
    await centre.start()
    async with AsyncExitStack() as running:
        running.callback(historian.close)
        running.push_async_callback(centre.kill)
        link = await running.enter_async_context(proxied("127.0.0.1", centre.hub_port))
        edge_broker = Broker(tmp_path / "edge-broker", "edge", f"nats://127.0.0.1:{link.port}")
        await edge_broker.start()
        running.push_async_callback(edge_broker.kill)
        url, files = serving(fresh_database), {"OPTRIA_CONNECTOR_FILES": str(tmp_path)}
        edge = server(
            url,
            tmp_path / "edge",
            *("--role", "ingest", "--nats", edge_broker.url),
            OPTRIA_NATS_DOMAIN="edge",
            OPTRIA_CONNECTIONS=str(connection),
            **files,
        )
        stream = server(
            url,
            tmp_path / "stream",
            *("--role", "stream", "--nats", centre.url),
            OPTRIA_NATS_DOMAIN="centre",
            OPTRIA_NATS_EDGES="edge",
        )
        for served in (edge, stream):
            running.push_async_callback(served.end)
        await asyncio.gather(edge.start(), stream.start())
        taking = asyncio.create_task(historian.run(0.1))
        running.callback(taking.cancel)

        async def at_centre() -> tuple[int, int]:
            async with database.transaction(tenant_id) as tx:
                rows = await tx.session.execute(text(SAMPLES), {"tenant": tenant_id})
                samples, distinct = rows.one()
                return int(samples), int(distinct)

        async def arrives() -> bool:
            return (await at_centre())[1] > 0

        await until(arrives)
        await link.cut()
        cut_at, cut_s = time.monotonic(), scale.of(30.0, 3.0)
        await asyncio.sleep(cut_s / 3)
        before = (await at_centre())[1]
        await edge.kill()
        await asyncio.sleep(cut_s / 3)
        await edge.start()
        await asyncio.sleep(cut_s / 3)
        link.clear()
        down_s = time.monotonic() - cut_at
        await asyncio.sleep(2.0)
        taking.cancel()
        written = historian.written

        async def complete() -> bool:
            return (await at_centre())[1] >= written

        try:
            figures.recovered_s = await until(complete)
        except TimeoutError:
            print(await at_centre(), "of", written)
            raise
        samples, distinct = await at_centre()
        assert (samples, distinct) == (written, written)
        assert before < written
    figures.load = (
        f"{written:,} samples at {TAGS * 10}/s, link down for {down_s:.0f} s, the edge killed in it"
    )
    figures.lost, figures.duplicated = written - distinct, samples - distinct
