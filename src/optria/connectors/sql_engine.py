"""A database of the plant: which URLs are allowed, and what its refusals mean."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from optria.connectors.addresses import without_user
from optria.connectors.allowed_hosts import Reach
from optria.connectors.config import SourceConfig
from optria.core.errors import ConnectorUnavailable

CONNECT_TIMEOUT_S = 5
QUERY_TIMEOUT_S = 15.0
EXAMPLE = "postgresql+asyncpg://host/database"
ASYNC_DRIVERS = {
    "postgresql": "asyncpg",
    "mysql": "aiomysql",
    "mariadb": "aiomysql",
    "mssql": "aioodbc",
    "oracle": "oracledb_async",
    "sqlite": "aiosqlite",
}
PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}
PARAMETERS = {
    "postgresql": ("ssl", "sslmode"),
    "mysql": ("charset",),
    "mariadb": ("charset",),
    "mssql": ("driver", "encrypt", "trustservercertificate"),
    "oracle": ("service_name",),
}
"""What may stand behind the ? of a URL, by kind of database and in lower case."""
PLAIN = re.compile(r"[A-Za-z0-9 ._-]{1,100}")

LATEST = "SELECT tag, value, quality, source_time FROM plant_readings"


class SqlConfig(SourceConfig):
    """``query`` gives the latest row per tag: tag, value, quality (may be left out), time.

    ``history_query`` gives the same columns between ``:start`` and ``:end``. Times without an offset are of
    ``time_zone``. User and password may stand here or in the URL.
    """

    query: str = LATEST
    history_query: str = ""


def database_url(config: SqlConfig, home: Path, reach: Reach) -> URL:
    """The URL with an asynchronous driver and the configured user.

    Raises:
        ConnectorUnavailable: not a database URL, or of a kind not allowed.
    """
    try:
        url = make_url(config.endpoint_url)
    except (ArgumentError, ValueError):
        raise ConnectorUnavailable(
            f"'{without_user(config.endpoint_url)}' is not a database address. Write it like {EXAMPLE}."
        ) from None
    kind = url.get_backend_name()
    if kind not in ASYNC_DRIVERS:
        raise ConnectorUnavailable(
            f"Databases of the kind '{kind}' cannot be read. Possible are {', '.join(sorted(ASYNC_DRIVERS))}."
        )
    url = url.set(drivername=f"{kind}+{ASYNC_DRIVERS[kind]}")
    if kind == "sqlite":
        return _read_only_file(url, home, reach)
    url = _with_plain_parameters(url, kind)
    if not url.host or url.host.startswith("/") or "host" in url.query:
        raise ConnectorUnavailable(f"The address of the database names no host. Write it like {EXAMPLE}.")
    if config.user is not None:
        url = url.set(username=config.user, password=config.password.get_secret_value())
    return url


def _with_plain_parameters(url: URL, kind: str) -> URL:
    """Some drivers take another host, a file of this machine or a library to load from a parameter."""
    for name, value in url.query.items():
        if name.lower() not in PARAMETERS[kind] or not isinstance(value, str) or not PLAIN.fullmatch(value):
            raise ConnectorUnavailable(
                f"The address of the database has the parameter '{name}', which is not allowed there. "
                f"Possible are {', '.join(PARAMETERS[kind])}."
            )
    if kind != "postgresql" or "sslmode" not in url.query:
        return url
    return url.set(query={"ssl": url.query["sslmode"]})  # asyncpg's word for libpq's


def _read_only_file(url: URL, home: Path, reach: Reach) -> URL:
    """An existing SQLite file of the installation, opened without the right to write or create it."""
    path = url.database or ""
    if path and path != ":memory:" and not path.startswith("file:"):
        reach.check_file(Path(path), home)
    if not path or path == ":memory:" or path.startswith("file:") or not Path(path).is_file():
        raise ConnectorUnavailable(f"There is no SQLite file '{path}'. Give the path of an existing one.")
    return url.set(database=f"file:{quote(path)}", query={"mode": "ro", "uri": "true"})


async def check_address(config: SqlConfig, home: Path, reach: Reach, *, must_be_known: bool = True) -> URL:
    """The URL to open. Raises ConnectorUnavailable when it is not allowed."""
    url = await asyncio.to_thread(database_url, config, home, reach)
    if url.host:
        port = url.port or PORTS.get(url.get_backend_name(), 0)
        await reach.check(url.host, port, must_be_known=must_be_known)
    return url


async def make_engine(config: SqlConfig, home: Path, reach: Reach) -> AsyncEngine:
    """An engine of one connection.

    Raises:
        ConnectorUnavailable: the address is not allowed, or its driver is not installed.
    """
    return await asyncio.to_thread(_engine, await check_address(config, home, reach))


def _arguments(url: URL) -> dict[str, object]:
    """Without a password of its own asyncpg would send that of this machine: ``PGPASSWORD``, ``.pgpass``."""
    kind = url.get_backend_name()
    limits: dict[str, object] = {"timeout": CONNECT_TIMEOUT_S} if kind in ("postgresql", "sqlite") else {}
    return limits | ({"password": url.password or ""} if kind == "postgresql" else {})


def _engine(url: URL) -> AsyncEngine:
    try:
        return create_async_engine(url, pool_size=1, max_overflow=0, connect_args=_arguments(url))
    except (NoSuchModuleError, ImportError, SQLAlchemyError) as error:
        raise ConnectorUnavailable(
            f"The driver for '{url.drivername}' is not installed ({error}). Install its Python package."
        ) from error


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction that is rolled back; read-only where the database knows that.

    Raises:
        ConnectorUnavailable: every fault of the database, as a sentence.
    """
    where = f"{engine.url.host or engine.url.database}"
    try:
        async with asyncio.timeout(QUERY_TIMEOUT_S), engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execution_options(postgresql_readonly=True)
            yield connection
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise ConnectorUnavailable(sentence(error, where)) from error


def sentence(error: Exception, where: str) -> str:
    """What a database error means, and what to do; the driver's words are kept where they help."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    said = (str(original).splitlines() or [""])[0].rpartition(">: ")[2]
    low = said.lower()
    if any(word in low for word in ("password", "authentication", "access denied", "login failed")):
        return f"The database at {where} refused the user name or password. Check both."
    if any(
        word in low for word in ("no such table", "does not exist", "doesn't exist", "invalid object name")
    ):
        return f"The database at {where} does not have what the query reads ({said}). Check the query."
    if any(word in low for word in ("no such column", "syntax error", "unknown column")):
        return f"The database at {where} does not understand the query ({said}). Check the query."
    if isinstance(original, ConnectionRefusedError) or "refused" in low or "connect call failed" in low:
        return f"No database answers at {where}. Check host and port, and whether it runs."
    if isinstance(original, TimeoutError) or "timeout" in low:
        return f"The database at {where} does not answer. Check address, network and firewall."
    return f"The database at {where} failed ({said or type(original).__name__})."
