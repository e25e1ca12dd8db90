"""Reading in columns gives what the stream stored, and the transaction takes no change."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from optria.backtest.stored_reading import read_only, read_samples
from optria.core.tag import SampleBatch, from_micros, to_micros
from optria.db.partitions import ensure_partitions
from optria.db.session import Database
from optria.streams import history
from tests import factories
from tests.backtest.stored_days import yesterday

Tenant = Callable[[], Awaitable[int]]


async def test_columns_are_what_was_written(database: Database) -> None:
    start = yesterday()
    async with database.platform("test") as tx:
        tenant = (await factories.tenant(tx)).id
    rng = np.random.default_rng(3)
    count = 4_000
    written = SampleBatch(
        rng.integers(1, 4, count).astype(np.int32),
        to_micros(start) + np.sort(rng.integers(0, 1_200_000_000, count)),
        np.where(rng.random(count) < 0.01, np.nan, rng.standard_normal(count)),
        rng.integers(0, 3, count).astype(np.uint8),
    )
    async with database.transaction(tenant) as tx:
        await ensure_partitions(tx.session, start.date(), 2)
    for part in np.array_split(np.arange(count), 7):
        async with database.transaction(tenant) as tx:
            await history.write(tx, written.select(part))
    low, high = start + timedelta(minutes=3), start + timedelta(minutes=11)
    async with read_only(database, tenant) as tx:
        batch = await read_samples(tx, [1, 2], low, high)
        slowly = await history.read_window(tx, [1, 2], low, from_micros(to_micros(high) - 1))
    for tag, series in slowly.items():
        mine = batch.select(np.flatnonzero(batch.tag == tag))
        time, first = np.unique(mine.source_time, return_index=True)
        np.testing.assert_array_equal(time, series.time)
        np.testing.assert_array_equal(mine.value[first], series.value)
        np.testing.assert_array_equal(mine.quality[first], series.quality)
    assert len(batch) > 1_000


async def test_nothing_is_read_of_another_tenant(rolled_back: Database, new_tenant: Tenant) -> None:
    tenant, other, start = await new_tenant(), await new_tenant(), yesterday()
    one = SampleBatch(
        np.array([1], np.int32), np.array([to_micros(start)]), np.array([1.0]), np.zeros(1, np.uint8)
    )
    async with rolled_back.transaction(other) as tx:
        await ensure_partitions(tx.session, start.date(), 1)
        await history.write(tx, one)
    async with read_only(rolled_back, tenant) as tx:
        assert len(await read_samples(tx, [1], start, start + timedelta(minutes=1))) == 0


async def test_the_transaction_refuses_a_change(rolled_back: Database, new_tenant: Tenant) -> None:
    tenant = await new_tenant()
    with pytest.raises(DBAPIError, match="read-only transaction"):
        async with read_only(rolled_back, tenant) as tx:
            await tx.session.execute(
                text("INSERT INTO sites (tenant_id, code, name) VALUES (:t, 'X', 'X')"), {"t": tenant}
            )
