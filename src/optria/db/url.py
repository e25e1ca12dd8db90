"""Database URLs as people have them, made fit for SQLAlchemy and asyncpg.

asyncpg refuses parameters that libpq knows (``sslmode``, ``channel_binding``, ``options``), and a pooled host
(PgBouncer in transaction mode, Neon's ``-pooler.``) loses prepared statements between transactions.
"""

import os
import re
import shlex
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, PendingRollbackError

from optria.core.errors import ConfigurationError, DatabaseUnavailable

SHAPE = "postgresql://user:password@host:5432/database"
CONNECT_TIMEOUT_S = 15.0
SCHEMES = frozenset({"postgres", "postgresql", "postgres+asyncpg", "postgresql+asyncpg"})
SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
TRANSLATED = frozenset(
    {
        "sslmode",
        "ssl",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslnegotiation",
        "connect_timeout",
        "application_name",
    }
    | {"options", "pgbouncer", "target_session_attrs"}
)
MEANINGLESS = frozenset(
    {"channel_binding", "gssencmode", "krbsrvname", "sslcompression", "sslsni", "tcp_user_timeout", "schema"}
    | {"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "pool_timeout"}
    | {"connection_limit", "uselibpqcompat"}
)
"""Parameters of libpq and of other programs that change nothing here."""

ConnectArgs = dict[str, Any]


def normalise(url: str) -> tuple[URL, ConnectArgs]:
    """The URL for SQLAlchemy, and the arguments for asyncpg that its parameters meant.

    Raises:
        ConfigurationError: when it is no PostgreSQL URL, or has a parameter nobody knows.
    """
    address = _parse(url)
    query = {name: value if isinstance(value, str) else value[-1] for name, value in address.query.items()}
    unknown = sorted(set(query) - TRANSLATED - MEANINGLESS - {"host", "port"})
    if unknown:
        raise ConfigurationError(
            f"The database URL has the parameter {unknown[0]!r}, which is unknown; remove it."
        )
    arguments = _translate(query, address.host or "")
    kept: dict[str, str] = {name: query[name] for name in ("host", "port") if name in query}
    return address.set(drivername="postgresql+asyncpg", query=kept), arguments


def place(url: str) -> str:
    """``host:port/database`` of a URL: fit to be shown and to be a key, without user and password."""
    address = _parse(url)
    host = address.host or str(address.query.get("host", "localhost"))
    return f"{host}:{address.port or 5432}/{address.database}"


@contextmanager
def plain_errors(url: str) -> Iterator[None]:
    """Turn what a driver raises about an unreachable or refusing database into one sentence.

    Raises:
        DatabaseUnavailable: instead of the driver's error.
    """
    try:
        yield
    except (OSError, *SQL_ERRORS, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        failure = _below_rollback(error)
        first = first_cause(failure)
        if isinstance(failure, SQL_ERRORS) and not (
            getattr(failure, "connection_invalidated", False) or isinstance(first, REFUSALS)
        ):
            raise
        raise DatabaseUnavailable(f"The database at {place(url)} {_reason(first)}") from failure


def _below_rollback(error: BaseException) -> BaseException:
    """What a connection was lost by: a commit that is tried afterwards only says that it cannot be."""
    below = error
    while isinstance(below, PendingRollbackError) and below.__context__ is not None:
        below = below.__context__
    return below if isinstance(below, DBAPIError) else error


def is_wrong_password(error: BaseException) -> bool:
    """Whether a `DatabaseUnavailable` comes from a user or password that the server refuses."""
    return isinstance(first_cause(error), asyncpg.InvalidAuthorizationSpecificationError)


SQL_ERRORS = (DBAPIError, PendingRollbackError)
REFUSALS = (
    OSError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.PostgresConnectionError,
)


def first_cause(error: BaseException) -> BaseException:
    """What the driver said, below what SQLAlchemy and we made of it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _parse(url: str) -> URL:
    text = re.sub(r"^psql\s+", "", url.strip()).strip("'\"")
    scheme = text.split("://", 1)[0] if "://" in text else ""
    if scheme not in SCHEMES:
        named = f"begins with {scheme + '://'!r}" if scheme else "has no scheme"
        raise ConfigurationError(f"The database URL {named}; only PostgreSQL will do. Write {SHAPE}.")
    try:
        address = make_url(text)
        urlsplit(text)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            f"The database URL cannot be read. Write {SHAPE}, with special characters of the password "
            "percent-encoded (@ is %40, / is %2F, # is %23)."
        ) from error
    if not address.database:
        raise ConfigurationError(f"The database URL names no database. Write {SHAPE}.")
    if not address.username:
        raise ConfigurationError(f"The database URL names no user. Write {SHAPE}.")
    return address


def _translate(query: Mapping[str, str], host: str) -> ConnectArgs:
    arguments: ConnectArgs = {"timeout": _seconds(query.get("connect_timeout"))}
    settings = _settings(query.get("options", ""))
    if "application_name" in query:
        settings["application_name"] = query["application_name"]
    if settings:
        arguments["server_settings"] = settings
    mode = query.get("sslmode", query.get("ssl"))
    if mode is not None:
        arguments["ssl"] = _encryption(mode, query)
    if query.get("sslnegotiation") == "direct":
        arguments["direct_tls"] = True
    if "target_session_attrs" in query:
        arguments["target_session_attrs"] = query["target_session_attrs"]
    if "-pooler." in host or query.get("pgbouncer", "").lower() in {"true", "1"}:
        arguments |= {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"__optria_{uuid4()}__",
        }
    return arguments


def _seconds(text: str | None) -> float:
    """libpq's connect_timeout; 0 means none there, here the default."""
    try:
        return float(text or 0) or CONNECT_TIMEOUT_S
    except ValueError as error:
        raise ConfigurationError(
            f"The database URL has connect_timeout={text}; write whole seconds."
        ) from error


def _settings(options: str) -> dict[str, str]:
    """Server settings of ``-c name=value`` and ``--name=value``; TLS sends Neon's ``endpoint=`` anyway."""
    words = shlex.split(options.replace("-c ", "-c"))
    pairs = [
        word.removeprefix("-c").removeprefix("--").split("=", 1) for word in words if word.startswith("-")
    ]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _encryption(mode: str, query: Mapping[str, str]) -> ssl.SSLContext | str | bool:
    mode = {"true": "require", "1": "require", "false": "disable", "0": "disable"}.get(mode.lower(), mode)
    if mode not in SSL_MODES:
        raise ConfigurationError(
            f"The database URL has sslmode={mode}; choose one of {', '.join(sorted(SSL_MODES))}."
        )
    if mode == "disable":
        return False
    if not (mode.startswith("verify-") or "sslcert" in query or "sslrootcert" in query):
        return mode
    return _context(mode, query)


def _context(mode: str, query: Mapping[str, str]) -> ssl.SSLContext:
    root = query.get("sslrootcert", "system")
    try:
        context = ssl.create_default_context(cafile=None if root == "system" else root)
        if "sslcert" in query:
            context.load_cert_chain(query["sslcert"], query.get("sslkey"))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"A certificate file of the database URL cannot be read ({error})."
        ) from error
    context.check_hostname = mode == "verify-full"
    if not mode.startswith("verify-") and "sslrootcert" not in query:
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(cause: BaseException) -> str:
    match cause:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "refuses the user or the password; correct them in the URL."
        case asyncpg.InvalidCatalogNameError():
            return "does not exist; create it or correct the name in the URL."
        case asyncpg.TooManyConnectionsError():
            return "has no free connection; close other programs or raise max_connections."
        case asyncpg.CannotConnectNowError():
            return "is starting or stopping; try again in a moment."
        case TimeoutError():
            return "does not answer; check host, port and firewall."
        case ssl.SSLError():
            return f"cannot be reached safely ({cause}); check sslmode and the certificates."
        case OSError():
            said = os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror or cause
            return f"cannot be reached ({said}); is it running, are host and port right?"
        case _:
            return f"refuses the connection: {cause}"
