"""Rows 8-11: several workers at one job, one of them half open, and a job that can never succeed."""

import asyncio
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, func, select, update

from optria.blackbox import incidents
from optria.core.incident import Anchor
from optria.core.roles import Role
from optria.db.blackbox import AnalysisRow, IncidentRow
from optria.db.configuration import load_plant
from optria.db.session import IDLE_S, Database
from optria.db.work import NotificationRow, WorkOrderHistory, WorkOrderRow
from optria.kit import clock
from optria.kit.settings import Settings
from optria.web import sessions
from tests import factories
from tests.fakes.prefork import Prefork
from tests.fakes.proxy import proxied
from tests.fakes.waiting import until
from tests.faults.at_once import AtOnce, nothing_stored, servers
from tests.faults.figures import Figures, Scale
from tests.faults.storm import PROCESSES, Plant, counted, furnished


async def opened(plant: Plant, asset_id: int) -> str:
    """An incident that waits for its analysis; its id."""
    async with plant.database.transaction(plant.tenant_id) as tx:
        model = await load_plant(tx, plant.tenant_id)
        anchor = Anchor(asset_id, clock.now() - timedelta(hours=1), 2.0, 0.97, (), "level")
        return str((await incidents.open_incident(tx, model, anchor)).incident.id)


@pytest.mark.parametrize("how", ["stopped", "behind a black hole"])
async def test_half_open(
    database: Database,
    fresh_database: str,
    serving: Callable[[str], str],
    forks: Prefork,
    scale: Scale,
    figures: Figures,
    how: str,
) -> None:
    plant = await furnished(database, 1)
    incident_id = await opened(plant, plant.assets[0])
    idle_s = scale.of(IDLE_S, 1.0)
    url = serving(fresh_database)
    at = urlsplit(url)
    async with proxied(at.hostname or "", at.port or 5432) as link:
        through = url.replace(f":{at.port}/", f":{link.port}/")
        holder = await forks.begin(
            f"{PROCESSES}:hold",
            url=through,
            tenant_id=plant.tenant_id,
            incident_id=incident_id,
            idle_s=idle_s,
        )
        assert await holder.said() == "holding"
        if how == "stopped":
            holder.send(signal.SIGSTOP)
        else:
            await link.black_hole()
        worker = await forks.begin(f"{PROCESSES}:work", url=url)
        freed_s = await until(lambda: _analysed(plant))
        counts = await counted(plant)
        await worker.kill()
        await holder.kill()
    figures.load = f"1 worker {how}, idle for {idle_s:g} s at most"
    figures.lost, figures.duplicated, figures.recovered_s = counts.lost(1), counts.doubled, freed_s
    assert (counts.analyses, counts.orders, counts.notifications, counts.doubled) == (1, 1, 1, 0)
    if scale.full:
        assert freed_s < idle_s + 5


async def _analysed(plant: Plant) -> bool:
    counts = await counted(plant)
    return counts.analyses == 1 and not counts.waiting


@pytest.mark.parametrize("what", ["an incident", "an asset"])
async def test_asked_at_once(
    database: Database,
    fresh_database: str,
    serving: Callable[[str], str],
    tmp_path: Path,
    forks: Prefork,
    scale: Scale,
    figures: Figures,
    what: str,
) -> None:
    people, each = 4, scale.of(50, 10)
    plant = await furnished(database, 1)
    tokens = await _tokens(database, plant, people)
    incident_id = await opened(plant, plant.assets[0]) if what == "an incident" else ""
    path = f"incidents/{incident_id}/rca-full" if incident_id else f"assets/{plant.assets[0]}/run"
    async with servers(forks, serving(fresh_database), tmp_path, 2) as bases:
        if incident_id:
            await until(lambda: _analysed(plant))
        before = await _revisions(plant)
        crowd = AtOnce()
        for number in range(people * each):
            await crowd.prepare(bases[number % 2], f"/api/blackbox/{path}", tokens[number % people])
        async with nothing_stored(fresh_database) as let_go:
            begun = monotonic()
            sending = asyncio.create_task(crowd.send())
            await asyncio.sleep(scale.of(4.0, 1.5))  # every request has come by then, none is answered
            await let_go()
        answers = await sending
        took_s = monotonic() - begun
    runs = await _revisions(plant) - before
    seen = {answer["incident_id"] for status, answer in answers if status == 200}
    figures.load = f"{len(answers)} requests for {what} by {people} people to 2 servers"
    figures.lost = sum(status != 200 for status, _ in answers)
    figures.duplicated = runs - 1
    figures.notes.append(f"{runs} run of {what}, all answered after {took_s:.1f} s")
    assert [status for status, _ in answers] == [200] * len(answers)
    assert len(seen) == 1
    assert len({answer["analyzed_at"] for _, answer in answers}) == 1
    assert runs == 1
    assert (await counted(plant)).incidents == 1


async def _tokens(database: Database, plant: Plant, people: int) -> list[str]:
    """Sessions of admins, as their sign-in stores them."""
    async with database.platform("test") as tx:
        users = [await factories.user(tx, plant.tenant_id, Role.TENANT_ADMIN) for _ in range(people)]
        return [await sessions.start(tx, user, Settings(), "127.0.0.1", "a program") for user in users]


