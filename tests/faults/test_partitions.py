"""Servers share the partitions of a log: one is killed, one paused beyond its lease, the broker killed."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from optria.core.errors import LogUnavailable
from optria.db.leases import LEASE_S
from optria.db.session import Database
from optria.kit.nats_log import NatsLog, connected
from optria.kit.settings import Settings
from optria.streams.wire import message_id
from tests.fakes.broker import Broker
from tests.fakes.served import Served
from tests.fakes.waiting import until
from tests.faults.figures import Figures, Scale
from tests.faults.partitioned import (
    KEYS,
    WAIT_S,
    Site,
    Stored,
    anchored,
    expected,
    in_one_process,
    learned,
    site_of,
    stored,
)


@asynccontextmanager
async def worker(url: str, home: Path, broker: Broker) -> AsyncGenerator[Served]:
    await asyncio.to_thread(home.mkdir)
    served = Served.at(url, home, OPTRIA_SECRET_KEYS=KEYS, OPTRIA_LOG_LEVEL="INFO")
    served.arguments = ("--port", "0", "--role", "stream", "--nats", broker.url)
    served.log = home / "log"
    try:
        await served.start()
        yield served
    finally:
        await served.end()


async def send(log: NatsLog, site: Site, pause_s: float) -> None:
    """Every message until the log says that it is safe, as a source would."""
    for key, data in site.messages:
        while True:
            try:
                await log.append(key, message_id(data), data)
                break
            except LogUnavailable:
                await asyncio.sleep(0.2)
        await asyncio.sleep(pause_s)


async def held_by(database: Database) -> dict[str, int]:
    """How many partitions each server holds now."""
    async with database.platform("test") as tx:
        rows = await tx.session.execute(
            text(
                "SELECT holder, count(*) FROM stream_leases WHERE name LIKE 'partition %'"
                " AND expires_at > clock_timestamp() GROUP BY holder"
            )
        )
        return {holder: int(number) for holder, number in rows}


def pid_of(holder: str) -> int:
    return int(holder.split("/")[2])


@pytest.mark.clause("N2")
async def test_a_worker_killed_one_paused_and_the_broker_killed(
    fresh_database: str,
    database: Database,
    serving: Callable[[str], str],
    tmp_path: Path,
    scale: Scale,
    figures: Figures,
) -> None:
    """Samples, anchors, incidents, orders and state are those of one process without any fault."""
    number = scale.of(3, 2)
    site = await site_of(database, scale.of(24, 4), scale.of(900, 700))
    pipelines, anchors = await in_one_process(database, site)
    assert len(anchors) >= scale.of(24, 4)
    broker = Broker(tmp_path / "broker")
    await broker.start()
    async with AsyncExitStack() as running:
        running.push_async_callback(broker.kill)
        client = await connected(broker.url, "sources of the test")
        running.push_async_callback(client.close)
        log = NatsLog(client, site.partitions, 10**9)
        await log.open()
        workers = await asyncio.gather(
            *(
                running.enter_async_context(worker(serving(fresh_database), tmp_path / f"{n}", broker))
                for n in range(number)
            )
        )

        async def all_held() -> bool:
            held = await held_by(database)
            return len(held) == number and sum(held.values()) == site.partitions

        await until(all_held, WAIT_S)
        pause_s = scale.of(15.0, 4.0) / len(site.messages)
        sending = asyncio.create_task(send(log, site, pause_s))
        await asyncio.sleep(scale.of(4.0, 1.0))

        killed, paused = workers[0], workers[1]
        await killed.kill()

        async def taken_over() -> bool:
            held = await held_by(database)
            others = {pid_of(holder): count for holder, count in held.items()}
            return killed.pid not in others and sum(others.values()) == site.partitions

        figures.notes.append(
            f"a killed worker's partitions taken over in {await until(taken_over, WAIT_S):.1f} s"
        )
        await broker.kill()
        await asyncio.sleep(scale.of(3.0, 0.5))
        await broker.start()
        if scale.full:
            paused.process.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]
            await asyncio.sleep(LEASE_S + 4.0)
            assert paused.pid not in {pid_of(holder) for holder in await held_by(database)}
            paused.process.send_signal(signal.SIGCONT)  # type: ignore[union-attr]
        await sending
        begun = time.monotonic()
        settings = Settings(home=tmp_path, secret_keys=SecretStr(KEYS))
        goal, found = expected(pipelines), dict[int, object]()

        async def is_done() -> bool:
            found.update(await learned(database, site, settings))
            now = await stored(database, site)
            return now.distinct >= site.emitted and now.orders >= now.incidents > 0 and found == goal

        try:
            figures.recovered_s = await until(is_done, WAIT_S)
        except TimeoutError:
            print({n: found[n] == goal[n] for n in goal}, await stored(database, site), site.emitted)
            raise
        now = await stored(database, site)
        print(f"settled {time.monotonic() - begun:.1f} s after the last message")
        if scale.full:
            fenced = paused.log.read_text("utf-8")
            assert "partition_left" in fenced or "checkpoint_fenced" in fenced
    _compare(now, site, anchored(anchors))
    figures.load = (
        f"{site.emitted:,} samples in {len(site.messages):,} messages, {site.partitions} partitions, "
        f"{number} workers"
    )
    figures.lost, figures.duplicated = site.emitted - now.distinct, now.samples - now.distinct
    figures.notes.append(f"{len(now.anchors)} anchors, {now.incidents} incidents, {now.orders} orders")


def _compare(now: Stored, site: Site, anchors: list[tuple[int, int]]) -> None:
    assert (now.samples, now.distinct) == (site.emitted, site.emitted)
    assert now.anchors == anchors
    assert now.incidents == len(anchors)
    assert (now.orders, now.doubled_orders) == (now.incidents, 0)
