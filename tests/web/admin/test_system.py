"""How stored samples and their upkeep are told to platform owners, and to nobody else."""

from dataclasses import replace
from datetime import timedelta

from optria.core.roles import Role
from optria.db.partitions import Retired
from optria.db.retention import Upkeep
from optria.kit import clock
from optria.web.server import create_app
from tests.web.house import House


async def test_the_latest_upkeep_and_what_is_kept_are_told(house: House) -> None:
    day = clock.now().date()
    done = Upkeep(clock.now(), is_trial=False, days={day: Retired.REDUCED}, busy=[day - timedelta(days=1)])
    done.ended = clock.now()
    house.services = replace(house.services, upkeep=lambda: done)
    house.app = create_app(house.services)
    async with house.client(Role.PLATFORM_OWNER) as browser:
        process = (await browser.get("/api/admin/system")).json()["process"]
        page = (await browser.get("/admin/system")).text
    assert process["history"]["days"] > 7
    assert process["history"]["bytes"] > 0
    assert process["upkeep"]["days"] == {"reduced": 1}
    assert process["upkeep"]["days_in_use"] == 1
    assert "Old days that are still in use" in page


async def test_before_the_first_upkeep_there_is_none_and_admins_see_no_process(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert (await browser.get("/api/admin/system")).json()["process"]["upkeep"] is None
        assert "not yet" in (await browser.get("/admin/system")).text
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.get("/api/admin/system")).json()["process"] is None
