"""What a server does by its role: everything, pages only, taking samples in, or scoring them.

Without NATS one process does it all (or stands by for another). With it samples go from the ingest servers
to the log, and from the log to the stream servers, which share its partitions; every role serves the pages.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client

from optria.app.duty import NAME, Duty
from optria.app.outlet import Outlet
from optria.app.plants import Plants
from optria.app.sources import Sources
from optria.app.streams import Streams
from optria.app.workers import Workers
from optria.blackbox.recorder import Recorder
from optria.core.errors import ConfigurationError
from optria.db.session import Database
from optria.kit.nats_log import NatsLog, connected
from optria.kit.settings import Settings
from optria.kit.supervise import Supervisor

INGEST: Final = "ingest"


@dataclass(slots=True)
class Parts:
    """What runs in this process. ``tasks`` are further loops by name."""

    streams: Streams
    recorder: Recorder
    sources: Sources
    duty: Duty
    tasks: dict[str, Callable[[], Awaitable[None]]]
    records: bool
    """Whether incidents are analysed and messages sent here without anybody asking."""
    client: Client | None = None
    workers: Workers | None = None

    def background(self, run: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """``run`` where this role does such work, else nothing for ever."""
        return run if self.records else _nothing

    async def end(self) -> None:
        """Give back what is held, and hang up."""
        if self.workers is not None:
            await self.workers.end()
        if self.client is not None:
            await self.client.close()


async def parts_of(settings: Settings, database: Database, plants: Plants, supervisor: Supervisor) -> Parts:
    """The parts of the role in the settings.

    Raises:
        ConfigurationError: the role needs a NATS server and none is named.
        LogUnavailable: the NATS server does not answer.
    """
    if settings.nats_url is None:
        if settings.role in ("ingest", "stream"):
            raise ConfigurationError(
                f"The role {settings.role} hands samples on by NATS. Name its server with --nats or "
                "OPTRIA_NATS_URL, or leave the role out: one server does everything."
            )
        return _alone(settings, database, plants, supervisor)
    client = await connected(settings.nats_url, f"optria {settings.role}")
    edges = [domain.strip() for domain in settings.nats_edges.split(",") if domain.strip()]
    log = NatsLog(client, settings.log_partitions, int(settings.log_gb * 1e9), edges, settings.nats_domain)
    await log.open()
    return _with_log(settings, database, plants, supervisor, log, client)


def _alone(settings: Settings, database: Database, plants: Plants, supervisor: Supervisor) -> Parts:
    streams = Streams(plants, database, settings)
    recorder = Recorder(database, plants, streams, streams, streams.fence.hold)
    streams.tell(recorder)
    sources = Sources(database, streams, settings, supervisor)
    is_web = settings.role == "web"
    duty = Duty(database, streams, sources, None if is_web else NAME)
    return Parts(streams, recorder, sources, duty, {}, records=not is_web)


def _with_log(
    settings: Settings,
    database: Database,
    plants: Plants,
    supervisor: Supervisor,
    log: NatsLog,
    client: Client,
) -> Parts:
    takes_in, scores = settings.role in ("all", "ingest"), settings.role in ("all", "stream")
    outlet = Outlet(plants, database, settings, log)
    workers = Workers(database, plants, settings, log) if scores else None
    recorder = Recorder(database, plants, outlet, workers or outlet, outlet.fence.hold)
    sources = Sources(database, outlet, settings, supervisor)
    of_some = f" of connections {settings.connections}" if settings.connections else ""
    duty = Duty(database, outlet, sources, f"{INGEST}{of_some}" if takes_in else None, is_scored=False)
    tasks: dict[str, Callable[[], Awaitable[None]]] = {}
    if takes_in:
        tasks["outlet"] = outlet.send
    if workers is not None:
        workers.wake = recorder.wake
        tasks["partitions"] = workers.run
    return Parts(outlet, recorder, sources, duty, tasks, scores or settings.role == "all", client, workers)


async def _nothing() -> None:
    await asyncio.Event().wait()
