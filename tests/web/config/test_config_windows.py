"""Windows over HTTP: an incident takes that of its asset's type, else the tenant's, else 30 minutes."""

from datetime import timedelta

import pytest

from optria.blackbox.windows import window_of
from optria.kit import clock
from tests.web.house import House
from tests.web.settings import change_events, done, items, refused


async def minutes(house: House, asset_type: str = "Pump") -> tuple[float, float]:
    """Of an incident that would be anchored now."""
    now = clock.now()
    async with house.database.transaction(house.own.tenant.id) as tx:
        window = await window_of(tx, house.own.tenant.id, asset_type, now)
    minute = timedelta(minutes=1)
    return (now - window.start) / minute, (window.end - now) / minute


@pytest.mark.clause("A7")
async def test_the_type_goes_before_the_tenant_and_the_tenant_before_the_default(house: House) -> None:
    assert await minutes(house) == (30, 30)
    await done(house, "PUT", "windows", {"before_minutes": 60, "after_minutes": 10})
    assert await minutes(house) == (60, 10)
    of_type = {"asset_type": "pump", "before_minutes": 5, "after_minutes": 1440}
    row = await done(house, "PUT", "windows", of_type)
    assert row["asset_type"] == "Pump"
    assert await minutes(house) == (5, 1440)
    assert await minutes(house, "Valve") == (60, 10)
    await done(house, "DELETE", f"windows/{row['id']}")
    assert await minutes(house) == (60, 10)


async def test_a_window_set_again_changes(house: House) -> None:
    first = await done(house, "PUT", "windows", {"before_minutes": 60, "after_minutes": 10})
    second = await done(house, "PUT", "windows", {"before_minutes": 20, "after_minutes": 10})
    assert second == first | {"before_minutes": 20}
    assert await items(house, "windows") == [second]
    event = (await change_events(house))[-1]
    assert event.payload is not None
    assert (event.payload["old"]["before_minutes"], event.payload["new"]["before_minutes"]) == (60, 20)


@pytest.mark.parametrize("wrong", [0, 0.5, 1441, -1, "NaN", 1e400, None])
async def test_a_window_has_between_one_minute_and_a_day(house: House, wrong: object) -> None:
    wrong = "Infinity" if wrong == 1e400 else wrong
    await refused(house, 422, "PUT", "windows", {"before_minutes": wrong, "after_minutes": 30})
    await refused(house, 422, "PUT", "windows", {"before_minutes": 30, "after_minutes": wrong})


async def test_a_window_that_is_not_there_cannot_be_removed(house: House) -> None:
    await refused(house, 404, "DELETE", "windows/2000000000")
