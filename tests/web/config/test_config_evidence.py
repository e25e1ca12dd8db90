"""A configuration changed within an incident's window is evidence: in E, in the timeline, in the story."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from optria.blackbox.case_loader import load_case
from optria.core.roles import Role
from optria.db.blackbox import EventRow, IncidentRow
from optria.kit import clock
from optria.rca.timeline import build_timeline, is_evidence
from optria.web.shapes import Json
from tests import factories
from tests.web import black_box
from tests.web.house import House
from tests.web.settings import change_events, done


async def minutes_ago(house: House, minutes: float) -> None:
    """As if the changes so far had been made then."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        moment = clock.now() - timedelta(minutes=minutes)
        await tx.session.execute(
            update(EventRow).where(EventRow.event_category == "CONFIG_CHANGE").values(event_time=moment)
        )


async def new_limit(house: House) -> None:
    asked: Json = {
        "asset_id": house.own.asset.id,
        "metric": "vibration",
        "direction": "high",
        "limit_value": 19.0,
        "severity": "CRITICAL",
    }
    proposed = await done(house, "POST", "thresholds", asked)
    await done(house, "POST", f"thresholds/{proposed['id']}/approve")


async def incident(house: House) -> IncidentRow:
    recorder = black_box.install(house)
    black_box.vibrate(house)
    return await black_box.detected(house, recorder)


async def seen(house: House, row: IncidentRow) -> tuple[list[str], list[str], str]:
    """Summaries of the changes in E and in the timeline over HTTP, and the story."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        stored = await tx.session.get_one(IncidentRow, row.id)
        case = await load_case(tx, stored, house.own.plant, black_box.Memory((house.own, house.other)))
    evidence = [e for e in build_timeline(case).inside(case.window).events if is_evidence(e)]
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = (await browser.get(f"/api/blackbox/incidents/{row.id}/timeline")).json()
        story = (await browser.get(f"/api/blackbox/incidents/{row.id}")).json()["event_story"]
    shown = [e["summary"] for e in answer["timeline"] if e["category"] == "CONFIG_CHANGE"]
    return [e.summary for e in evidence if e.category == "CONFIG_CHANGE"], shown, story


@pytest.mark.clause("A8", "I1")
async def test_a_limit_changed_before_the_anchor_is_evidence_and_told(house: House) -> None:
    await new_limit(house)
    await minutes_ago(house, 6.5)
    (event,) = await change_events(house)
    in_window, in_timeline, story = await seen(house, await incident(house))
    assert in_window == in_timeline == [event.summary]
    assert f"Limit of vibration of {house.own.asset.code} set to high 19 mm/s (CRITICAL)" in story


@pytest.mark.clause("A8", "I1")
async def test_so_is_a_change_that_concerns_the_whole_plant(house: House) -> None:
    await done(house, "PUT", "clock-drifts", {"source": "SCADA", "drift_s": 3})
    await minutes_ago(house, 3)
    in_window, in_timeline, story = await seen(house, await incident(house))
    assert in_window == in_timeline == ["Clock of SCADA taken as 3 s ahead of UTC"]
    assert in_window[0] in story


@pytest.mark.clause("A8")
async def test_a_change_outside_the_window_is_not(house: House) -> None:
    await new_limit(house)
    await minutes_ago(house, 45)
    in_window, in_timeline, story = await seen(house, await incident(house))
    assert in_window == in_timeline == []
    assert "Limit of vibration" not in story


async def test_what_is_set_for_the_whole_plant_is_no_part_of_a_faults_pattern(house: House) -> None:
    await done(house, "PUT", "clock-drifts", {"source": "SCADA", "drift_s": 3})
    await minutes_ago(house, 3)
    row = await incident(house)
    assert row.pattern is not None
    assert "CONFIG_CHANGE" not in row.pattern["event_types"]


async def test_what_happened_to_the_whole_site_is_evidence_there_and_only_there(house: House) -> None:
    row = await incident(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        elsewhere = await factories.site(tx, house.own.tenant.id)
        for site, summary in ((house.own.site, "Voltage dip"), (elsewhere, "Sandstorm")):
            dip = await factories.event(tx, house.own.asset, summary=summary, site_id=site.id)
            dip.asset_id = None
        await tx.session.flush()
        stored = await tx.session.get_one(IncidentRow, row.id)
        case = await load_case(tx, stored, house.own.plant, black_box.Memory((house.own, house.other)))
    assert [e.summary for e in case.events if e.category == "ALERT"] == ["Voltage dip"]
