"""How far an analysis has come, for whoever looks at the incident."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from optria.blackbox.progress import Progress
from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.kit import clock
from optria.web.server import create_app
from tests import factories
from tests.web.house import Analyst, House


class Busy(Analyst):
    """A recorder that has been weighing for three seconds, until it is stopped."""

    running = True

    def progress_of(self, incident_id: UUID) -> Progress | None:
        begun = clock.now() - timedelta(seconds=3)
        return Progress("weighing", begun, None, 1800, 3) if self.running else None

    def cancel(self, incident_id: UUID) -> bool:
        was, self.running = self.running, False
        return was


@pytest.fixture
async def incident(house: House) -> IncidentRow:
    house.services = replace(house.services, recorder=Busy())
    house.app = create_app(house.services)
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.incident(tx, house.own.asset)


async def test_a_running_analysis_is_shown_and_cancelled(house: House, incident: IncidentRow) -> None:
    address = f"/api/blackbox/incidents/{incident.id}/rca-full"
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        running = (await browser.get(address)).json()["running"]
        page = (await browser.get(f"/blackbox/incidents/{incident.id}")).text
        answers = [(await browser.delete(address)).json()["cancelled"] for _ in range(2)]
        after = (await browser.get(f"/blackbox/incidents/{incident.id}")).text
    assert (running["stage"], running["samples"], running["events"]) == ("weighing", 1800, 3)
    assert "Analysing: weighing the causes" in page
    assert "1800 samples, 3 events" in page
    assert "Cancel the analysis" in page
    assert answers == [True, False]
    assert "Analysing: weighing" not in after


async def test_only_those_who_may_analyse_may_cancel(house: House, incident: IncidentRow) -> None:
    async with house.client(Role.VIEWER) as browser:
        for method in ("GET", "DELETE"):
            answer = await browser.request(method, f"/api/blackbox/incidents/{incident.id}/rca-full")
            assert answer.status_code == 403
