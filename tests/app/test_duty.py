"""Of two servers on one database one runs the sources; when it is killed the other goes on within seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from sqlalchemy import text

from optria.db.session import Database
from tests.fakes.served import Served
from tests.fakes.waiting import until
from tests.faults.edge import TAGS, Recorder, server, site_of
from tests.faults.partitioned import SAMPLES


async def running_sources(served: Served) -> bool:
    """Whether its log says that it runs a connection, or stands by."""
    return "standing_by" not in await asyncio.to_thread(served.log.read_text, "utf-8")


async def test_the_one_that_stands_by_takes_over(
    fresh_database: str, database: Database, serving: Callable[[str], str], tmp_path: Path
) -> None:
    historian = Recorder(tmp_path / "historian.db")
    tenant_id, _ = await site_of(database, tmp_path / "historian.db")
    url, files = serving(fresh_database), {"OPTRIA_CONNECTOR_FILES": str(tmp_path)}
    first, second = (server(url, tmp_path / name, **files) for name in ("first", "second"))

    async def stored() -> tuple[int, int]:
        async with database.transaction(tenant_id) as tx:
            samples, distinct = (await tx.session.execute(text(SAMPLES), {"tenant": tenant_id})).one()
            return int(samples), int(distinct)

    def beyond(number: int) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return (await stored())[1] > number

        return look

    async with AsyncExitStack() as running:
        running.callback(historian.close)
        for served in (first, second):
            running.push_async_callback(served.end)
        taking = asyncio.create_task(historian.run(0.1))
        running.callback(taking.cancel)
        await first.start()
        await second.start()
        assert await running_sources(first)
        assert not await running_sources(second)
        await until(beyond(0))
        killed_at = historian.written
        await first.kill()
        begun = time.monotonic()
        await until(beyond(killed_at))
        print(f"goes on {time.monotonic() - begun:.1f} s after the kill")
        taking.cancel()
        await asyncio.sleep(0.2)
        written = historian.written
        await until(beyond(written - 1))
        assert await stored() == (written, written)
        assert written % TAGS == 0
