import asyncio
import os
import signal
import stat
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from optria.core.errors import ConfigurationError
from optria.db.embedded import EmbeddedServer, embedded_server

FAST = {"fsync": "off"}
HOLD = """
import sys
from pathlib import Path
import anyio
from optria.db.embedded import embedded_server

async def main() -> None:
    async with embedded_server(Path(sys.argv[1]), {"fsync": "off"}) as server:
        print(server.port, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)

anyio.run(main)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="optria-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@asynccontextmanager
async def another_process(home: Path) -> AsyncGenerator[tuple[asyncio.subprocess.Process, int]]:
    """A process that uses the server of `home` until its input is closed; and the server's port."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(home), stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, int(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def postmaster(home: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
        return process if process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None


async def ask(server: EmbeddedServer, query: str) -> object:
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_rows_survive_a_restart_and_nothing_runs_in_between(home: Path) -> None:
    async with embedded_server(home, FAST) as server:
        assert str(await ask(server, "SHOW server_version")).startswith("18")
        await ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert postmaster(home) is None
    async with embedded_server(home, FAST) as server:
        assert await ask(server, "SELECT answer FROM kept") == 42


async def test_only_the_owner_of_the_folder_gets_in(home: Path) -> None:
    async with embedded_server(home, FAST) as server:
        assert await ask(server, "SHOW listen_addresses") == "127.0.0.1"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url().replace(server.password, "guessed"))
    for name in ("credentials.json", "postgres.log"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
    assert server.password not in repr(server)


async def test_processes_share_the_server_and_the_last_one_stops_it(home: Path) -> None:
    async with another_process(home) as (_, port):
        async with embedded_server(home, FAST) as server:
            assert server.port == port
        assert postmaster(home) is not None
    assert postmaster(home) is None


async def test_a_killed_process_leaves_a_server_that_the_next_one_takes_over(home: Path) -> None:
    async with another_process(home) as (process, port):
        process.kill()
        await process.wait()
    assert postmaster(home) is not None
    async with embedded_server(home, FAST) as server:
        assert server.port == port
        assert await ask(server, "SELECT 1") == 1
    assert postmaster(home) is None


async def test_a_killed_server_recovers_at_the_next_start(home: Path) -> None:
    async with another_process(home) as (process, _):
        async with embedded_server(home, FAST) as server:
            await ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        killed = postmaster(home)
        assert killed is not None
        process.kill()
        killed.send_signal(signal.SIGKILL)
        await process.wait()
        while postmaster(home) is not None:  # noqa: ASYNC110 the kernel tells nobody
            await asyncio.sleep(0.01)
    async with embedded_server(home, FAST) as server:
        assert await ask(server, "SELECT answer FROM kept") == 42


async def test_a_pid_file_that_names_somebody_else_is_stale(home: Path) -> None:
    async with embedded_server(home, FAST):
        lines = (home / "postgres" / "postmaster.pid").read_text().splitlines()
    (home / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]))
    async with embedded_server(home, FAST) as server:
        assert await ask(server, "SELECT 1") == 1


async def test_a_first_start_cut_off_in_the_middle_is_begun_again(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18")
    async with embedded_server(home, FAST) as server:
        assert await ask(server, "SELECT 1") == 1


async def test_a_folder_deeper_than_a_socket_path_may_be(home: Path) -> None:
    async with embedded_server(home / ("a long name " * 5) / ("another one " * 5), FAST) as server:
        assert await ask(server, "SELECT 1") == 1


async def test_a_database_of_another_version_is_refused(home: Path) -> None:
    async with embedded_server(home, FAST):
        pass
    (home / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(ConfigurationError, match="PostgreSQL 15"):
        async with embedded_server(home, FAST):
            pass


async def test_lost_passwords_are_a_sentence_and_nothing_stays_behind(home: Path) -> None:
    async with embedded_server(home, FAST):
        pass
    (home / "credentials.json").unlink()
    with pytest.raises(ConfigurationError, match="Bring the old file back"):
        async with embedded_server(home, FAST):
            pass
    assert postmaster(home) is None


async def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="OPTRIA_HOME"):
        async with embedded_server(tmp_path / "file" / "home", FAST):
            pass
