import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db.identity import Tenant
from optria.db.installation import ready_database, upgrade_installation
from optria.db.session import Database
from optria.db.upgrade import Found
from optria.kit.settings import Settings
from tests.conftest import serving_url


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="optria-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


def settings(home: Path, database_url: str | None = None, app_database_url: str | None = None) -> Settings:
    return Settings(
        home=home,
        database_url=SecretStr(database_url) if database_url else None,
        app_database_url=SecretStr(app_database_url) if app_database_url else None,
    )


async def test_embedded_database_is_ready_and_keeps_its_rows(home: Path) -> None:
    for expected in (0, 1):
        async with ready_database(settings(home)) as url:
            database = Database(url)
            async with database.platform("test") as tx:
                assert await tx.session.scalar(select(func.count(Tenant.id))) == expected
                tx.session.add(Tenant(code=f"T{expected}", name="t"))
            await database.dispose()


async def test_external_database_by_its_owners_url(home: Path, empty_database: str) -> None:
    done = await upgrade_installation(
        settings(home, database_url=empty_database, app_database_url=serving_url(empty_database))
    )
    assert done.found is Found.EMPTY
    async with ready_database(settings(home, app_database_url=serving_url(empty_database))) as url:
        assert url == serving_url(empty_database)


async def test_database_not_upgraded_yet_is_not_served(
    home: Path, empty_database: str, template: str
) -> None:
    with pytest.raises(ConfigurationError, match="revision none"):
        async with ready_database(settings(home, app_database_url=serving_url(empty_database))):
            pass


async def test_upgrade_needs_the_owner(home: Path, empty_database: str) -> None:
    with pytest.raises(ConfigurationError, match="OPTRIA_DATABASE_URL"):
        await upgrade_installation(settings(home, app_database_url=serving_url(empty_database)))


async def test_a_serving_role_made_by_somebody_else_is_named(home: Path, fresh_database: str) -> None:
    with pytest.raises(ConfigurationError, match="optria_app of the server has a password"):
        async with ready_database(settings(home, database_url=fresh_database)):
            pass


async def test_dead_host_is_a_sentence(home: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1/plant"):
        await upgrade_installation(settings(home, database_url="postgresql://ada:x@127.0.0.1:1/plant"))
