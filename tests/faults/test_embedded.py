"""The embedded database under kill -9 of the program, of the server, and of both: nothing committed is lost.

At full length the program of the first round is ``optria serve``, otherwise it is only the part of that which
keeps the server: it starts in a tenth of the time.
"""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil
import pytest

from optria.db.credentials import secret
from optria.db.embedded import EmbeddedServer
from tests.fakes.served import Served
from tests.fakes.waiting import until
from tests.faults.figures import Figures, Scale

LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, IndexError)
"""How it shows that the server is gone, or not there yet."""
KEEPS = """
import asyncio, signal, sys
from contextlib import suppress
from pathlib import Path
from optria.db.embedded import embedded_server

async def main() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    async with embedded_server(Path(sys.argv[1])) as server:
        print("http://127.0.0.1", flush=True)
        await server.keep()

with suppress(asyncio.CancelledError):
    asyncio.run(main())
"""


@dataclass(slots=True)
class Program(Served):
    """``optria serve`` with its embedded database, or only what keeps that."""

    is_whole: bool = True

    async def start(self) -> None:
        if self.is_whole:
            await super(Program, self).start()
            return
        home = self.environment["OPTRIA_HOME"]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            KEEPS,
            home,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        assert re.match(rb"http", await self.process.stdout.readline())


@dataclass(slots=True)
class House:
    """A data folder, the program on it, and somebody who writes and knows what was committed."""

    home: Path
    is_whole: bool
    program: Program
    committed: list[int] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    kills: int = 0

    def another(self) -> Program:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPTRIA_")}
        return Program({**environment, "OPTRIA_HOME": str(self.home)}, is_whole=self.is_whole)

    def lines(self) -> list[str]:
        return (self.home / "postgres" / "postmaster.pid").read_text("utf-8").splitlines()

    def postmaster(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int(self.lines()[0]))
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, IndexError, psutil.NoSuchProcess):
            return None

    def kill_postmaster(self) -> None:
        process = self.postmaster()
        assert process is not None
        process.kill()
        self.kills += 1

    async def kill_program(self) -> None:
        await self.program.kill()
        self.kills += 1
        self.program = self.another()

    async def connect(self) -> asyncpg.Connection:
        password = await asyncio.to_thread(secret, self.home, "embedded owner")
        return await asyncpg.connect(EmbeddedServer(self.home, int(self.lines()[3]), password).url())

    async def write(self, rows: int) -> None:
        """Commit a row at a time; what was told to be committed is noted."""
        connection = await self.connect()
        try:
            await connection.execute("CREATE TABLE IF NOT EXISTS kept (number bigint PRIMARY KEY)")
            for _ in range(rows):
                number = len(self.committed)
                await connection.execute("INSERT INTO kept VALUES ($1) ON CONFLICT DO NOTHING", number)
                self.committed.append(number)
        finally:
            await connection.close()

    async def write_until_lost(self) -> None:
        try:
            while True:
                await self.write(1_000)
        except LOST:
            return

    async def stored(self) -> tuple[int, int]:
        """Rows, and how many of the committed ones are among them."""
        connection = await self.connect()
        try:
            numbers = {row[0] for row in await connection.fetch("SELECT number FROM kept")}
        finally:
            await connection.close()
        return len(numbers), len(numbers & set(self.committed))

    async def answers(self) -> bool:
        try:
            await (await self.connect()).close()
        except LOST:
            return False
        return True


@pytest.fixture
async def house(tmp_path: Path, scale: Scale) -> AsyncGenerator[House]:
    made = House(tmp_path, scale.full, Program({}))
    made.program = made.another()
    await made.program.start()
    yield made
    await made.program.end()
    if (left := made.postmaster()) is not None:  # only after a failure
        left.send_signal(signal.SIGINT)
        await asyncio.to_thread(left.wait, 30)


async def program_killed(house: House) -> None:
    """The server lives on; the next start finds it at its place."""
    before = house.lines()[:4]
    writing = asyncio.create_task(house.write(200))
    await asyncio.sleep(0.1)
    await house.kill_program()
    await writing
    await start_again(house)
    assert house.lines()[:4] == before


async def server_killed(house: House) -> None:
    """The program starts it again, on its port."""
    port = house.lines()[3]
    writing = asyncio.create_task(house.write_until_lost())
    await asyncio.sleep(0.2)
    house.kill_postmaster()
    await writing
    house.waits_s.append(await until(house.answers))
    assert house.lines()[3] == port


async def both_killed(house: House) -> None:
    """The pid file that is left names a process of somebody else by now."""
    lines = house.lines()
    house.kill_postmaster()
    await house.kill_program()
    text = "\n".join([str(os.getpid()), *lines[1:]])
    await asyncio.to_thread((house.home / "postgres" / "postmaster.pid").write_text, text, "utf-8")
    await start_again(house)
    assert house.postmaster() is not None


async def second_start(house: House) -> None:
    """Two programs share the server, and the end of one is not the end of it."""
    before, second = house.lines()[:4], house.another()
    await second.start()
    try:
        assert house.lines()[:4] == before
        await second.kill(signal.SIGTERM)
    finally:
        await second.end()
    assert await house.answers()


async def start_again(house: House) -> None:
    begun = time.monotonic()
    await house.program.start()
    house.waits_s.append(time.monotonic() - begun)


async def test_killed_again_and_again(house: House, scale: Scale, figures: Figures) -> None:
    rounds = scale.of(6, 1)
    await house.write(100)
    for turn in range(rounds):
        house.is_whole = scale.full and turn == 0
        await program_killed(house)
        await server_killed(house)
        await second_start(house)
        await both_killed(house)
    rows, kept = await house.stored()
    figures.load = f"{house.kills} kills -9, {len(house.committed):,} commits"
    figures.lost, figures.duplicated = len(house.committed) - kept, 0
    figures.recovered_s = max(house.waits_s)
    figures.notes.append("a round by optria serve, the others by the part of it that keeps the server")
    assert kept == len(house.committed)
    assert rows - kept <= rounds  # a commit may have been cut off before it was told
    await house.program.kill(signal.SIGTERM)
    assert house.postmaster() is None
