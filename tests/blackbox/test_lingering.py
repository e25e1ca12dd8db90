"""A fault that was not mended comes back as an incident after somebody resolved the first one."""

from datetime import timedelta

from sqlalchemy import select, update

from optria.blackbox import incidents
from optria.core.incident import Anchor
from optria.db.blackbox import IncidentRow
from optria.kit import clock
from tests.blackbox.conftest import SmallPlant


async def resolved(small: SmallPlant, minutes_ago: float) -> None:
    """The incident of the first pump, resolved by an engineer while the pump still deviates."""
    pump = small.pumps[0]
    anchor = Anchor(pump, clock.now() - timedelta(hours=1), 2.0, 0.9, (), "level")
    small.watch.active.add(pump)
    small.watch.anchors[pump] = anchor
    async with small.database.transaction(small.tenant_id) as tx:
        opened = await incidents.open_incident(tx, small.plant, anchor)
        await incidents.set_status(tx, opened.incident, "RESOLVED", small.engineers[0])
    await made(small, minutes_ago)


async def made(small: SmallPlant, minutes_ago: float) -> None:
    """As if every resolution so far had been made then."""
    moment = clock.now() - timedelta(minutes=minutes_ago)
    async with small.database.transaction(small.tenant_id) as tx:
        ended = update(IncidentRow).where(IncidentRow.resolved_at.is_not(None))
        await tx.session.execute(ended.values(resolved_at=moment))


async def numbers(small: SmallPlant) -> list[tuple[str, int]]:
    async with small.database.transaction(small.tenant_id) as tx:
        rows = await tx.session.scalars(select(IncidentRow).order_by(IncidentRow.incident_number))
        return [(row.status, row.occurrences) for row in rows]


async def looked(small: SmallPlant) -> list[tuple[str, int]]:
    recorder = small.recorder()
    await recorder.look_at_resolved()
    await recorder.drain()
    return await numbers(small)


async def test_what_goes_on_is_an_incident_again(small: SmallPlant) -> None:
    await resolved(small, minutes_ago=6)
    assert await looked(small) == [("RESOLVED", 1), ("OPEN", 1)]
    assert await looked(small) == [("RESOLVED", 1), ("OPEN", 1)]


async def test_values_have_time_to_come_back(small: SmallPlant) -> None:
    await resolved(small, minutes_ago=2)
    assert await looked(small) == [("RESOLVED", 1)]


async def test_what_has_come_back_is_left_in_peace(small: SmallPlant) -> None:
    await resolved(small, minutes_ago=6)
    small.watch.anchors.clear()
    assert await looked(small) == [("RESOLVED", 1)]


async def test_a_second_resolution_is_given_its_time_too(small: SmallPlant) -> None:
    await resolved(small, minutes_ago=20)
    await looked(small)
    async with small.database.transaction(small.tenant_id) as tx:
        open_one = select(IncidentRow).where(IncidentRow.status == "OPEN")
        row = (await tx.session.scalars(open_one)).one()
        await incidents.set_status(tx, row, "RESOLVED", small.engineers[0])
    assert await looked(small) == [("RESOLVED", 1), ("RESOLVED", 1)]
