"""Runs a plant with everything it speaks: OPC UA, PI Web API, SQL feed and HTTP control."""

import asyncio
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from optria.core.errors import SimulatorError
from optria.kit.supervise import Supervisor
from optria.simulator.addresses import PlantAddresses, address_file, claim_home
from optria.simulator.control import control_app
from optria.simulator.plant import SimulatedPlant
from optria.simulator.replay import ReplayedPlant
from optria.simulator.source import PlantSource
from optria.simulator.sql_feed import SqlFeed

if TYPE_CHECKING:
    from optria.simulator.opcua_server import OpcUaEndpoint

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to serve a plant; port 0 takes a free one, `sql_url` None writes a SQLite file in `home`.

    `stop_when_done` ends a replay after its last row; without `handle_signals` only cancellation ends it.
    """

    home: Path
    opcua_port: int = 0
    http_port: int = 0
    sql_url: str | None = None
    opcua_user: str | None = None
    opcua_password: str = ""
    pi_user: str = "pi"
    pi_password: str = "pi"  # noqa: S105  # a test double's
    stop_when_done: bool = False
    handle_signals: bool = True


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """The simulated plant and how to serve it."""

    serve: ServeOptions
    speed: int = 1
    seed: int = 1


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """A recording and how to serve it; see `ReplayedPlant`."""

    serve: ServeOptions
    path: Path
    time_column: str | None = None
    speed: float = 1.0
    ignore: tuple[str, ...] = ()
    asset_type: str = "Equipment"


Ready = Callable[[PlantAddresses], None]


async def simulate(options: SimulateOptions, ready: Ready | None = None) -> None:
    """Run the simulated plant until SIGINT, SIGTERM or cancellation; raises SimulatorError."""
    plant = await asyncio.to_thread(SimulatedPlant, options.seed, options.speed)
    await serve_plant(plant, options.serve, ready)


async def replay(options: ReplayOptions, ready: Ready | None = None) -> None:
    """Run a recording as a plant; after its last row it goes on serving unless `stop_when_done`."""
    plant = await asyncio.to_thread(
        ReplayedPlant, options.path, options.time_column, options.speed, options.ignore, options.asset_type
    )
    await serve_plant(plant, options.serve, ready)


async def serve_plant(plant: PlantSource, options: ServeOptions, ready: Ready | None = None) -> None:
    """Serve any plant on all its protocols; `ready` is called when all of them answer.

    The addresses stand in `simulator.json` of the home folder meanwhile. Raises SimulatorError when another
    plant runs from this folder, a port is taken, or the SQL URL is of no use.
    """
    from optria.simulator.opcua_server import opcua_server  # asyncua takes a second to import
    from optria.simulator.pi_server import pi_app

    born = await asyncio.to_thread(claim_home, options.home)
    sql_url = options.sql_url or f"sqlite+aiosqlite:///{options.home / 'plant_readings.db'}"
    feed = await asyncio.to_thread(SqlFeed, plant, sql_url)
    app = control_app(plant)
    app.mount("/piwebapi", pi_app(plant, options.pi_user, options.pi_password))
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(_listen(options.http_port))
        server = opcua_server(
            plant,
            options.opcua_port,
            HOST,
            home=options.home,
            user=options.opcua_user,
            password=options.opcua_password,
        )
        try:
            endpoint = await stack.enter_async_context(server)
        except OSError as error:
            raise SimulatorError(f"OPC UA cannot listen on port {options.opcua_port}: {error}.") from error
        http_url = f"http://{HOST}:{listener.getsockname()[1]}"
        addresses = _addresses(plant, options, endpoint, (http_url, sql_url), born)
        await _Running(plant, feed, app, listener, options).run(addresses, ready)


def _addresses(
    plant: PlantSource,
    options: ServeOptions,
    endpoint: "OpcUaEndpoint",
    urls: tuple[str, str],
    born: float,
) -> PlantAddresses:
    http_url, sql_url = urls
    return PlantAddresses(
        pid=os.getpid(),
        process_started=born,
        opcua_url=endpoint.url,
        opcua_certificate=str(endpoint.certificate),
        opcua_user=options.opcua_user,
        opcua_password=options.opcua_password,
        pi_url=f"{http_url}/piwebapi",
        pi_user=options.pi_user,
        pi_password=options.pi_password,
        control_url=http_url,
        sql_url=sql_url,
        sources=dict(Counter(tag.source for tag in plant.catalogue.tags)),
    )


class _Running:
    """The tasks of a plant being served, from the first frame to the last."""

    def __init__(
        self,
        plant: PlantSource,
        feed: SqlFeed,
        app: FastAPI,
        listener: socket.socket,
        options: ServeOptions,
    ) -> None:
        self._plant = plant
        self._feed = feed
        self._listener = listener
        self._options = options
        self._stop = asyncio.Event()
        config = uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1)
        self._web = WebServer(config)

    async def run(self, addresses: PlantAddresses, ready: Ready | None) -> None:
        with _signals(self._stop) if self._options.handle_signals else nullcontext():
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._web.serve([self._listener]), name="http")
                    others = [
                        tasks.create_task(self._run_plant(), name="plant"),
                        tasks.create_task(Supervisor().keep("sql feed", self._feed.run), name="sql feed"),
                    ]
                    await self._web.answering.wait()
                    async with address_file(self._options.home, addresses):
                        if ready is not None:
                            ready(addresses)
                        await self._stop.wait()
                    for task in others:
                        task.cancel()
                    self._web.should_exit = True
            except BaseExceptionGroup as failures:
                raise failures.exceptions[0] from None

    async def _run_plant(self) -> None:
        await self._plant.run()
        if self._options.stop_when_done:
            await asyncio.sleep(1.0)  # the last row reaches its subscribers
            self._stop.set()


class WebServer(uvicorn.Server):
    """uvicorn without its signal handlers: they would swallow our shutdown."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set `stop`; where a loop cannot do that (Windows, other threads) nothing changes."""
    loop = asyncio.get_running_loop()
    caught = []
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
            caught.append(number)
        except (NotImplementedError, RuntimeError, ValueError):
            continue
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise SimulatorError(f"Port {port} on {HOST} is taken ({error.strerror}); choose another.") from error
    return listener
