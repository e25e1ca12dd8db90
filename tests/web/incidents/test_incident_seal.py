"""The seal of a recording: what the API and the pages say of it, whole and tampered with."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import text

from optria.blackbox.sealing import seal_due
from optria.core.roles import Role
from optria.core.tag import SampleBatch, to_micros
from optria.db.blackbox import IncidentRow
from optria.db.partitions import ensure_partitions
from optria.kit import clock
from optria.streams import history
from tests import factories
from tests.web.house import House

COUNT = 300


@pytest.fixture
async def over(house: House) -> IncidentRow:
    """An incident whose window has been over for five minutes, with stored samples."""
    end = clock.now() - timedelta(minutes=5)
    start = end - timedelta(hours=1)
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(
            tx, house.own.asset, start_time=start, window_start=start, window_end=end
        )
        times = to_micros(start) + np.arange(COUNT, dtype=np.int64) * 1_000_000
        tags = np.full(COUNT, house.own.vibration.id, np.int32)
        values = np.linspace(2.0, 3.0, COUNT)
        await ensure_partitions(tx.session, (start - timedelta(days=1)).date(), 3)
        await history.write(tx, SampleBatch(tags, times, values, np.zeros(COUNT, np.uint8)))
    return row


async def test_an_unsealed_recording_says_so(house: House, over: IncidentRow) -> None:
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        answer = (await browser.get(f"/api/blackbox/incidents/{over.id}/seal")).json()
        page = (await browser.get(f"/blackbox/incidents/{over.id}")).text
    assert (answer["sealed"], answer["intact"]) == (False, None)
    assert "is sealed within two minutes" in page
    assert "data-verify" not in page


async def test_a_sealed_recording_is_shown_and_verified(house: House, over: IncidentRow) -> None:
    await seal_due(house.database)
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        answer = (await browser.get(f"/api/blackbox/incidents/{over.id}/seal")).json()
        page = (await browser.get(f"/blackbox/incidents/{over.id}")).text
        verified = (await browser.get(f"/blackbox/incidents/{over.id}?verify=true")).text
        report = (await browser.get(f"/blackbox/incidents/{over.id}/report")).text
    assert answer["intact"] is True
    assert answer["sha256"] == answer["seal"]["sha256"]
    assert answer["seal"]["samples"] == COUNT
    for shown in (page, verified, report):
        assert answer["sha256"] in shown
    assert "the recording is what was sealed." not in page
    assert "the recording is what was sealed." in verified
    assert "the recording is what was sealed." in report


async def test_tampering_is_named(house: House, over: IncidentRow) -> None:
    await seal_due(house.database)
    async with house.database.transaction(house.own.tenant.id) as tx:
        await tx.session.execute(text("UPDATE history_chunks SET value[1] = 99"))
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = (await browser.get(f"/api/blackbox/incidents/{over.id}/seal")).json()
        page = (await browser.get(f"/blackbox/incidents/{over.id}?verify=true&lang=ar")).text
    assert answer["intact"] is False
    (difference,) = answer["differences"]
    assert difference["kind"] == "samples_changed"
    assert difference["what"] in difference["text"]
    assert answer["sha256"] != answer["seal"]["sha256"]
    assert "التسجيل ليس ما خُتم" in page


async def test_seals_are_for_those_who_see_the_recording(house: House, over: IncidentRow) -> None:
    for role, status in ((Role.VIEWER, 403), (Role.ENGINEER, 404)):
        async with house.client(role) as browser:
            assert (await browser.get(f"/api/blackbox/incidents/{over.id}/seal")).status_code == status
