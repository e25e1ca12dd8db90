"""An incident that has spread is moved to the asset that explains it, with its title and its order."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from optria.core.event import Event, Severity
from optria.core.incident import Anchor
from optria.db.blackbox import IncidentRow
from optria.db.work import WorkOrderRow
from optria.kit import clock
from tests.blackbox.conftest import SmallPlant


def anchor(asset_id: int, ago_s: float) -> Anchor:
    return Anchor(asset_id, clock.now() - timedelta(seconds=ago_s), 2.4, 0.97, (), "level")


def shaking(asset_id: int) -> Event:
    payload = {"metric": "vibration", "value": 5.2, "limit": 4.5, "direction": "high"}
    return Event(clock.now(), Severity.MAJOR, "ALERT", "Vibration above 4.5 mm/s", asset_id, payload=payload)


async def only(small: SmallPlant, table: Any) -> Any:
    async with small.database.transaction(small.tenant_id) as tx:
        return (await tx.session.execute(select(table))).scalar_one()


async def spread(small: SmallPlant, order_status: str = "open", status: str = "OPEN") -> tuple[Any, Any]:
    """The first pump deviates, then the second, whose vibration crosses its limit; then a second look."""
    recorder = small.recorder()
    recorder.anchor(small.tenant_id, anchor(small.pumps[0], 20))
    await recorder.drain()
    await recorder.do_due()
    recorder.anchor(small.tenant_id, anchor(small.pumps[1], 10))
    recorder.event(small.tenant_id, shaking(small.pumps[1]))
    await recorder.drain()
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(update(IncidentRow).values(next_pass_at=clock.now(), status=status))
        await tx.session.execute(update(WorkOrderRow).values(status=order_status))
    await recorder.do_due()
    return await only(small, IncidentRow), await only(small, WorkOrderRow)


@pytest.mark.clause("G4", "W2")
async def test_title_root_and_order_follow_the_asset_that_explains_it(small: SmallPlant) -> None:
    incident, order = await spread(small)
    assert incident.root_asset_id == order.asset_id == small.pumps[1]
    assert incident.title == "Bearing Fault on P-102"
    assert order.title == "Bearing Fault detected on Pump P-102"
    assert set(incident.impact_scope["assets"]) == set(small.pumps[:2])


async def test_further_looks_see_it_from_its_new_root(small: SmallPlant) -> None:
    await spread(small)
    incident = await only(small, IncidentRow)
    await small.recorder().run_for_incident(small.tenant_id, incident.id)
    assert (await only(small, IncidentRow)).title == "Bearing Fault on P-102"


async def test_an_order_that_somebody_has_begun_is_not_moved(small: SmallPlant) -> None:
    incident, order = await spread(small, order_status="in_progress")
    assert incident.root_asset_id == order.asset_id == small.pumps[0]


async def test_an_incident_that_is_resolved_is_not_moved(small: SmallPlant) -> None:
    incident, _ = await spread(small, status="RESOLVED")
    assert incident.root_asset_id == small.pumps[0]
