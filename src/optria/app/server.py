"""One process: sources, streams, recorder and web in one task group, stopped in that order."""

import asyncio
import ipaddress
import signal
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress

import anyio
import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria import __version__
from optria.app.configuration import Configuration
from optria.app.plants import load_plants
from optria.app.sources import Sources
from optria.app.streams import Streams
from optria.blackbox.inbox import EVENTS_HELD
from optria.blackbox.recorder import Recorder
from optria.core.errors import ConfigurationError, OptriaError
from optria.db.session import Database
from optria.kit.bus import Bus
from optria.kit.settings import Settings
from optria.kit.supervise import Supervisor
from optria.streams.vitals import vitals_of
from optria.web.runner import serve
from optria.web.server import create_app
from optria.web.services import Services, Vitals
from optria.work.delivery_sender import open_sender

log = structlog.get_logger(__name__)

LAST_WORDS_S = 5.0


async def run_server(
    settings: Settings,
    database_url: str,
    on_bound: Callable[[int], None] | None = None,
    stop: anyio.Event | None = None,
) -> None:
    """Serve until ``stop`` is set or SIGINT or SIGTERM comes; ``on_bound`` is told the port.

    Raises ConfigurationError or DatabaseUnavailable when it cannot start.
    """
    if settings.demo:
        refuse_public(settings.host)
    stop = stop or anyio.Event()
    bus = Bus()
    database = Database(database_url, bus)
    try:
        with _signals(stop):
            await _Server(settings, database, bus, stop).run(on_bound)
    except* OptriaError as failures:
        raise _first(failures) from None
    finally:
        await database.dispose()


class _Server:
    def __init__(self, settings: Settings, database: Database, bus: Bus, stop: anyio.Event) -> None:
        self._settings, self._database, self._bus, self._stop = settings, database, bus, stop
        self._supervisor = Supervisor()

    async def run(self, on_bound: Callable[[int], None] | None) -> None:
        plants = await load_plants(self._database)
        streams = Streams(plants, self._database, self._settings)
        recorder = Recorder(self._database, plants, streams, streams)
        streams.tell(recorder)
        await streams.restore()
        sources = Sources(self._database, streams, self._settings, self._supervisor)
        sender = await asyncio.to_thread(open_sender, self._database, self._settings)
        app = create_app(
            Services(
                database=self._database,
                settings=self._settings,
                bus=self._bus,
                pipelines=streams,
                plants=plants,
                links=sources.of,
                recorder=recorder,
                health=lambda: self._supervisor.states,
                vitals=lambda: _vitals(streams, recorder),
                version=__version__,
            )
        )
        async with asyncio.TaskGroup() as lasting:
            web = lasting.create_task(
                serve(app, self._settings.host, self._settings.port, self._stop, on_bound)
            )
            inner = [
                self._keep(lasting, "recorder", recorder.run),
                self._keep(lasting, "sender", sender.run),
                self._keep(lasting, "hub", app.state.hub.run),
                self._keep(lasting, "back-tests", app.state.back_tests.run),
            ]
            configuration = Configuration(self._database, plants, streams, sources, self._supervisor)
            await self._run_streams(streams, sources, configuration)
            await web
            for task in inner:
                task.cancel()
        await _last_words(streams, recorder)

    async def _run_streams(self, streams: Streams, sources: Sources, configuration: Configuration) -> None:
        """Sources and histories until the stop; sources end first, histories flush what came."""
        async with asyncio.TaskGroup() as group:
            checkpoints = self._keep(group, "checkpoints", streams.checkpoint)
            following = self._keep(group, "configuration", lambda: configuration.follow(self._bus, group))
            baselines = self._keep(group, "baselines", lambda: streams.follow_baselines(self._bus))
            await self._stop.wait()
            following.cancel()
            baselines.cancel()
            await sources.stop()
            configuration.stop_histories()
            checkpoints.cancel()

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


async def _last_words(streams: Streams, recorder: Recorder) -> None:
    """What was learned and what is held, stored if the database can be reached; said if not."""
    try:
        async with asyncio.timeout(LAST_WORDS_S):
            await recorder.drain()
            await streams.save()
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("not_stored_at_stop", **recorder.inbox.waiting, error=str(error) or type(error).__name__)


@contextmanager
def _signals(stop: anyio.Event) -> Generator[None]:
    """SIGINT and SIGTERM ask for a stop; a second SIGINT ends at once."""
    loop = asyncio.get_running_loop()

    def asked() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, asked)
    loop.add_signal_handler(signal.SIGTERM, asked)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
