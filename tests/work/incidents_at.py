"""A process whose clock is turned: opens the incident of each asset at its moment, orders and tells.

``python -m tests.work.incidents_at URL TENANT DIAL ASSET=MOMENT …`` under libfaketime, which reads ``DIAL``.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from optria.blackbox.recorder import Recorder
from optria.core.event import Event, Severity
from optria.db.configuration import load_plant
from optria.db.session import Database
from optria.kit import clock
from tests.fakes.sensors import FakeSensors, FakeWatch


async def run(url: str, tenant_id: int, dial: Path, asked: Sequence[str]) -> None:
    database = Database(url)
    async with database.transaction(tenant_id) as tx:
        plant = await load_plant(tx, tenant_id)
    recorder = Recorder(database, lambda _: plant, FakeSensors(), FakeWatch())
    for each in asked:
        asset, _, moment = each.partition("=")
        await asyncio.to_thread(dial.write_text, f"@{moment}\n", "ascii")
        async with asyncio.timeout(10):
            while clock.now().strftime("%Y-%m-%d %H:%M") != moment[:16]:  # noqa: ASYNC110 - a clock tells nobody
                await asyncio.sleep(0.01)
        event = Event(clock.now(), Severity.CRITICAL, "ALERT", "Tripped", int(asset), source_id=each)
        recorder.event(tenant_id, event)
        await recorder.drain()
        await recorder.do_due()
    await database.dispose()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))
