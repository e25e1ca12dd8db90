"""An edge site takes samples in while its link to the centre is down, and is killed meanwhile."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from optria.db.session import Database
from tests.fakes.broker import Broker
from tests.fakes.proxy import proxied
from tests.fakes.waiting import until
from tests.faults.edge import TAGS, Recorder, server, site_of
from tests.faults.figures import Figures, Scale
from tests.faults.partitioned import SAMPLES, WAIT_S


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

        await until(arrives, WAIT_S)
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
            figures.recovered_s = await until(complete, WAIT_S)
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
