"""The machine's clock jumps by an hour under the running server, and back: nobody and nothing notices."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
from sqlalchemy import func, select

from optria.core.roles import Role
from optria.core.tag import to_micros
from optria.db.blackbox import IncidentRow
from optria.db.session import Database
from optria.db.work import NotificationRow, WorkOrderRow
from optria.kit import clock
from optria.streams.history import read_window
from tests import factories
from tests.fakes.plant import FakePlant
from tests.fakes.programs import library
from tests.fakes.served import Served
from tests.fakes.sources import pi_rig
from tests.faults.figures import Figures, Scale

FAKETIME = library("libfaketime.so.1")
pytestmark = pytest.mark.skipif(FAKETIME is None, reason="no libfaketime: scripts/servers.sh has one")
PATIENCE_S = 60.0
TAGS, LEARNED_S = 4, 900
EVERY_S = 0.25
HOUR_S = 3600


@dataclass(slots=True)
class House:
    """A healthy plant that the server watches, a user who is signed in, and the clock of the server alone."""

    database: Database
    tenant_id: int
    email: str
    tags: list[int]
    source: FakePlant
    served: Served
    dial: Path
    chance: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def emit(self, at_s_ago: float = 0.0) -> None:
        at = clock.now() - timedelta(seconds=at_s_ago)
        values = 50.0 + 5.0 * np.arange(TAGS) + 0.2 * self.chance.standard_normal(TAGS)
        names = zip(self.source.names, values, strict=True)
        self.source.push([(name, at, float(value), 0) for name, value in names])

    async def run(self) -> None:
        while True:
            self.emit()
            await asyncio.sleep(EVERY_S)

    async def jump(self, seconds: int) -> None:
        """From now on the server's clock is so far ahead of everybody's."""
        fresh = self.dial.with_suffix(".new")
        await asyncio.to_thread(fresh.write_text, f"{seconds:+d}\n", "utf-8")
        await asyncio.to_thread(fresh.replace, self.dial)

    async def newest_us(self) -> int:
        """The time of the newest sample that is stored."""
        now = clock.now()
        async with self.database.transaction(self.tenant_id) as tx:
            found = await read_window(tx, self.tags, now - timedelta(minutes=2), now + timedelta(hours=2))
        return max((int(series.time[-1]) for series in found.values() if len(series)), default=0)

    async def reaches(self, time_us: int) -> float:
        """Seconds until a sample of that time or later is stored."""
        begun = time.monotonic()
        async with asyncio.timeout(PATIENCE_S):
            while await self.newest_us() < time_us:  # noqa: ASYNC110 it is in the database
                await asyncio.sleep(0.2)
        return time.monotonic() - begun

    async def longest_gap_s(self, since_us: int) -> float:
        """The longest hole in the stored samples of a tag."""
        now = clock.now()
        async with self.database.transaction(self.tenant_id) as tx:
            found = await read_window(tx, self.tags, now - timedelta(minutes=10), now)
        times = found[self.tags[0]].time
        return float(np.diff(times[times >= since_us]).max() / 1e6)

    async def raised(self) -> dict[str, int]:
        async with self.database.transaction(self.tenant_id) as tx:
            return {
                table.__tablename__: await tx.session.scalar(select(func.count()).select_from(table)) or 0
                for table in (IncidentRow, WorkOrderRow, NotificationRow)
            }


@pytest.fixture
async def house(
    database: Database, fresh_database: str, serving: Callable[[str], str], tmp_path: Path
) -> AsyncGenerator[House]:
    source, dial = FakePlant(TAGS), tmp_path / "faketime.rc"
    await asyncio.to_thread(dial.write_text, "+0\n", "utf-8")
    served = Served.at(
        serving(fresh_database),
        tmp_path,
        LD_PRELOAD=str(FAKETIME),
        FAKETIME_TIMESTAMP_FILE=str(dial),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        DONT_FAKE_MONOTONIC="1",
    )
    served.log = tmp_path / "server.log"
    async with pi_rig(source, tmp_path) as rig:
        async with database.platform("test") as tx:
            tenant = await factories.tenant(tx)
            user = await factories.user(tx, tenant.id, Role.ENGINEER)
        async with database.transaction(tenant.id) as tx:
            asset = await factories.asset(tx, await factories.site(tx, tenant.id))
            connection = await factories.integration(
                tx, tenant.id, integration_type="pi", config=dict(rig.config)
            )
            tags = [
                (
                    await factories.mapping(
                        tx,
                        connection,
                        asset,
                        external_tag=name,
                        internal_metric_name=f"temperature_{number}",
                        range_high=1e3,
                    )
                ).id
                for number, name in enumerate(source.names)
            ]
        made = House(database, tenant.id, user.email, tags, source, served, dial)
        for age in range(LEARNED_S, 0, -1):
            made.emit(age)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(made.run())
            try:
                yield made
            finally:
                running.cancel()
                await served.end()


async def signed_in(house: House) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=house.served.base, trust_env=False, timeout=30)
    who = {"email": house.email, "password": factories.PASSWORD}
    response = await client.post("/api/auth/login", json=who, headers={"Origin": house.served.base})
    client.headers["Authorization"] = f"Bearer {response.raise_for_status().cookies['access_token']}"
    client.cookies.clear()
    return client


async def test_an_hour_ahead_and_an_hour_back(house: House, scale: Scale, figures: Figures) -> None:
    await house.served.start()
    client = await signed_in(house)
    await house.reaches(to_micros(clock.now()))
    begun_us, waits = to_micros(clock.now()), []
    jumps = (HOUR_S, 0, -HOUR_S, 0) if scale.full else (HOUR_S,)
    answers = []
    for seconds in jumps:
        await house.jump(seconds)
        waits.append(await house.reaches(to_micros(clock.now())))
        answers.append((await client.get("/api/auth/me")).status_code)
        await asyncio.sleep(scale.of(12.0, 0.0))
    raised, gap_s = await house.raised(), await house.longest_gap_s(begun_us)
    await client.aclose()
    figures.load = f"{len(jumps)} jumps of an hour, {TAGS} tags at {1 / EVERY_S:.0f}/s"
    figures.lost, figures.duplicated = 0, sum(raised.values())
    figures.recovered_s = max(waits)
    figures.notes.append(f"longest hole in the stored samples {gap_s:.2f} s; incidents {raised}")
    assert raised == dict.fromkeys(raised, 0)
    assert answers == [200] * len(jumps)
    assert not scale.full or gap_s < 5.0
