"""Row 6: the product is killed (SIGKILL) in the middle of its work: nothing is lost, nothing done twice."""

import asyncio
import random
import signal
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.core.work_order import AUTO_SOURCE
from optria.db.session import Database
from optria.db.work import WorkOrderRow
from optria.kit import clock
from tests import factories
from tests.fakes.prefork import Born, Prefork
from tests.faults.figures import Figures, Scale
from tests.faults.storm import PROCESSES, Plant, Size, Storm, counted, furnished

PROGRAMS = 4


@pytest.mark.clause("N2", "W1")
@pytest.mark.parametrize("whole", [False, True], ids=["the Black Box", "all of optria serve"])
async def test_killed_in_the_middle_of_an_analysis(
    database: Database,
    fresh_database: str,
    serving: Callable[[str], str],
    tmp_path: Path,
    forks: Prefork,
    scale: Scale,
    figures: Figures,
    whole: bool,
) -> None:
    kills = scale.of(20, 1) if whole else scale.of(180, 3)
    size = Size(anchors=2 * kills + 4, writers=2, workers=2, kills=kills, whole_servers=whole)
    plant = await furnished(database, size.anchors)
    storm = Storm(plant, size, serving(fresh_database), fresh_database, tmp_path, forks)
    begun = monotonic()
    counts = await storm.run(within_s=600)
    figures.load = f"{storm.kills} kills with work in flight, {size.anchors} incidents"
    figures.lost, figures.duplicated = counts.lost(size.anchors), counts.doubled
    figures.notes.append(
        f"{'servers' if whole else 'Black Box'}: {storm.begun} processes, {monotonic() - begun:.0f} s"
    )
    assert storm.kills >= kills
    assert (counts.incidents, counts.analyses, counts.orders, counts.notifications, counts.doubled) == (
        *[size.anchors] * 4,
        0,
    )


@dataclass(slots=True)
class Site:
    """A server that is killed now and then; ``up`` is set while it serves."""

    forks: Prefork
    url: str
    home: Path
    up: asyncio.Event
    base: str = ""
    process: Born | None = None

    async def start(self) -> None:
        self.process = await self.forks.begin(f"{PROCESSES}:serve", url=self.url, home=str(self.home))
        self.base = await self.process.said()
        self.up.set()

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.up.clear()
        await self.process.kill(number)

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        """Asked until there is an answer, as a program of the plant would."""
        while True:
            await self.up.wait()
            try:
                async with httpx.AsyncClient(base_url=self.base, trust_env=False, timeout=20) as client:
                    answer = await client.post(path, json=body, headers=headers)
                if answer.status_code != 409:
                    return answer.raise_for_status()
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


@pytest.fixture
async def site(
    fresh_database: str, serving: Callable[[str], str], tmp_path: Path, forks: Prefork
) -> AsyncGenerator[Site]:
    served = Site(forks, serving(fresh_database), tmp_path, asyncio.Event())
    await served.start()
    yield served
    await served.kill(signal.SIGTERM)


@pytest.mark.clause("N2", "W1")
async def test_killed_while_programs_report_events_and_order_work(
    database: Database, site: Site, scale: Scale, figures: Figures
) -> None:
    kills, each = scale.of(12, 1), scale.of(40, 6)
    plant = await furnished(database, PROGRAMS * each)
    async with database.platform("test") as tx:
        admin = await factories.user(tx, plant.tenant_id, Role.TENANT_ADMIN)
    await site.kill(signal.SIGTERM)
    await site.start()  # with the plant of this test
    token = await _signed_in(site, admin.email)
    async with asyncio.TaskGroup() as group:
        group.create_task(_kill_at_random(site, kills))
        for part in range(PROGRAMS):
            group.create_task(_report(site, token, plant.assets[part::PROGRAMS]))
        asked = [group.create_task(_order(site, token, part, each)) for part in range(PROGRAMS)]
    answered = {title: number for task in asked for title, number in task.result().items()}
    await _settled(plant)
    counts = await counted(plant)
    by_hand = await _ordered_by_hand(plant)
    figures.load = f"{kills} kills, {PROGRAMS * each} events and {len(answered)} orders by HTTP"
    figures.lost = counts.lost(PROGRAMS * each) + len(answered.keys() - {title for title, _ in by_hand})
    figures.duplicated = counts.doubled + len(by_hand) - len(answered)
    assert (counts.incidents, counts.orders, counts.notifications) == (PROGRAMS * each,) * 3
    assert sorted(by_hand) == sorted(answered.items())


async def _kill_at_random(site: Site, kills: int) -> None:
    chance = random.Random(7)
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.05, 1.0))
        await site.kill()
        await site.start()


async def _signed_in(site: Site, email: str) -> str:
    """The session's token; sessions are stored, so it outlives the server."""
    who = {"email": email, "password": factories.PASSWORD}
    answer = await site.post("/api/auth/login", who, Origin=site.base)
    return answer.cookies["access_token"]


async def _report(site: Site, token: str, assets: list[int]) -> None:
    for asset_id in assets:
        event = {
            "asset_id": asset_id,
            "source_system": "SCADA",
            "source_type": "ALARM",
            "event_time": clock.now().isoformat(),
            "severity": "CRITICAL",
            "event_category": "ALERT",
            "summary": "Trip",
        }
        await site.post("/api/blackbox/events", event, Authorization=f"Bearer {token}")


async def _order(site: Site, token: str, program: int, number: int) -> dict[str, int]:
    """Each order always with the same key; title and id."""
    made = {}
    for title in (f"Order {program}.{n}" for n in range(number)):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
        answer = await site.post("/api/work-orders/", {"title": title}, **headers)
        made[title] = answer.json()["work_order"]["id"]
    return made


async def _ordered_by_hand(plant: Plant) -> list[tuple[str, int]]:
    by_hand = select(WorkOrderRow.title, WorkOrderRow.id).where(WorkOrderRow.source != AUTO_SOURCE)
    async with plant.database.transaction(plant.tenant_id) as tx:
        return [(title, number) for title, number in await tx.session.execute(by_hand)]


async def _settled(plant: Plant) -> None:
    async with asyncio.timeout(120):
        while True:
            if not (await counted(plant)).waiting:
                return
            await asyncio.sleep(0.2)
