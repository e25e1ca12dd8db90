"""A soak: a plant of 2,000 samples a second over OPC UA, faults, a database outage and a link cut in it.

Run `python -m benchmarks.soak --minutes 30 [--json FILE]`; `--minutes 1` tries it. In = every sample that the
plant gave its OPC UA server (source time in the measured span), out = the same tag and time in
`history_chunks`. The product is `optria serve` as a process of its own; its PostgreSQL is killed and its link
to the plant is cut in the middle. Ends with 1 when a sample, order or notification is missing or doubled.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import psutil

from benchmarks.soak_counts import Expected, counted_rows, emitted_and_stored
from benchmarks.soak_plant import catalogue_of
from benchmarks.soak_run import Soak, Tally
from optria.cli.demo import child_plant, seed
from optria.db import postmaster
from optria.db.embedded import EmbeddedServer, embedded_server
from optria.db.postmaster import Cluster
from optria.db.roles import app_url
from optria.db.session import Database
from optria.db.upgrade import upgrade
from optria.kit import logs
from optria.kit.settings import Settings
from tests.fakes.proxy import Proxy, proxied
from tests.fakes.served import Served

PASSWORD = "of-this-benchmark"
METRICS_TOKEN = "of-this-benchmark"


class Outages:
    """What is taken from the product, and given back."""

    def __init__(self, server: EmbeddedServer, home: Path, database: Proxy, link: Proxy) -> None:
        self._server, self._home = server, home
        self._database, self._link = database, link

    async def database(self, for_s: float) -> None:
        """Kill every process of PostgreSQL's; it comes back from its journal after so long."""
        cluster = Cluster.at(self._home)
        pid = int((cluster.data / "postmaster.pid").read_text("utf-8").split("\n", 1)[0])
        os.kill(pid, signal.SIGQUIT)  # ends at once, without writing anything
        await asyncio.sleep(for_s)
        port = await asyncio.to_thread(postmaster.ensure_running, cluster, self._server.password, {})
        self._database.lead_to(port)

    async def link(self, for_s: float) -> None:
        await self._link.cut(for_s)


@asynccontextmanager
async def set_up(asked: argparse.Namespace, home: Path) -> AsyncGenerator[Soak]:
    """Plant, database and product, all running; ended with the block."""
    plant_home, database_home = home / "plant", home / "database"
    plant_home.mkdir()
    command = [sys.executable, "-m", "benchmarks.soak_plant", "--home", str(plant_home)]
    command += ["--copies", str(asked.copies), "--preheat", str(asked.backfill_minutes + 1)]
    settings = Settings(home=plant_home)
    async with (
        embedded_server(database_home) as server,
        child_plant(settings, command) as addresses,
        proxied("127.0.0.1", urlsplit(addresses.opcua_url).port or 4840) as link,
        proxied("127.0.0.1", server.port) as link_to_database,
    ):
        await upgrade(server.url(), password=PASSWORD)
        url = app_url(server.url(), PASSWORD)
        through = replace(addresses, opcua_url=f"opc.tcp://127.0.0.1:{link.port}")
        tenant_id = await seed(url, catalogue_of(asked.copies), through)
        served = Served.at(
            url.replace(f":{server.port}/", f":{link_to_database.port}/"),
            home / "data",
            OPTRIA_BACKFILL_MINUTES=str(asked.backfill_minutes),
            OPTRIA_METRICS_TOKEN=METRICS_TOKEN,
            OPTRIA_LOG_LEVEL="WARNING",
        )
        served.log = home / "serve.log"
        await served.start()
        database = Database(url.replace(f":{server.port}/", f":{link_to_database.port}/"))
        try:
            outages = Outages(server, database_home, link_to_database, link)
            yield Soak(
                served,
                psutil.Process(served.pid),
                database,
                tenant_id,
                addresses.control_url,
                plant_home,
                outages,
            )
        finally:
            await database.dispose()
            await served.end()


async def soak(asked: argparse.Namespace, home: Path) -> Tally:
    async with set_up(asked, home) as soaking:
        await soaking.settle(asked.settle_s)
        tally = await soaking.run(asked.minutes, asked.outage_s, asked.cut_s)
        samples = await emitted_and_stored(soaking, tally, asked.drain_s)
        rows = await counted_rows(soaking, tally)
        return replace(tally, samples=samples, rows=rows, shed=await soaking.shed(METRICS_TOKEN))


def report(tally: Tally) -> bool:
    """Print the figures; whether nothing was lost and nothing doubled."""
    samples, rows = tally.samples, tally.rows
    assert samples is not None
    assert rows is not None
    print(
        f"samples        {samples.emitted:,} in, {samples.stored:,} stored, {samples.lost:,} lost, "
        f"{samples.doubled:,} twice; {tally.shed} shed; {samples.emitted / tally.seconds:,.0f}/s"
    )
    print(f"resident       first minute {tally.rss_first_mb:.0f} MB, last minute {tally.rss_last_mb:.0f} MB")
    print(f"faults         {len(tally.faults)}, {len(rows.detected)} found; missed: {_words(rows.missed)}")
    print(f"incidents      {rows.incidents} ({rows.others} of no fault), {rows.calling} call for an order")
    print(f"orders         {rows.orders}, notifications {rows.notifications}, duplicates {rows.doubled}")
    print(f"live values    longest gap {tally.longest_gap_s:.1f} s, {tally.frames:,} frames")
    print(f"outages        database {tally.outage_s:g} s, link {tally.cut_s:g} s")
    held = not samples.lost and not samples.doubled and rows.holds()
    print("held" if held else "MISS")
    return held


def _words(missed: Sequence[Expected]) -> str:
    return ", ".join(f"{fault.kind} on {fault.asset}" for fault in missed) or "none"


def main(words: Sequence[str]) -> int:
    asked = _asked(words)
    logs.configure("ERROR")
    begun = monotonic()
    with tempfile.TemporaryDirectory(prefix="optria-soak-", ignore_cleanup_errors=True) as home:
        tally = asyncio.run(soak(asked, Path(home)))
    held = report(tally)
    print(f"wall time      {monotonic() - begun:.0f} s")
    if asked.json:
        asked.json.write_text(json.dumps(asdict(tally) | {"held": held}, indent=1, default=str), "utf-8")
    return int(not held)


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A plant, faults, a database outage and a link cut.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--copies", type=int, default=17, help="demo plants; 120 samples a second each")
    parser.add_argument("--outage-s", type=float, help="of the database; 60, or a quarter of the time")
    parser.add_argument("--cut-s", type=float, help="of the link to the plant; 15, or a tenth of the time")
    parser.add_argument("--settle-s", type=float, default=90, help="of running before anything is counted")
    parser.add_argument("--drain-s", type=float, default=120, help="for what waits at the end")
    parser.add_argument("--backfill-minutes", type=int, default=6)
    parser.add_argument("--json", type=Path, help="file for the figures")
    asked = parser.parse_args(words)
    asked.outage_s = asked.outage_s if asked.outage_s is not None else min(60.0, asked.minutes * 15)
    asked.cut_s = asked.cut_s if asked.cut_s is not None else min(15.0, asked.minutes * 6)
    return asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
