import ssl

import asyncpg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.ext.asyncio import create_async_engine

from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db.embedded import EmbeddedServer
from optria.db.url import CONNECT_TIMEOUT_S, normalise, place, plain_errors

PLAIN = "postgresql://ada:secret@db.example:5433/plant"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgres+asyncpg"])
def test_every_spelling_of_the_scheme_becomes_asyncpg(scheme: str) -> None:
    address, arguments = normalise(PLAIN.replace("postgresql", scheme))
    assert address.render_as_string(hide_password=False) == PLAIN.replace("postgresql", "postgresql+asyncpg")
    assert arguments == {"timeout": CONNECT_TIMEOUT_S}


@pytest.mark.clause("G8")
def test_neon_url_loses_what_asyncpg_refuses_and_keeps_its_meaning() -> None:
    address, arguments = normalise(
        "psql 'postgresql://ada:secret@ep-x.eu.neon.tech/plant?sslmode=require&channel_binding=require"
        "&options=endpoint%3Dep-x%20-c%20search_path%3Dpublic&application_name=optria'"
    )
    assert not address.query
    assert arguments["ssl"] == "require"
    assert arguments["server_settings"] == {"search_path": "public", "application_name": "optria"}


@pytest.mark.clause("G8")
@pytest.mark.parametrize("url", [PLAIN.replace("db.", "ep-x-pooler."), f"{PLAIN}?pgbouncer=true"])
def test_pooled_host_gets_no_prepared_statements(url: str) -> None:
    _, arguments = normalise(url)
    name = arguments["prepared_statement_name_func"]
    assert (arguments["statement_cache_size"], arguments["prepared_statement_cache_size"]) == (0, 0)
    assert name() != name()


@pytest.mark.parametrize(
    ("mode", "expected"), [("disable", False), ("prefer", "prefer"), ("require", "require")]
)
def test_sslmode_reaches_asyncpg(mode: str, expected: object) -> None:
    assert normalise(f"{PLAIN}?sslmode={mode}")[1]["ssl"] == expected


@pytest.mark.parametrize(("mode", "checks_name"), [("verify-full", True), ("verify-ca", False)])
def test_verifying_modes_verify(mode: str, checks_name: bool) -> None:
    context = normalise(f"{PLAIN}?sslmode={mode}")[1]["ssl"]
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is checks_name


def test_own_root_certificate_is_verified_and_a_missing_one_is_named() -> None:
    with pytest.raises(ConfigurationError, match="certificate"):
        normalise(f"{PLAIN}?sslmode=require&sslrootcert=/nowhere/root.crt")


def test_connect_timeout_and_direct_tls() -> None:
    _, arguments = normalise(f"{PLAIN}?connect_timeout=3&sslnegotiation=direct&sslmode=require")
    assert (arguments["timeout"], arguments["direct_tls"]) == (3.0, True)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://a@b/c", "mysql"),
        ("localhost:5432/plant", "no scheme"),
        ("", "no scheme"),
        ("postgresql://ada:secret@host", "no database"),
        ("postgresql://host/plant", "no user"),
        ("postgresql://ada:secret@host:many/plant", "cannot be read"),
        (f"{PLAIN}?sslmode=perhaps", "sslmode=perhaps"),
        (f"{PLAIN}?colour=blue", "colour"),
        (f"{PLAIN}?connect_timeout=soon", "connect_timeout=soon"),
    ],
)
def test_bad_url_is_refused_with_a_sentence_without_the_password(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        normalise(url)
    assert "secret" not in str(refused.value)
    assert str(refused.value).endswith((".", ")."))


def test_place_names_no_person() -> None:
    assert place(PLAIN) == "db.example:5433/plant"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"password": "wrong"}, "refuses the user or the password"),
        ({"database": "nowhere"}, "does not exist"),
        ({"port": 1}, "cannot be reached"),
    ],
)
async def test_unreachable_database_is_one_sentence(
    server: EmbeddedServer, change: dict[str, str | int], says: str
) -> None:
    address, arguments = normalise(server.url())
    parts: dict[str, object] = {
        "user": address.username,
        "password": address.password,
        "database": address.database,
    }
    parts |= {"host": address.host, "port": address.port, **change}
    with pytest.raises(DatabaseUnavailable, match=says) as refused, plain_errors(server.url()):
        await asyncpg.connect(timeout=arguments["timeout"], **parts)
    assert server.password not in str(refused.value)


async def test_a_connection_lost_before_a_commit_is_a_sentence(empty_database: str) -> None:
    with pytest.raises(DatabaseUnavailable) as refused, plain_errors(empty_database):
        await _lose_and_commit(empty_database)
    assert isinstance(refused.value.__cause__, DBAPIError)


def test_a_mistake_of_our_own_stays_one() -> None:
    mistake = PendingRollbackError("nothing was lost")
    mistake.__context__ = ValueError("no number")
    with pytest.raises(PendingRollbackError), plain_errors(PLAIN):
        raise mistake


async def _lose_and_commit(owner_url: str) -> None:
    address, arguments = normalise(owner_url)
    engine = create_async_engine(address, connect_args=arguments)
    try:
        async with engine.connect() as connection:
            await _cut(owner_url, await connection.scalar(text("SELECT pg_backend_pid()")))
            await connection.run_sync(_read_and_commit)
    finally:
        await engine.dispose()


def _read_and_commit(connection: Connection) -> None:
    """As a step of the migrations ends: committed, whatever happened in it."""
    try:
        connection.execute(text("SELECT 1"))
    finally:
        connection.commit()


async def _cut(owner_url: str, pid: int) -> None:
    """End a connection's other end, and wait until it is gone."""
    holder = await asyncpg.connect(owner_url)
    try:
        await holder.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    finally:
        await holder.close()
