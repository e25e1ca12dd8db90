"""When history pauses for want of space, and when it goes on."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from optria.core.errors import DatabaseUnavailable
from optria.db.session import Database
from optria.streams.historian import Historian
from optria.streams.space import Space
from tests.fakes.small_disk import fill, small_disk
from tests.streams.test_historian import seconds

GB = 1_000_000_000


async def test_a_disk_that_fills_is_noticed_and_one_that_is_freed_too(database: Database) -> None:
    with small_disk(20) as disk:
        space = Space(disk, check_every_s=0.0)
        assert await space.lacking(database) is None
        filler = fill(disk, 1_500_000)
        assert "free on the database's disk" in str(await space.lacking(database))
        assert space.since is not None
        filler.unlink()
        assert await space.lacking(database) is None
        assert space.since is None


@pytest.mark.parametrize("limit_bytes", [1_000_000, 100 * GB])
async def test_history_pauses_before_the_quota_of_a_hosted_database_is_used_up(
    database: Database, limit_bytes: int
) -> None:
    history = Historian(database, 1, space=Space(None, limit_bytes))
    history.offer(seconds(7, 10))
    if limit_bytes == 1_000_000:
        with pytest.raises(DatabaseUnavailable, match="that it may have"):
            await history.flush()
        assert history.buffered == 10
    else:
        assert await history.flush() == 10


async def test_a_disk_that_the_database_calls_full_pauses_history_until_the_next_look(
    database: Database,
) -> None:
    space = Space(None, check_every_s=0.0)
    with pytest.raises(DBAPIError) as full:
        async with database.transaction(1) as tx:
            await tx.session.execute(text("DO $$ BEGIN RAISE 'no space' USING ERRCODE = 'disk_full'; END $$"))
    space.told(full.value)
    assert "disk of the database is full" in str(space.why)
    assert await space.lacking(database) is None


async def test_another_error_of_the_database_is_not_about_space(tmp_path: Path) -> None:
    space = Space(tmp_path)
    space.told(ConnectionError("refused"))
    assert (space.why, space.since) == (None, None)


async def test_since_stays_while_it_goes_on(database: Database) -> None:
    space = Space(None, 1, check_every_s=0.0)
    await space.lacking(database)
    first = space.since
    await space.lacking(database)
    assert isinstance(first, datetime)
    assert space.since == first < datetime.now(UTC)
