"""Cases of one incident that are loaded together read what they share once."""

import pytest

from optria.blackbox.case_loader import Shared, load_case
from optria.blackbox.incidents import find
from optria.core.incident import Anchor
from tests.blackbox import loop
from tests.blackbox.conftest import SmallPlant


async def test_cases_of_one_incident_share_rules_and_the_history_of_a_type(small: SmallPlant) -> None:
    confirmed = await loop.strike(small, small.pumps[0])
    await loop.complete(small, confirmed, "Seal Leak")
    incident_id = await loop.strike(small, small.tank)
    shared = Shared()
    async with small.database.transaction(small.tenant_id) as tx:
        incident = await find(tx, incident_id)
        seen = [
            Anchor(one, incident.start_time, 2.4, 0.97, (), "level") for one in (*small.pumps[:2], small.tank)
        ]
        first, second, tank = [
            await load_case(tx, incident, small.plant, small.sensors, anchor, shared) for anchor in seen
        ]
    assert first.rules is second.rules is tank.rules
    assert first.history is second.history
    assert [past.cause for past in first.history] == ["Seal Leak"]
    assert tank.history == ()
    assert [rule.cause for rule in first.rules] == ["Bearing Fault"]


@pytest.mark.parametrize("other", [0, 1])
async def test_each_is_of_its_own_asset(small: SmallPlant, other: int) -> None:
    incident_id = await loop.strike(small, small.pumps[0])
    async with small.database.transaction(small.tenant_id) as tx:
        incident = await find(tx, incident_id)
        anchor = Anchor(small.pumps[other], incident.start_time, 2.4, 0.97, (), "level")
        found = await load_case(tx, incident, small.plant, small.sensors, anchor, Shared())
    assert (found.asset.id, found.anchor) == (small.pumps[other], anchor)
