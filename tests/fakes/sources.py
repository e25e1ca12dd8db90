"""Plant sources over real sockets, one rig per kind, to run the same checks against every connector."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from optria.connectors import Connector, make_connector
from optria.core.tag import from_micros
from optria.simulator.opcua_server import opcua_server
from optria.simulator.pi_server import pi_app
from optria.simulator.source import PlantFrame
from tests.fakes.plant import FakePlant

USER, PASSWORD = "plant", "of the tests"


@dataclass(slots=True)
class Rig:
    """A running source: how to configure a connector for it, kill it, and start it again."""

    kind: str
    plant: FakePlant
    home: Path
    config: dict[str, object]
    wrong_host: dict[str, object]
    wrong_password: dict[str, object]
    kill: Callable[[], Awaitable[None]]
    restart: Callable[[], Awaitable[None]]

    def connector(self, **changes: object) -> Connector:
        return make_connector(self.kind, {**self.config, **changes}, self.home)


@asynccontextmanager
async def rig(kind: str, plant: FakePlant, home: Path) -> AsyncIterator[Rig]:
    makers: dict[str, Callable[[FakePlant, Path], AbstractAsyncContextManager[Rig]]]
    makers = {"opcua": opcua_rig, "pi": pi_rig, "sql": sql_rig}
    async with makers[kind](plant, home) as made:
        yield made


@asynccontextmanager
async def opcua_rig(plant: FakePlant, home: Path) -> AsyncIterator[Rig]:
    running = AsyncExitStack()
    server = opcua_server(plant, home=home, user=USER, password=PASSWORD)
    endpoint = await running.enter_async_context(server)
    port = int(endpoint.url.rpartition(":")[2])
    config: dict[str, object] = {
        "endpoint_url": endpoint.url,
        "username": USER,
        "password": PASSWORD,
        "sampling_interval_ms": 200,
    }

    async def restart() -> None:
        again = opcua_server(plant, port, home=home, user=USER, password=PASSWORD)
        await running.enter_async_context(again)

    try:
        yield Rig(
            "opcua",
            plant,
            home,
            config,
            {"endpoint_url": "opc.tcp://127.0.0.1:1"},
            {"password": "wrong"},
            running.aclose,
            restart,
        )
    finally:
        await running.aclose()


@asynccontextmanager
async def pi_rig(plant: FakePlant, home: Path) -> AsyncIterator[Rig]:
    running = AsyncExitStack()
    app = FastAPI(openapi_url=None)
    app.mount("/piwebapi", pi_app(plant, USER, PASSWORD))
    port = await running.enter_async_context(http_server(app))

    async def restart() -> None:
        await running.enter_async_context(http_server(app, port))

    try:
        yield Rig(
            "pi",
            plant,
            home,
            {
                "endpoint_url": f"http://127.0.0.1:{port}/piwebapi",
                "username": USER,
                "password": PASSWORD,
                "sampling_interval_ms": 100,
            },
            {"endpoint_url": "http://127.0.0.1:1/piwebapi"},
            {"password": "wrong"},
            running.aclose,
            restart,
        )
    finally:
        await running.aclose()


@asynccontextmanager
async def http_server(app: FastAPI, port: int = 0) -> AsyncIterator[int]:
    """An ASGI application on a port of 127.0.0.1, in this loop."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="critical",
        lifespan="off",
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        try:
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


READINGS = "tag TEXT, value REAL, quality INTEGER, source_time TEXT"
HISTORY = (
    "SELECT tag, value, quality, source_time FROM plant_history "
    "WHERE source_time BETWEEN :start AND :end ORDER BY source_time"
)


class SqlPlant:
    """Writes each frame of a plant into a SQLite file: latest values and history."""

    def __init__(self, plant: FakePlant, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(f"CREATE TABLE plant_history ({READINGS})")
        self.create()
        names = plant.names
        for name in names:
            rows = [(name, value, quality, _text(time)) for time, value, quality in plant.rows[name]]
            self._database.executemany("INSERT INTO plant_history VALUES (?, ?, ?, ?)", rows)
        self.write(plant.latest(names))
        self._stop = plant.subscribe(self.write)

    def create(self) -> None:
        self._database.execute(f"CREATE TABLE plant_readings ({READINGS}, PRIMARY KEY (tag))")

    def drop(self) -> None:
        self._database.execute("DROP TABLE plant_readings")

    def write(self, frame: PlantFrame) -> None:
        rows = [
            (name, float(value), int(quality), _text(int(time)))
            for name, value, quality, time in zip(
                frame.tags, frame.value, frame.quality, frame.source_time, strict=True
            )
        ]
        try:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT INTO plant_history VALUES (?, ?, ?, ?)", rows)
            self._database.executemany("INSERT OR REPLACE INTO plant_readings VALUES (?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.OperationalError:  # the table is dropped: this source is dead
            self._database.execute("ROLLBACK")

    def close(self) -> None:
        self._stop()
        self._database.close()


def _text(micros: int) -> str:
    return from_micros(micros).strftime("%Y-%m-%d %H:%M:%S.%f")


@asynccontextmanager
async def sql_rig(plant: FakePlant, home: Path) -> AsyncIterator[Rig]:
    path = home / "plant.db"
    database = SqlPlant(plant, path)

    async def kill() -> None:
        database.drop()

    async def restart() -> None:
        database.create()

    async with password_refusing_postgres() as port:
        yield Rig(
            "sql",
            plant,
            home,
            {
                "endpoint_url": f"sqlite+aiosqlite:///{path}",
                "sampling_interval_ms": 50,
                "history_query": HISTORY,
            },
            {"endpoint_url": "postgresql+asyncpg://127.0.0.1:1/plant"},
            {"endpoint_url": f"postgresql+asyncpg://plant:wrong@127.0.0.1:{port}/plant?ssl=disable"},
            kill,
            restart,
        )
    database.close()


@asynccontextmanager
async def password_refusing_postgres() -> AsyncIterator[int]:
    """The start of the PostgreSQL protocol, up to the refusal (SQLSTATE 28P01)."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
        fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "plant"\0\0'
        writer.write(b"E" + (len(fields) + 4).to_bytes(4) + fields)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
