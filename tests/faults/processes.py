"""What the processes of the matrix do that are killed, paused and raced: forked by tests.fakes.prefork."""

import asyncio
import random
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import func, select

from optria.app import run_server
from optria.app.plants import load_plants
from optria.app.streams import Streams
from optria.blackbox import analyses, incidents
from optria.blackbox.recorder import Recorder
from optria.core.incident import Anchor
from optria.core.work_order import WorkOrderPolicy
from optria.db.blackbox import IncidentRow
from optria.db.installation import installation
from optria.db.session import Database
from optria.kit import clock, logs
from optria.kit.settings import Settings
from optria.work.incident_orders import create_from_incident
from tests.fakes.prefork import tell

logs.configure("ERROR")


async def serve(url: str, home: str) -> None:
    """``optria serve``; tells its address once it serves."""
    settings = Settings(app_database_url=SecretStr(url), home=Path(home), port=0)
    async with installation(settings, must_run=False) as found:
        await run_server(settings, found, lambda port: tell(f"http://127.0.0.1:{port}"))


async def work(url: str) -> None:
    """Only the Black Box of ``optria serve``: analyses what is due until it is killed."""
    recorder = await _recorder(Database(url))
    tell("working")
    await recorder.run()


async def write(url: str, tenant_id: int, assets: list[int], at: str, most_waiting: int) -> None:
    """One of several detectors that all see the same anchors; as fast as the analyses keep up."""
    database = Database(url)
    recorder = await _recorder(database)
    for asset_id in assets:
        await _caught_up(database, tenant_id, most_waiting)
        anchor = Anchor(asset_id, datetime.fromisoformat(at), 1.5 + random.random(), 0.97, (), "level")
        recorder.anchor(tenant_id, anchor)
        await recorder.drain()
    await database.dispose()
    tell("written")


async def order(url: str, tenant_id: int, wanted: list[str]) -> None:
    """Orders the work for each incident, without the lock that the Black Box would hold on it."""
    database = Database(url)
    await _at_the_same_moment(database)
    for incident_id in wanted:
        async with database.transaction(tenant_id) as tx:
            incident = await incidents.find(tx, UUID(incident_id))
            analysis = await analyses.latest(tx, incident)
            assert analysis is not None
            ordered = await create_from_incident(tx, incident, analysis, None, WorkOrderPolicy())
            number = ordered.order.id
        tell(f"{incident_id} {number} {int(ordered.created)}")
    await database.dispose()
    tell("ordered")


async def hold(url: str, tenant_id: int, incident_id: str, idle_s: float) -> None:
    """A worker in the middle of an analysis that does not come to its end by itself."""
    database = Database(url, idle_s=idle_s)
    async with database.transaction(tenant_id) as tx:
        await incidents.find(tx, UUID(incident_id), lock=True)
        tell("holding")
        await asyncio.sleep(3600)


async def _recorder(database: Database) -> Recorder:
    """A recorder as the server has it, without sources."""
    plants = await load_plants(database)
    streams = Streams(plants, database, Settings())
    return Recorder(database, plants, streams, streams)


async def _caught_up(database: Database, tenant_id: int, most_waiting: int) -> None:
    waiting = select(func.count()).where(IncidentRow.analysed_at.is_(None))
    while True:
        async with database.transaction(tenant_id) as tx:
            if (await tx.session.scalar(waiting) or 0) < most_waiting:
                return
        await asyncio.sleep(random.uniform(0.02, 0.1))


async def _at_the_same_moment(database: Database) -> None:
    """With a connection in hand, wait for the next whole half second of the clock."""
    async with database.platform("a connection"):
        pass
    now = clock.now().timestamp()
    await asyncio.sleep(0.5 - now % 0.5)
