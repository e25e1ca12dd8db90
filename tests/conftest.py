"""The database of the tests: one throw-away server per run, one migrated template, copies of it."""

import os
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from blockbuster import BlockBuster, blockbuster_ctx
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from optria.db.embedded import EmbeddedServer, embedded_server
from optria.db.identity import Tenant
from optria.db.roles import app_url
from optria.db.session import Database, Tx
from optria.db.upgrade import upgrade
from optria.db.url import normalise
from tests.faults.fixtures import figures, scale
from tests.pooler import pooler, through

__all__ = ["figures", "scale"]

APP_PASSWORD = "app-of-the-tests"
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
IS_POOLED = os.environ.get("OPTRIA_TEST_POOLER", "") not in ("", "0")
"""Whether the serving role reaches its databases through PgBouncer; owners never do."""
numbers = count(1)
pooler_ports: dict[int, int] = {}
"""Port of a server to that of the pooler before it."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncGenerator[EmbeddedServer]:
    """A PostgreSQL server of this run (of this worker), with nothing but the empty database `optria`."""
    with tempfile.TemporaryDirectory(prefix="optria-test-", ignore_cleanup_errors=True) as home:
        async with embedded_server(Path(home), THROW_AWAY) as running:
            if not IS_POOLED:
                yield running
                return
            with pooler(running.url()) as port:
                pooler_ports[running.port] = port
                yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(server: EmbeddedServer) -> str:
    """Name of a migrated, empty database that nobody is connected to."""
    await create_database(server, "migrated")
    await upgrade(server.url("migrated"), password=APP_PASSWORD)
    return "migrated"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_database(server: EmbeddedServer, template: str) -> str:
    """Owner's URL of the migrated database that rolled-back tests share; stays empty."""
    await create_database(server, "shared", template)
    return server.url("shared")


@pytest.fixture
async def fresh_database(server: EmbeddedServer, template: str) -> AsyncGenerator[str]:
    """Owner's URL of a migrated, empty database of this test alone."""
    name = f"fresh_{next(numbers)}"
    await create_database(server, name, template)
    yield server.url(name)
    await drop_database(server, name)


@pytest.fixture
async def empty_database(server: EmbeddedServer) -> AsyncGenerator[str]:
    """Owner's URL of a database without any table."""
    name = f"empty_{next(numbers)}"
    await create_database(server, name)
    yield server.url(name)
    await drop_database(server, name)


@pytest.fixture
def serving() -> Callable[[str], str]:
    """From the owner's URL to that of the serving role."""
    return serving_url


@pytest.fixture
async def database(fresh_database: str) -> AsyncGenerator[Database]:
    """A database of this test alone, as the product serves it; for tests that commit."""
    opened = Database(serving_url(fresh_database))
    yield opened
    await opened.dispose()


@pytest.fixture
async def rolled_back(shared_database: str) -> AsyncGenerator[Database]:
    """A `Database` whose every transaction is a savepoint of one that is rolled back after the test."""
    address, arguments = normalise(serving_url(shared_database))
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    async with engine.connect() as connection:
        outer = await connection.begin()
        opened = Database(serving_url(shared_database), engine=engine)
        opened.sessions.configure(bind=connection, join_transaction_mode="create_savepoint")
        yield opened
        await outer.rollback()
    await engine.dispose()


@pytest.fixture
async def new_tenant(rolled_back: Database) -> Callable[[], Awaitable[int]]:
    """Makes another tenant in the rolled-back database; its id."""

    async def make() -> int:
        async with rolled_back.platform("test") as tx:
            tenant = Tenant(code=f"TENANT_{next(numbers)}", name="A tenant of the tests")
            tx.session.add(tenant)
            await tx.session.flush()
            return tenant.id

    return make


@pytest.fixture
async def tx(rolled_back: Database, new_tenant: Callable[[], Awaitable[int]]) -> AsyncGenerator[Tx]:
    """A transaction of a new tenant (`tx.tenant_id`), rolled back after the test."""
    async with rolled_back.transaction(await new_tenant()) as opened:
        yield opened


@pytest.fixture
def no_blocking() -> Iterator[BlockBuster]:
    """Blocking calls of our code inside the event loop raise."""
    with blockbuster_ctx("optria") as buster:
        yield buster


def serving_url(owner_url: str) -> str:
    """The serving role's URL of the owner's; through the pooler where the tests run with one."""
    url = app_url(owner_url, APP_PASSWORD)
    port = pooler_ports.get(urlsplit(owner_url).port or 0)
    return through(url, port) if port else url


async def create_database(server: EmbeddedServer, name: str, template: str = "template0") -> None:
    await _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')


async def drop_database(server: EmbeddedServer, name: str) -> None:
    await _execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(server: EmbeddedServer, statement: str) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


LONGEST = (
    "test_every_page.py",
    "test_fuzz.py",
    "test_hostile_input.py",
    "test_kills.py",
    "test_access_matrix.py",
)
"""Files of few and long tests: begun last, one worker would wait for the other at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)