async def _revisions(plant: Plant) -> int:
    async with plant.database.transaction(plant.tenant_id) as tx:
        return (await tx.session.scalar(select(func.count()).select_from(AnalysisRow))) or 0


async def test_same_order(
    database: Database,
    fresh_database: str,
    serving: Callable[[str], str],
    forks: Prefork,
    scale: Scale,
    figures: Figures,
) -> None:
    number, workers = scale.of(100, 10), 2
    plant = await furnished(database, number)
    wanted = [await opened(plant, asset_id) for asset_id in plant.assets]
    await _analysed_without_orders(plant, forks, serving(fresh_database), number)
    born = [
        await forks.begin(
            f"{PROCESSES}:order", url=serving(fresh_database), tenant_id=plant.tenant_id, wanted=wanted
        )
        for _ in range(workers)
    ]
    said: list[str] = []
    for worker in born:
        while (line := await worker.said()) != "ordered":
            said.append(line)
    made = [line.split() for line in said]
    counts = await counted(plant)
    contested = sum(created == "0" for _, _, created in made)
    figures.load = f"{workers} workers, the same {number} orders"
    figures.lost, figures.duplicated = number - counts.orders, counts.doubled
    figures.notes.append(f"{contested} found the order of the other")
    assert len({(incident, order) for incident, order, _ in made}) == number == counts.orders
    assert sum(created == "1" for _, _, created in made) == number
    assert counts.doubled == 0


async def _analysed_without_orders(plant: Plant, forks: Prefork, url: str, number: int) -> None:
    """Analysed as the product does it, then as if none had been ordered."""
    worker = await forks.begin(f"{PROCESSES}:work", url=url)
    await until(lambda: _count_is(plant, number))
    await worker.kill()
    async with plant.database.transaction(plant.tenant_id) as tx:
        await tx.session.execute(update(IncidentRow).values(auto_work_order_id=None, next_pass_at=None))
        for table in (NotificationRow, WorkOrderHistory, WorkOrderRow):
            await tx.session.execute(delete(table))


async def _count_is(plant: Plant, number: int) -> bool:
    return (await counted(plant)).analyses == number


POISON = ({"contributions": None}, {"time": "yesterday"}, [1, 2, 3])
"""Anchors that no analysis can read."""


async def test_poison(
    database: Database,
    fresh_database: str,
    serving: Callable[[str], str],
    forks: Prefork,
    scale: Scale,
    figures: Figures,
) -> None:
    others = scale.of(40, 3)
    plant = await furnished(database, len(POISON) + others)
    async with database.platform("test") as tx:
        admin = (await factories.user(tx, plant.tenant_id, Role.TENANT_ADMIN)).id
    bad = [await opened(plant, asset_id) for asset_id in plant.assets[: len(POISON)]]
    await _spoil(plant, bad, attempts_left=5 if scale.full else 1)
    worker = await forks.begin(f"{PROCESSES}:work", url=serving(fresh_database))
    waited = []
    for asset_id in plant.assets[len(POISON) :]:
        good = await opened(plant, asset_id)
        waited.append(await until(lambda good=good: _done(plant, good)))  # type: ignore[misc]
    await until(lambda: _dead(plant, len(bad)))
    await worker.kill()
    async with database.transaction(plant.tenant_id) as tx:
        rows = (await tx.session.scalars(select(IncidentRow).where(IncidentRow.rca_status == "FAILED"))).all()
        told = await tx.session.scalars(
            select(NotificationRow.entity_id).where(
                NotificationRow.user_id == admin, NotificationRow.entity_type == "incident"
            )
        )
        counts = await counted(plant)
    figures.load = f"{len(bad)} items that always fail, {others} that do not"
    figures.lost, figures.duplicated = others - counts.analyses, counts.doubled
    figures.notes.append(f"given up after 5 tries; the others took {max(waited):.2f} s at most")
    assert sorted(str(row.id) for row in rows) == sorted(bad) == sorted(map(str, told))
    assert {row.attempts for row in rows} == {5}
    assert all(row.last_error and row.next_pass_at is None for row in rows)
    assert (counts.analyses, counts.orders) == (others, others)


async def _spoil(plant: Plant, ids: list[str], attempts_left: int) -> None:
    async with plant.database.transaction(plant.tenant_id) as tx:
        for incident_id, anchor in zip(ids, POISON, strict=True):
            statement = update(IncidentRow).where(IncidentRow.id == incident_id)
            await tx.session.execute(statement.values(anchor=anchor, attempts=5 - attempts_left))


async def _done(plant: Plant, incident_id: str) -> bool:
    async with plant.database.transaction(plant.tenant_id) as tx:
        statement = select(IncidentRow.auto_work_order_id).where(IncidentRow.id == incident_id)
        return await tx.session.scalar(statement) is not None


async def _dead(plant: Plant, number: int) -> bool:
    async with plant.database.transaction(plant.tenant_id) as tx:
        statement = select(func.count()).where(IncidentRow.rca_status == "FAILED")
        return await tx.session.scalar(statement) == number
