"""What waits on disk: in order, once, whatever happens to the file, the folder or the process."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from optria.core.errors import DatabaseUnavailable
from optria.core.tag import SampleBatch
from optria.db.session import Database
from optria.streams.historian import SLICE, Historian
from optria.streams.spool import Spool
from optria.streams.spool_file import SpoolFile
from tests.fakes.waiting import until
from tests.streams.test_historian import NOW, many, rows_and_samples, seconds, stored


@pytest.fixture
async def gone() -> AsyncGenerator[Database]:
    """A database that cannot be reached."""
    database = Database("postgresql://nobody:nothing@127.0.0.1:1/none")
    yield database
    await database.dispose()


def files(folder: Path, pattern: str = "*") -> list[Path]:
    return sorted(folder.glob(pattern))


def columns(batch: SampleBatch) -> list[list[float]]:
    return [column.tolist() for column in (batch.tag, batch.source_time, batch.value, batch.quality)]


async def spooled(folder: Path, *batches: SampleBatch) -> None:
    """A spool as a process leaves it behind."""
    spool = Spool(folder, 1)
    for batch in batches:
        assert await spool.append(batch)
    await spool.close()


async def drained(spool: Spool) -> list[SampleBatch]:
    await spool.take_up()
    found = []
    while each := await spool.oldest():
        found.append(each[1])
        await spool.remove(each[0])
    await spool.close()
    return found


async def test_batches_come_back_as_they_were_in_their_order_and_leave_no_file(tmp_path: Path) -> None:
    odd = seconds(7, 3)
    odd.value[:] = [float("nan"), float("inf"), -0.0]
    batches = [seconds(3, 5), odd, many(100, 20)]
    await spooled(tmp_path, *batches)
    found = await drained(Spool(tmp_path, 1))
    for was, now in zip(batches, found, strict=True):
        np.testing.assert_equal(columns(now), columns(was))
    assert files(tmp_path) == []


async def test_an_outage_goes_to_disk_and_is_written_once_when_the_database_is_back(
    gone: Database, database: Database, tmp_path: Path
) -> None:
    away = Historian(gone, 1, flush_s=0.01, spool=Spool(tmp_path, 1))
    away.offer(many(1000, 150))
    task = asyncio.ensure_future(away.run())
    await until(lambda: away.spool is not None and away.spool.figures.samples == 150_000)
    assert (away.buffered, away.shed) == (0, 0)
    away.offer(seconds(7, 10, NOW + timedelta(minutes=5)))
    await ended(task)
    assert away.buffered == 0

    back = Historian(database, 1, flush_s=0.01, spool=Spool(tmp_path, 1))
    back.offer(seconds(7, 10, NOW + timedelta(minutes=6)))
    task = asyncio.ensure_future(back.run())
    await until(lambda: back.written == 150_020)
    await ended(task)
    assert (await rows_and_samples(database))[1] == 150_020
    assert files(tmp_path) == []
    times = [time for time, _, _ in await stored(database, 7)]
    assert times == sorted(times)


async def test_a_batch_that_was_stored_but_not_removed_is_not_stored_again(
    database: Database, tmp_path: Path
) -> None:
    """As a kill between the commit and its note leaves it, with late samples of the same minute since."""
    first, second = seconds(7, 40), seconds(7, 20, NOW + timedelta(seconds=30))
    await spooled(tmp_path, first, second)
    before = Historian(database, 1)
    before.offer(first)
    await before.flush()
    before.offer(seconds(7, 5, NOW - timedelta(seconds=3)))
    await before.flush()
    history = Historian(database, 1, spool=Spool(tmp_path, 1))
    assert history.spool is not None
    await history.spool.take_up()
    await history.flush()
    assert (await rows_and_samples(database))[1] == 3 + 50
    assert history.repeated == 50
    await history.spool.close()


CHILD = """
import asyncio, sys
from pathlib import Path
from optria.db.session import Database
from optria.streams.historian import Historian
from optria.streams.spool import Spool
from tests.streams.test_historian import many

class Dies(Spool):
    async def remove(self, spooled):
        print("committed", flush=True)
        await asyncio.sleep(60)

