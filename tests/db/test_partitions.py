from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from optria.db.partitions import ensure_partitions
from optria.db.plant import HistoryChunk
from optria.db.session import Database

DAY = date(2024, 2, 28)


def chunk(time: datetime, tenant_id: int = 1) -> dict[str, object]:
    return {"tenant_id": tenant_id, "tag_id": 7, "t0": time, "dt": [0], "value": [1.5], "quality": [0]}


async def test_serving_role_makes_missing_days_once(database: Database) -> None:
    async with database.transaction(1) as tx:
        assert await ensure_partitions(tx.session, DAY, 3) == 3
        assert await ensure_partitions(tx.session, DAY + timedelta(days=1), 3) == 1
        for hours in (0, 23.999, 24, 71.999):
            time = datetime(2024, 2, 28, tzinfo=UTC) + timedelta(hours=hours)
            await tx.session.execute(insert(HistoryChunk).values(chunk(time)))
        assert len((await tx.session.scalars(select(HistoryChunk.t0))).all()) == 4


async def test_history_is_kept_apart_too(database: Database) -> None:
    time = datetime(2024, 2, 28, 12, tzinfo=UTC)
    async with database.transaction(1) as tx:
        await ensure_partitions(tx.session, DAY, 1)
        await tx.session.execute(insert(HistoryChunk).values(chunk(time)))
    async with database.transaction(2) as tx:
        assert (await tx.session.scalars(select(HistoryChunk.t0))).all() == []
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction(2) as tx:
            await tx.session.execute(insert(HistoryChunk).values(chunk(time + timedelta(hours=1))))


async def test_upgrade_leaves_the_days_around_today_ready(database: Database) -> None:
    async with database.transaction(1) as tx:
        today = datetime.now(UTC)
        for days in (-7, 0, 6):
            await tx.session.execute(insert(HistoryChunk).values(chunk(today + timedelta(days=days))))


@pytest.mark.parametrize("days", [0, -1, 401])
async def test_unreasonable_numbers_of_days_are_refused(database: Database, days: int) -> None:
    with pytest.raises(DBAPIError, match="days must be between"):
        async with database.transaction(1) as tx:
            await ensure_partitions(tx.session, DAY, days)


async def test_others_than_the_serving_role_may_not_call_it(database: Database, fresh_database: str) -> None:
    owner = await asyncpg.connect(fresh_database)
    try:
        rights = await owner.fetchval(
            "SELECT proacl::text FROM pg_proc WHERE proname = 'optria_ensure_history_partitions'"
        )
    finally:
        await owner.close()
    assert "optria_app=X" in rights
    assert "{=X" not in rights
    assert ",=X" not in rights


async def test_copy_is_not_for_tables_under_row_level_security(
    fresh_database: str, serving: Callable[[str], str]
) -> None:
    """Why the history is written by INSERT: PostgreSQL refuses COPY where row-level security holds."""
    connection = await asyncpg.connect(serving(fresh_database))
    try:
        with pytest.raises(asyncpg.FeatureNotSupportedError):
            await connection.copy_records_to_table("history_chunks", records=[], columns=["tag_id"])
    finally:
        await connection.close()


async def test_day_boundaries_are_utc_whatever_the_session_says(database: Database) -> None:
    async with database.transaction(1) as tx:
        await tx.session.execute(text("SET LOCAL timezone = 'Asia/Riyadh'"))
        await ensure_partitions(tx.session, DAY, 1)
        await tx.session.execute(
            insert(HistoryChunk).values(chunk(datetime(2024, 2, 28, 23, 30, tzinfo=UTC)))
        )
