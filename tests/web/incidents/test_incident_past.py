"""Past incidents beside a present one: what they were, and their signals on a common time zero."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from optria.core.incident import SimilarIncident
from optria.core.roles import Role
from optria.core.tag import SampleBatch, to_micros
from optria.db.blackbox import AnalysisRow, IncidentRow
from optria.db.partitions import ensure_partitions
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.storage import to_json
from optria.streams import history
from tests import factories
from tests.analyses import analysis
from tests.web.house import House

MINUTES = 20


def samples(house: House, zero: datetime) -> SampleBatch:
    """Vibration of 2 before ``zero`` and 5 from it on, once a second."""
    count = MINUTES * 60 * 2
    start = zero - timedelta(minutes=MINUTES)
    times = to_micros(start) + np.arange(count, dtype=np.int64) * 1_000_000
    values = np.where(np.arange(count) < count // 2, 2.0, 5.0)
    return SampleBatch(
        np.full(count, house.own.vibration.id, np.int32), times, values, np.zeros(count, np.uint8)
    )


async def compared(house: House, count: int = 1) -> tuple[IncidentRow, list[IncidentRow]]:
    """An incident whose analysis found ``count`` past ones like it, of which the first has samples."""
    now = clock.now()
    async with house.database.transaction(house.own.tenant.id) as tx:
        past = [await _past(tx, house, now - timedelta(days=1, hours=2 * n)) for n in range(count)]
        start = now - timedelta(minutes=40)
        half = timedelta(minutes=30)
        row = await factories.incident(
            tx, house.own.asset, start_time=start, window_start=start - half, window_end=start + half
        )
        similar = [
            SimilarIncident(str(one.id), one.incident_number or "", "Seal Leak", 0.9 - n / 10)
            for n, one in enumerate(past)
        ]
        told = replace(analysis(), similar=tuple(similar[:1]), nearest=tuple(similar))
        tx.session.add(
            AnalysisRow(tenant_id=row.tenant_id, incident_id=row.id, revision=1, analysis=to_json(told))
        )
        batches = [samples(house, zero) for zero in (past[0].start_time, start)]
        await ensure_partitions(tx.session, (now - timedelta(days=2)).date(), 4)
        await history.write(tx, SampleBatch.concat(batches))
    return row, past


async def _past(tx: Tx, house: House, start: datetime) -> IncidentRow:
    return await factories.incident(
        tx,
        house.own.asset,
        status="CLOSED",
        start_time=start,
        end_time=start + timedelta(hours=3),
        window_start=start - timedelta(minutes=30),
        window_end=start + timedelta(minutes=30),
        confirmed_cause="Bearing Fault",
        resolution="Bearing replaced.",
    )


async def test_signals_stand_on_a_common_time_zero(house: House) -> None:
    row, (past,) = await compared(house)
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        answer = (await browser.get(f"/api/blackbox/incidents/{row.id}/similar")).json()
    track = next(t for t in answer["tracks"] if t["tag"] == house.own.vibration.id)
    series = {one["incident_id"]: one for one in track["series"]}
    assert series.keys() == {str(row.id), str(past.id)}
    for one in series.values():
        assert one["base"] == 2.0
        assert len(one["minutes"]) == len(one["change"]) <= 201
        before = [c for m, c in zip(one["minutes"], one["change"], strict=True) if m < -0.1]
        after = [c for m, c in zip(one["minutes"], one["change"], strict=True) if m > 0.1]
        assert set(before) == {0.0}
        assert set(after) == {3.0}


async def test_what_past_incidents_turned_out_to_be_and_how_long_they_took(house: House) -> None:
    row, past = await compared(house, count=7)
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        answer = (await browser.get(f"/api/blackbox/incidents/{row.id}/similar")).json()
        page = (await browser.get(f"/blackbox/incidents/{row.id}")).text
    assert [one["id"] for one in answer["past"]] == [str(one.id) for one in past[:5]]
    first, second = answer["past"][:2]
    assert (first["cause"], first["is_confirmed"], first["duration_s"]) == ("Bearing Fault", True, 10_800.0)
    assert (first["counts"], second["counts"]) == (True, False)
    assert (first["has_samples"], answer["past"][4]["has_samples"]) == (True, False)
    assert "Bearing replaced." in page
    assert str(past[5].incident_number) not in page


async def test_an_engineer_sees_a_past_incident_of_others_but_no_link_to_it(house: House) -> None:
    row, (past,) = await compared(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        mine = await tx.session.get_one(IncidentRow, row.id)
        mine.assigned_to = house.own.users[Role.ENGINEER].id
    async with house.client(Role.ENGINEER) as browser:
        page = (await browser.get(f"/blackbox/incidents/{row.id}")).text
    assert str(past.incident_number) in page
    assert f'href="/blackbox/incidents/{past.id}"' not in page


async def test_an_incident_without_analysis_has_no_past(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(tx, house.own.asset)
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        answer = (await browser.get(f"/api/blackbox/incidents/{row.id}/similar")).json()
        page = (await browser.get(f"/blackbox/incidents/{row.id}")).text
    assert answer["past"] == []
    assert "it has not run yet" in page
