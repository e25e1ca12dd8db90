"""One process: sources, streams, recorder and web in one task group, stopped in that order."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import structlog
from fastapi import FastAPI

from optria import __version__
from optria.app.beginning import Beginning
from optria.app.configuration import Configuration
from optria.app.known_plants import KnownPlants
from optria.app.plants import Plants, load_plants
from optria.app.roles import Parts, parts_of
from optria.app.space_alerts import SpaceAlerts
from optria.app.stopping import disposed, last_words, signals, unless
from optria.app.streams import Streams
from optria.blackbox.inbox import EVENTS_HELD
from optria.blackbox.recorder import Recorder
from optria.core.errors import ConfigurationError, OptriaError
from optria.db.admission import WAITING, Admission
from optria.db.installation import Installation, prepared
from optria.db.retention import Upkeeper
from optria.db.session import Database
from optria.db.url import plain_errors
from optria.kit.bus import Bus
from optria.kit.loop_watch import LoopWatch
from optria.kit.settings import Settings
from optria.kit.supervise import Supervisor
from optria.streams.vitals import vitals_of
from optria.web.runner import serve
from optria.web.server import create_app
from optria.web.services import Services, Vitals
from optria.work.delivery_sender import open_sender

log = structlog.get_logger(__name__)


async def run_server(
    settings: Settings,
    found: Installation | str,
    on_bound: Callable[[int], None] | None = None,
    stop: anyio.Event | None = None,
) -> None:
    """Serve until ``stop`` is set or SIGINT or SIGTERM comes; ``on_bound`` is told the port.

    Args:
        found: the database, or the serving role's URL of one that is prepared already.

    Raises:
        ConfigurationError: it cannot start, or the database that came back must not be served.
        DatabaseUnavailable: the database is away, and its plants were never read here.
    """
    if settings.demo:
        refuse_public(settings.host)
    stop = stop or anyio.Event()
    bus = Bus()
    if isinstance(found, str):
        found = prepared(found)
    database = Database(found.url, bus, timeout_s=settings.database_timeout_s)
    plants = KnownPlants(settings, found.place)
    beginning = Beginning(found, Admission(database.engine, WAITING), plants)
    try:
        with signals(stop):
            if await unless(stop, beginning.first_try()):
                await _Server(settings, database, bus, stop, beginning).run(on_bound)
    except* OptriaError as failures:
        raise _first(failures) from None
    finally:
        await disposed(database)


class _Server:
    def __init__(
        self, settings: Settings, database: Database, bus: Bus, stop: anyio.Event, beginning: Beginning
    ) -> None:
        self._settings, self._database, self._bus, self._stop = settings, database, bus, stop
        self._beginning = beginning
        self._supervisor = Supervisor()
        database.on_back.append(self._try_again)
        self._refused: OptriaError | None = None

    async def run(self, on_bound: Callable[[int], None] | None) -> None:
        plants = await self._plants()
        parts = await parts_of(self._settings, self._database, plants, self._supervisor)
        if self._beginning.known is None:
            await parts.duty.begin()
        upkeeper, loop = Upkeeper(self._database, self._settings), LoopWatch()
        app = self._app(parts, plants, upkeeper, loop)
        lasting_work = await self._lasting(parts, app, upkeeper, loop)
        async with asyncio.TaskGroup() as lasting:
            web = lasting.create_task(
                serve(app, self._settings.host, self._settings.port, self._stop, on_bound)
            )
            inner = [self._keep(lasting, name, run) for name, run in lasting_work.items()]
            inner += self._keep_database(lasting)
            await self._run_streams(parts, plants)
            await web
            for task in inner:
                task.cancel()
        await last_words(parts.streams, parts.recorder, parts.duty)
        await parts.end()
        if self._refused is not None:
            raise self._refused

    def _app(self, parts: Parts, plants: Plants, upkeeper: Upkeeper, loop: LoopWatch) -> FastAPI:
        return create_app(
            Services(
                database=self._database,
                settings=self._settings,
                bus=self._bus,
                pipelines=parts.streams,
                plants=plants,
                links=parts.sources.of,
                recorder=parts.recorder,
                health=lambda: self._supervisor.states,
                vitals=lambda: _vitals(parts.streams, parts.recorder),
                upkeep=lambda: upkeeper.last,
                loop=loop,
                version=__version__,
            )
        )

    async def _lasting(
        self, parts: Parts, app: FastAPI, upkeeper: Upkeeper, loop: LoopWatch
    ) -> dict[str, Callable[[], Awaitable[None]]]:
        """Everything that goes on from the start until the web has ended, by name."""
        sender = await asyncio.to_thread(open_sender, self._database, self._settings)
        alerts = SpaceAlerts(self._database, parts.streams.historians.space, parts.streams)
        with_database = {
            "recorder": parts.background(parts.recorder.run),
            "duty": parts.duty.run,
            "sender": parts.background(sender.run),
            "space": alerts.run,
            "upkeep": upkeeper.run,
            "back-tests": app.state.back_tests.run,
            **parts.tasks,
        }
        admission = self._beginning.admission
        waiting = {name: admission.after(run) for name, run in with_database.items()}
        return waiting | {"hub": app.state.hub.run, "loop": loop.run}

    def _keep_database(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """The database is waited for where it was away at the start; one of our own is kept running."""
        tasks = []
        if self._beginning.known is not None:
            tasks.append(group.create_task(self._come_up(), name="database"))
        if (server := self._beginning.installation.server) is not None:
            tasks.append(self._keep(group, "embedded database", server.keep))
        return tasks

    async def _plants(self) -> Plants:
        """As the database says; without it, as it was last read."""
        known = self._beginning.known
        if known is not None:
            return Plants.of(tenant.plant for tenant in known.tenants)
        with plain_errors(self._beginning.installation.url):
            return await load_plants(self._database)

    async def _come_up(self) -> None:
        """Wait for the database of a start without it. One that must not be served ends the program."""
        try:
            await self._beginning.come_up()
        except OptriaError as error:
            log.error("database_refused", error=str(error))
            self._refused = error
            self._stop.set()

    async def _run_streams(self, parts: Parts, plants: Plants) -> None:
        """Sources and historians until the stop; sources end first, historians flush what came."""
        known, admission = self._beginning.known, self._beginning.admission
        streams, sources = parts.streams, parts.sources
        configuration = Configuration(
            self._database, plants, streams, sources, self._supervisor, self._beginning.plants
        )
        async with asyncio.TaskGroup() as group:
            if known is not None:
                await configuration.begin(known.tenants, group)
            checkpoints = self._keep(group, "checkpoints", admission.after(streams.checkpoint))
            following = self._keep(group, "configuration", lambda: configuration.follow(self._bus, group))
            baselines = self._keep(group, "baselines", lambda: streams.follow_baselines(self._bus))
            releases = self._keep(group, "late samples", streams.release)
            await self._stop.wait()
            following.cancel()
            baselines.cancel()
            await sources.stop()
            releases.cancel()
            streams.release_all()
            configuration.stop_histories()
            checkpoints.cancel()

    def _try_again(self) -> None:
        """The database is back: what waits for its next try makes it now. Sources keep their own times."""
        for name in list(self._supervisor.states):
            if not name.startswith("source "):
                self._supervisor.wake(name)

    def _keep(
        self, group: asyncio.TaskGroup, name: str, run: Callable[[], Awaitable[None]]
    ) -> asyncio.Task[None]:
        return group.create_task(self._supervisor.keep(name, run), name=name)


def _vitals(streams: Streams, recorder: Recorder) -> Vitals:
    return Vitals(
        streams={tenant_id: vitals_of(pipeline) for tenant_id, pipeline in streams.items()},
        inbox=recorder.inbox.waiting,
        inbox_bound=EVENTS_HELD,
        inbox_counts=dict(recorder.inbox.counts),
    )


def refuse_public(host: str) -> None:
    """Demo accounts have known passwords: they are never reachable from another machine.

    Raises ConfigurationError.
    """
    with suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return
    if host != "localhost":
        raise ConfigurationError(
            f"The demo has known passwords, so it listens on this machine only, not on {host}. "
            "For a real installation use `optria serve`."
        )


def _first(failures: BaseExceptionGroup[OptriaError]) -> OptriaError:
    """The sentence to show of several."""
    failure = failures.exceptions[0]
    return _first(failure) if isinstance(failure, BaseExceptionGroup) else failure