async def main(url, folder):
    spool = Dies(Path(folder), 1)
    for start in range(0, 50, 10):
        await spool.append(many(1000, 50).select(slice(start * 1000, (start + 10) * 1000)))
    print("spooled", flush=True)
    await Historian(Database(url), 1, spool=spool).flush()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_kill_between_commit_and_removal_loses_and_doubles_nothing(
    fresh_database: str, serving: Callable[[str], str], database: Database, tmp_path: Path
) -> None:
    script = tmp_path / "child.py"
    script.write_text(CHILD, "utf-8")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        serving(fresh_database),
        str(tmp_path / "spool"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(30):
            said = [(await child.stdout.readline()).decode().strip() for _ in range(2)]
    finally:
        child.send_signal(signal.SIGKILL)
        await child.wait()
    assert said == ["spooled", "committed"]
    assert (await rows_and_samples(database))[1] == 10_000
    history = Historian(database, 1, spool=Spool(tmp_path / "spool", 1))
    assert history.spool is not None
    await history.spool.take_up()
    assert history.spool.figures.samples == 50_000
    await history.flush()
    assert (await rows_and_samples(database))[1] == 50_000
    assert history.repeated == 10_000
    await history.spool.close()


async def test_a_second_process_has_a_file_of_its_own_and_takes_over_that_of_a_dead_one(
    tmp_path: Path,
) -> None:
    first, second = Spool(tmp_path, 1), Spool(tmp_path, 1)
    await first.append(seconds(7, 10))
    await second.append(seconds(8, 10))
    assert len(files(tmp_path, "*.sqlite")) == 2
    await first.close()
    await second.close()
    assert sorted(int(batch.tag[0]) for batch in await drained(Spool(tmp_path, 1))) == [7, 8]


async def test_the_spool_of_another_tenant_is_left_alone(tmp_path: Path) -> None:
    await spooled(tmp_path, seconds(7, 10))
    assert await drained(Spool(tmp_path, 12)) == []
    assert len(await drained(Spool(tmp_path, 1))) == 1


@pytest.mark.parametrize("damage", ["no database", "cut short", "another version"])
async def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, damage: str) -> None:
    await spooled(tmp_path, *[many(100, 50)] * 20)
    (path,) = files(tmp_path, "*.sqlite")
    if damage == "no database":
        path.write_bytes(b"x" * 5000)
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version=99")
        connection.close()
    spool = Spool(tmp_path, 1)
    await spool.take_up()
    while each := await spool.oldest():
        await spool.remove(each[0])
    assert await spool.append(seconds(7, 10))
    assert [batch.tag.tolist() for batch in await drained(spool)] == [[7] * 10]
    (aside,) = spool.figures.aside
    assert (tmp_path / aside).exists()


async def test_a_batch_that_cannot_be_unpacked_is_set_aside_and_the_others_come(tmp_path: Path) -> None:
    await spooled(tmp_path, seconds(7, 10), seconds(8, 10), seconds(9, 10))
    (path,) = files(tmp_path, "*.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE batches SET packed = substr(packed, 1, 20) WHERE id = 2")
    connection.close()
    spool = Spool(tmp_path, 1)
    assert [int(batch.tag[0]) for batch in await drained(spool)] == [7, 9]
    assert spool.figures.aside == ["history-1-1.sqlite.aside-batch-2"]


async def test_samples_of_another_database_are_not_written_into_this_one(
    database: Database, tmp_path: Path
) -> None:
    await spooled(tmp_path, seconds(7, 10))
    (path,) = files(tmp_path, "*.sqlite")
    file = SpoolFile(path)
    file.tell("database", "another")
    file.close()
    history = Historian(database, 1, spool=Spool(tmp_path, 1))
    assert history.spool is not None
    await history.spool.take_up()
    assert await history.flush() == 0
    assert len(history.spool.figures.aside) == 1


@pytest.mark.parametrize("lack", ["spool_full", "spool_failed"])
async def test_without_room_on_disk_the_oldest_wait_in_memory_and_new_ones_are_shed_and_counted(
    gone: Database, tmp_path: Path, lack: str
) -> None:
    folder = tmp_path / "spool"
    if lack == "spool_failed":
        folder.write_text("in the way", "utf-8")
    spool = Spool(folder, 1, limit_bytes=0 if lack == "spool_full" else 10**9)
    history = Historian(gone, 1, capacity=100, flush_s=0.01, spool=spool)
    history.offer(seconds(7, 80))
    task = asyncio.ensure_future(history.run())
    await until(lambda: spool.figures.refusal is not None)
    history.offer(seconds(8, 50))
    assert (history.buffered, dict(history.shed_by)) == (100, {lack: 30})
    await ended(task)
    assert dict(history.shed_by) == {lack: 30, "stopped": 100}


async def test_much_that_waits_goes_to_disk_although_the_database_answers(
    database: Database, tmp_path: Path
) -> None:
    history = Historian(database, 1, spool=Spool(tmp_path, 1))
    for part in range(7):
        history.offer(many(1000, 700).select(np.arange(part * SLICE, (part + 1) * SLICE)))
    assert await history.flush() == 7 * SLICE
    assert history.spool is not None
    assert history.spool.figures.drained
    assert history.repeated == 0
    async with database.transaction(1) as tx:
        tags = await tx.session.scalar(text("SELECT count(DISTINCT tag_id) FROM history_chunks"))
    assert tags == 1000


async def test_what_is_not_written_is_said_with_what_waits_where(gone: Database, tmp_path: Path) -> None:
    await spooled(tmp_path, seconds(7, 10))
    history = Historian(gone, 1, spool=Spool(tmp_path, 1))
    assert history.spool is not None
    await history.spool.take_up()
    history.offer(seconds(8, 5))
    with pytest.raises(DatabaseUnavailable, match="5 samples wait in memory, 10 on disk"):
        await history.flush()
    await history.spool.close()


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
