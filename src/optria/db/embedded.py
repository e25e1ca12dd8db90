"""The embedded PostgreSQL: a server of our own in the user's data folder.

It listens on 127.0.0.1 only, with a password of its own (SCRAM) that only the user can read: a socket in
the data folder would be as safe, but not every data folder's path is short enough for one. Every process
that uses the server holds a shared lock on ``postgres.users``; the last one to leave stops the server. The
kernel drops the lock of a killed process, and the next start finds the server by its pid file and attaches
to it.
"""

import fcntl
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import asyncpg
import structlog

from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db import postmaster
from optria.db.credentials import FILE as CREDENTIALS
from optria.db.credentials import locked, secret
from optria.db.ports import usual_port
from optria.db.postmaster import OWNER, Cluster
from optria.db.url import is_wrong_password, plain_errors

log = structlog.get_logger(__name__)

DATABASE = "optria"
LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """The embedded server of a data folder; ``port`` is on 127.0.0.1 and stays the same."""

    home: Path
    port: int
    password: str = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    def url(self, database: str = DATABASE) -> str:
        """URL of the owner, who migrates."""
        return f"postgresql://{OWNER}:{self.password}@127.0.0.1:{self.port}/{database}"

    async def ensure(self) -> None:
        """Start the server if it does not run.

        Raises:
            ConfigurationError: when its password is not known any more.
            DatabaseUnavailable: when it does not start.
        """
        await anyio.to_thread.run_sync(_ensure, self, abandon_on_cancel=True)
        await _ensure_database(self)

    async def keep(self) -> None:
        """Start the server again whenever it has died, for ever.

        Raises:
            DatabaseUnavailable: when it does not start; whoever supervises tries again.
        """
        cluster = Cluster.at(self.home)
        while True:
            if not await anyio.to_thread.run_sync(postmaster.is_running, cluster):
                log.warning("embedded_database_died", port=self.port)
                await self.ensure()
                log.info("embedded_database_started_again", port=self.port)
            await anyio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def embedded_server(
    home: Path, settings: Mapping[str, str] | None = None, *, must_run: bool = True
) -> AsyncGenerator[EmbeddedServer]:
    """The server of the data folder ``home``, started if it does not run, with the database ``optria``.

    Args:
        home: the data folder; every process that names the same one shares the server.
        settings: PostgreSQL settings for a start (ignored when it runs already).
        must_run: False leaves it to :meth:`EmbeddedServer.ensure` to start it.

    Raises:
        ConfigurationError: when the folder cannot be used.
        DatabaseUnavailable: when the server does not start.
    """
    users, server = await anyio.to_thread.run_sync(_attach, home, settings or {}, must_run)
    try:
        if must_run:
            await _ensure_database(server)
        yield server
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_detach, home, users)


def _attach(home: Path, settings: Mapping[str, str], must_run: bool) -> tuple[int, EmbeddedServer]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        home = home.resolve()
        users = os.open(home / "postgres.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {home} cannot be used ({error.strerror}). Set OPTRIA_HOME to a folder you own."
        ) from error
    try:
        with locked(home / "postgres.lock"):
            fcntl.flock(users, fcntl.LOCK_SH)
            password, cluster = secret(home, "embedded owner"), Cluster.at(home)
            if must_run:
                port = postmaster.ensure_running(cluster, password, settings)
            else:
                port = postmaster.running_port(cluster) or usual_port(cluster.data)
            return users, EmbeddedServer(home, port, password, settings)
    except BaseException:
        os.close(users)
        raise


def _ensure(server: EmbeddedServer) -> None:
    with locked(server.home / "postgres.lock"):
        cluster = Cluster.at(server.home)
        port = postmaster.ensure_running(cluster, server.password, server.settings, server.port)
    if port != server.port:
        raise DatabaseUnavailable(
            f"The embedded database runs on port {port} now, and this program knows it on {server.port}. "
            "Start this program again."
        )


def _detach(home: Path, users: int) -> None:
    home = home.resolve()
    try:
        with locked(home / "postgres.lock"):
            fcntl.flock(users, fcntl.LOCK_UN)
            if _nobody_left(users):
                postmaster.stop(Cluster.at(home))
    finally:
        os.close(users)


def _nobody_left(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _ensure_database(server: EmbeddedServer) -> None:
    try:
        with plain_errors(server.url("postgres")):
            connection = await asyncpg.connect(server.url("postgres"))
    except DatabaseUnavailable as error:
        if not is_wrong_password(error):
            raise
        raise ConfigurationError(
            f"The password in {server.home / CREDENTIALS} does not open the database beside it. "
            "Bring the old file back, or set OPTRIA_HOME to another folder."
        ) from error
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        pass  # another process of the same folder was faster
    finally:
        await connection.close()
