"""Stored days for tests: signals made in columns and written as the stream writes them."""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch, to_micros
from optria.db.partitions import ensure_partitions
from optria.db.session import Database
from optria.kit import clock
from optria.streams import history

PERIOD_S = 10


def yesterday() -> datetime:
    """The beginning of the last full day (UTC)."""
    today = clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=1)


def quiet(hours: float, level: float, sigma: float, seed: int) -> NDArray[np.float64]:
    """Noise around a level, one value every :data:`PERIOD_S` seconds."""
    count = int(hours * 3600 / PERIOD_S)
    return level + sigma * np.random.default_rng(seed).standard_normal(count)


def bump(values: NDArray[np.float64], from_h: float, minutes: float, height: float) -> None:
    """Add ``height`` from an hour on, for some minutes, after a ramp of two minutes."""
    low = int(from_h * 3600 / PERIOD_S)
    count = int(minutes * 60 / PERIOD_S)
    ramp = np.minimum(1.0, np.arange(1, count + 1) * PERIOD_S / 120.0)
    values[low : low + count] += height * ramp[: len(values[low : low + count])]


async def store(
    database: Database, tenant_id: int, start: datetime, series: dict[int, NDArray[np.float64]]
) -> int:
    """Write the signals of each tag from ``start`` on; the number of samples."""
    batches = []
    for tag, values in series.items():
        time = to_micros(start) + np.arange(len(values), dtype=np.int64) * PERIOD_S * 1_000_000
        batches.append(
            SampleBatch(np.full(len(values), tag, np.int32), time, values, np.zeros(len(values), np.uint8))
        )
    batch = SampleBatch.concat(batches)
    async with database.transaction(tenant_id) as tx:
        await ensure_partitions(tx.session, start.date(), 3)
    async with database.transaction(tenant_id) as tx:
        await history.write(tx, batch)
    return len(batch)
