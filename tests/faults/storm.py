"""Many anchors, several writers that race for them, and workers that are killed in the middle of their work.

One machinery for the row of the fault matrix and for ``python -m benchmarks.storm``.
"""

import asyncio
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy import distinct, func, select

from optria.core.roles import Role
from optria.core.work_order import AUTO_SOURCE
from optria.db.blackbox import AnalysisRow, IncidentRow
from optria.db.plant import IncidentWindow
from optria.db.session import Database
from optria.db.work import NotificationRow, WorkOrderRow
from optria.kit import clock
from tests import factories
from tests.fakes.prefork import Born, Prefork

PROCESSES: Final = "tests.faults.processes"
WAITING: Final = 12
"""Incidents that wait for their analysis at most, so that every kill finds work in flight."""
IN_FLIGHT: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND backend_xid IS NOT NULL"
)
"""Transactions of a process that have written something and are not committed."""


@dataclass(frozen=True, slots=True)
class Size:
    anchors: int
    writers: int
    workers: int
    kills: int
    whole_servers: bool = False
    """Whether a worker is all of ``optria serve`` or its Black Box alone."""


@dataclass(frozen=True, slots=True)
class Plant:
    database: Database
    tenant_id: int
    assets: list[int]


@dataclass(frozen=True, slots=True)
class Counts:
    """What stands in the database; ``doubled`` are rows that a fact has more than once."""

    incidents: int
    analyses: int
    orders: int
    notifications: int
    doubled: int
    waiting: int

    def lost(self, anchors: int) -> int:
        return sum(
            max(anchors - n, 0) for n in (self.incidents, self.analyses, self.orders, self.notifications)
        )


async def furnished(database: Database, assets: int) -> Plant:
    """A tenant with an engineer and ``assets`` pumps that have nothing to do with each other."""
    async with database.platform("storm") as tx:
        tenant = await factories.tenant(tx)
        await factories.user(tx, tenant.id, Role.ENGINEER)
    async with database.transaction(tenant.id) as tx:
        site = await factories.site(tx, tenant.id)
        ids = [(await factories.asset(tx, site)).id for _ in range(assets)]
        tx.session.add(IncidentWindow(tenant_id=tenant.id, before_minutes=1, after_minutes=1))
    return Plant(database, tenant.id, ids)


async def counted(plant: Plant) -> Counts:
    """Rows, and facts: an incident of one asset; an analysis, order and notification of one incident.

    A digest of a flood is no notification of an incident.
    """
    wanted = {
        "incidents": (IncidentRow.id, IncidentRow.root_asset_id, IncidentRow.root_asset_id.is_not(None)),
        "analyses": (AnalysisRow.id, AnalysisRow.incident_id, AnalysisRow.is_final),
        "orders": (WorkOrderRow.id, WorkOrderRow.incident_id, WorkOrderRow.source == AUTO_SOURCE),
        "notifications": (
            NotificationRow.id,
            NotificationRow.entity_id,
            NotificationRow.entity_type == "work_order",
        ),
    }
    rows, doubled = {}, 0
    async with plant.database.transaction(plant.tenant_id) as tx:
        for name, (key, fact, which) in wanted.items():
            found = await tx.session.execute(select(func.count(key), func.count(distinct(fact))).where(which))
            number, facts = found.one()
            rows[name], doubled = number, doubled + number - facts
        waiting = await tx.session.scalar(select(func.count()).where(IncidentRow.analysed_at.is_(None)))
    return Counts(doubled=doubled, waiting=waiting or 0, **rows)


@dataclass(slots=True)
class Storm:
    """``url`` is the serving role's, ``owner_url`` sees what sessions do. ``say`` hears of progress."""

    plant: Plant
    size: Size
    url: str
    owner_url: str
    home: Path
    forks: Prefork
    say: Callable[[str], None] = lambda line: None
    chance: random.Random = field(default_factory=lambda: random.Random(6))
    kills: int = 0
    begun: int = 0
    left: int = 0
    _names: "count[int]" = field(default_factory=count)

    async def run(self, within_s: float) -> Counts:
        """All anchors written, all kills done, all incidents analysed. Raises TimeoutError."""
        self.left = self.size.anchors
        async with asyncio.timeout(within_s), asyncio.TaskGroup() as group:
            writers = [await self._writer() for _ in range(self.size.writers)]
            working = [group.create_task(self._place(number)) for number in range(self.size.workers)]
            for writer in writers:
                await writer.said()
            counts = await self._settled()
            for task in working:
                task.cancel()
        return counts

    async def _writer(self) -> Born:
        at = clock.now() - timedelta(hours=1)
        return await self.forks.begin(
            f"{PROCESSES}:write",
            url=self.url,
            tenant_id=self.plant.tenant_id,
            assets=self.plant.assets,
            at=at.isoformat(),
            most_waiting=WAITING,
        )

    async def _settled(self) -> Counts:
        while True:
            counts = await counted(self.plant)
            self.left = self.size.anchors - counts.analyses
            if counts.incidents >= self.size.anchors and not counts.waiting:
                return await counted(self.plant)  # nothing is written any more
            await asyncio.sleep(0.2)

    async def _place(self, number: int) -> None:
        """One worker after the other, each killed in the middle of its work until there were enough kills."""
        watching = await asyncpg.connect(self.owner_url)
        try:
            while True:
                name = f"storm {number}.{next(self._names)}"
                worker = await self._begin(name)
                if self.kills >= self.size.kills:
                    await worker.gone()
                    raise RuntimeError("A worker that nobody killed has ended.")
                await self._kill_at_work(worker, name, watching)
        finally:
            await watching.close()

    async def _begin(self, name: str) -> Born:
        self.begun += 1
        url = f"{self.url}?application_name={name.replace(' ', '%20')}"
        if self.size.whole_servers:
            worker = await self.forks.begin(f"{PROCESSES}:serve", url=url, home=str(self.home))
        else:
            worker = await self.forks.begin(f"{PROCESSES}:work", url=url)
        await worker.said()
        return worker

    async def _kill_at_work(self, worker: Born, name: str, watching: asyncpg.Connection) -> None:
        """At a random moment: stopped, and killed if a transaction of it is open that has written."""
        if self.left > 2 * (self.size.kills - self.kills):
            await asyncio.sleep(self.chance.uniform(0.0, 0.3))
        while self.kills < self.size.kills:
            worker.send(signal.SIGSTOP)
            if await watching.fetchval(IN_FLIGHT, name):
                await worker.kill()
                self.kills += 1
                if self.kills % 20 == 0:
                    self.say(f"{self.kills} of {self.size.kills} kills")
                return
            worker.send(signal.SIGCONT)
            await asyncio.sleep(self.chance.uniform(0.001, 0.02))
        await worker.gone()
