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

from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db import postmaster
from optria.db.credentials import FILE as CREDENTIALS
from optria.db.credentials import locked, secret
from optria.db.postmaster import OWNER, Cluster
from optria.db.url import is_wrong_password, plain_errors

DATABASE = "optria"


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running embedded server; ``port`` is on 127.0.0.1."""

    home: Path
    port: int
    password: str = field(repr=False)

    def url(self, database: str = DATABASE) -> str:
        """URL of the owner, who migrates."""
        return f"postgresql://{OWNER}:{self.password}@127.0.0.1:{self.port}/{database}"


@asynccontextmanager
async def embedded_server(
    home: Path, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[EmbeddedServer]:
    """The server of the data folder ``home``, started if it does not run, with the database ``optria``.

    Args:
        home: the data folder; every process that names the same one shares the server.
        settings: PostgreSQL settings for a start (ignored when it runs already).

    Raises:
        ConfigurationError: when the folder cannot be used.
        DatabaseUnavailable: when the server does not start.
    """
    users, server = await anyio.to_thread.run_sync(_attach, home, settings or {})
    try:
        await _ensure_database(server)
        yield server
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_detach, home, users)


def _attach(home: Path, settings: Mapping[str, str]) -> tuple[int, EmbeddedServer]:
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
            password = secret(home, "embedded owner")
            port = postmaster.ensure_running(Cluster.at(home), password, settings)
            return users, EmbeddedServer(home, port, password)
    except BaseException:
        os.close(users)
        raise


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
