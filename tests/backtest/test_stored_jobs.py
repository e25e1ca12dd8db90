"""The queue of back-tests: one of a tenant at a time, bounded, forgotten after an hour."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from optria.backtest.stored import LONGEST, Asked
from optria.backtest.stored_jobs import KEPT, MOST_KEPT, MOST_WAITING, BackTests, Job, JobState
from optria.core.asset import Asset, PlantModel
from optria.core.errors import Busy, Conflict, Invalid, NotFound
from optria.core.tag import SignalMapping
from optria.db.session import Database
from optria.kit.settings import Settings
from tests import factories
from tests.backtest.stored_days import quiet, store, yesterday


def asked(tenant_id: int, hours: float = 2) -> Asked:
    return Asked(tenant_id, yesterday(), yesterday() + timedelta(hours=hours))


def plant_of(tenant_id: int) -> PlantModel:
    mapping = SignalMapping(1, 1, 1, "P-1.PT-1", "pressure", "bar")
    return PlantModel(tenant_id, assets=(Asset(1, "P-1", "Pump", "Pump", None),), mappings=(mapping,))


@pytest.fixture
def jobs(rolled_back: Database) -> BackTests:
    return BackTests(rolled_back, Settings(), plant_of)


@asynccontextmanager
async def working(jobs: BackTests) -> AsyncGenerator[None]:
    worker = asyncio.ensure_future(jobs.run())
    yield
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if happened():
                return
            await asyncio.sleep(0.001)


async def over(job: Job) -> None:
    await until(lambda: job.is_over)


def test_a_tenant_has_one_at_a_time(jobs: BackTests) -> None:
    first = jobs.start(asked(1), (), 7)
    with pytest.raises(Conflict):
        jobs.start(asked(1), (), 7)
    jobs.start(asked(2), (), 7)
    jobs.cancel(first)
    assert first.state is JobState.CANCELLED
    assert jobs.start(asked(1), (), 7).state is JobState.WAITING


def test_the_queue_is_bounded(jobs: BackTests) -> None:
    for tenant_id in range(1, MOST_WAITING + 1):
        jobs.start(asked(tenant_id), (), 7)
    with pytest.raises(Busy):
        jobs.start(asked(MOST_WAITING + 1), (), 7)


def test_what_is_over_is_forgotten_in_time(jobs: BackTests) -> None:
    old = jobs.start(asked(1), (), 7)
    jobs.cancel(old)
    assert jobs.find(1, old.id) is old
    assert old.ended_at is not None
    old.ended_at -= KEPT + timedelta(seconds=1)
    with pytest.raises(NotFound, match="not over a restart"):
        jobs.find(1, old.id)
    for _ in range(MOST_KEPT + 5):
        jobs.cancel(jobs.start(asked(1), (), 7))
    assert len(jobs.of(1)) <= MOST_KEPT


def test_another_tenant_finds_nothing(jobs: BackTests) -> None:
    job = jobs.start(asked(1), (), 7)
    with pytest.raises(NotFound):
        jobs.find(2, job.id)
    assert jobs.of(2) == []
    assert jobs.find(None, job.id) is job


def test_a_period_is_bounded() -> None:
    start = yesterday() - timedelta(days=40)
    with pytest.raises(Invalid):
        Asked(1, start, start)
    with pytest.raises(Invalid, match="at most 31 days"):
        Asked(1, start, start + LONGEST + timedelta(seconds=1))


async def test_a_running_one_is_cancelled_and_the_next_one_runs(database: Database) -> None:
    async with database.platform("test") as tx:
        first, second = [(await factories.tenant(tx)).id for _ in range(2)]
    await store(database, first, yesterday(), {1: quiet(8, 5.0, 0.1, 1)})
    jobs = BackTests(database, Settings(), plant_of)
    async with working(jobs):
        running = jobs.start(asked(first, 24), (), 7)
        await until(lambda: running.progress > 0.0)
        jobs.cancel(running)
        await over(running)
        assert running.state is JobState.CANCELLED
        assert running.outcome is None
        other = jobs.start(asked(second), (), 7)
        await over(other)
    assert (other.state, "No history is stored" in (other.problem or "")) == (JobState.FAILED, True)
