"""The twin at a moment of the past."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import DateTime, Integer, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from optria.core.errors import NotFound
from optria.core.roles import Role
from optria.core.tag import Quality, Sample, SampleBatch
from optria.db.blackbox import AnalysisRow
from optria.db.plant import HistoryChunk
from optria.kit import clock
from optria.rca.engine import analyse
from optria.rca.storage import to_json
from optria.streams.history import write
from optria.web.sessions import Viewer
from optria.web.twin.twin_page_model import TwinPage
from optria.web.twin.twin_past import LAST_BEFORE, readings_at, span_around
from optria.web.twin.twin_view import moment_at_site, page_context
from tests import factories
from tests.rca.cases import case
from tests.web.house import House

PAGE = {"Accept": "text/html"}


async def _stored(house: House, *samples: tuple[datetime, float, Quality]) -> None:
    batch = [Sample(house.own.vibration.id, time, value, quality) for time, value, quality in samples]
    async with house.database.transaction(house.own.tenant.id) as tx:
        await write(tx, SampleBatch.of(batch))


async def _page(house: House, at: datetime, role: Role = Role.TENANT_ADMIN) -> TwinPage:
    user = house.user(role)
    viewer = Viewer(user.id, user.tenant_id, role, "", "", "en", uuid4())
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await page_context(tx, house.services, viewer, house.own.site.code, None, at)


def _ago(**span: float) -> datetime:
    return (clock.now() - timedelta(**span)).replace(microsecond=0)


async def test_the_last_value_at_or_before_the_moment(house: House) -> None:
    start = _ago(hours=3)
    values = [(start + timedelta(seconds=30 * n), float(n), Quality.GOOD) for n in range(20)]
    await _stored(house, *values)
    tags = [house.own.vibration.id, house.own.pressure.id]
    async with house.database.transaction(house.own.tenant.id) as tx:

        async def value(**later: float) -> float | None:
            moment = start + timedelta(**later)
            found = await readings_at(tx, house.services, house.own.tenant.id, tags, moment)
            assert house.own.pressure.id not in found
            return found[tags[0]].value if tags[0] in found else None

        seen = [
            await value(seconds=-1),
            await value(seconds=0),
            await value(seconds=59),
            await value(seconds=60),
            await value(minutes=40),
            await value(minutes=90),
        ]
    assert seen == [None, 0.0, 1.0, 2.0, 19.0, None]


async def test_a_late_row_that_reaches_further_counts(house: House) -> None:
    start = _ago(hours=2)
    tag, tenant_id = house.own.vibration.id, house.own.tenant.id
    await _stored(house, (start - timedelta(minutes=5), 0.0, Quality.GOOD))  # makes the partition
    wide = HistoryChunk(tag_id=tag, t0=start, dt=[0, 50_000_000], value=[1.0, 5.0], quality=[0, 2])
    late = HistoryChunk(
        tag_id=tag, t0=start + timedelta(seconds=20), dt=[0, 1_000_000], value=[2.0, 3.0], quality=[0, 0]
    )
    async with house.database.transaction(tenant_id) as tx:
        for row in (wide, late):
            row.tenant_id = tenant_id
            tx.session.add(row)
    async with house.database.transaction(house.own.tenant.id) as tx:
        found = await readings_at(
            tx, house.services, house.own.tenant.id, [house.own.vibration.id], start + timedelta(seconds=55)
        )
    (reading,) = found.values()
    assert (reading.value, reading.quality, reading.time) == (5.0, Quality.BAD, start + timedelta(seconds=50))


async def test_one_statement_by_the_primary_key(house: House) -> None:
    asked = {"tags": [house.own.vibration.id], "at": clock.now(), "since": _ago(hours=1), "chunks": 12}
    await _stored(house, (_ago(minutes=10), 1.0, Quality.GOOD))
    async with house.database.transaction(house.own.tenant.id) as tx:
        await tx.session.execute(text("SET LOCAL enable_seqscan = off"))
        explained = text(f"EXPLAIN {LAST_BEFORE.text}").bindparams(
            bindparam("tags", type_=ARRAY(Integer)),
            bindparam("at", type_=DateTime(True)),
            bindparam("since", type_=DateTime(True)),
            bindparam("chunks", type_=Integer),
        )
        plan = "\n".join(row[0] for row in await tx.session.execute(explained, asked))
    assert "Index Cond" in plan
    assert "Seq Scan" not in plan


async def test_what_is_not_written_yet_is_known_from_memory(house: House) -> None:
    house.own.stream.put(house.sample(8.0, age_s=4.0))
    page = await _page(house, clock.now() - timedelta(seconds=2))
    vibration = page.assets[0].signal("vibration")
    assert vibration is not None
    assert (vibration.value, page.assets[0].state) == (8.0, "running")
    assert (await _page(house, clock.now() - timedelta(seconds=6))).assets[0].state == "unknown"


async def test_incidents_and_orders_as_they_stood(house: House) -> None:
    begun, over = _ago(hours=4), _ago(hours=2)
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(
            tx,
            house.own.asset,
            start_time=begun,
            end_time=over,
            status="CLOSED",
            acknowledged_at=_ago(hours=3),
        )
        await factories.order(
            tx,
            house.own.asset,
            incident_id=str(incident.id),
            created_at=begun + timedelta(minutes=5),
            started_at=_ago(hours=3),
            completed_at=over,
            status="completed",
        )
    seen = []
    for moment in (
        begun - timedelta(minutes=1),
        begun + timedelta(minutes=10),
        _ago(hours=2.5),
        _ago(hours=1),
    ):
        asset = (await _page(house, moment)).assets[0]
        order = asset.orders[0].status if asset.orders else ""
        seen.append((asset.incident.acknowledged if asset.incident else None, order))
    assert seen == [(None, ""), (False, "open"), (True, "in_progress"), (None, "")]


async def test_a_cause_is_shown_only_once_it_was_known(house: House) -> None:
    begun, analysed = _ago(hours=4), _ago(hours=3)
    analysis = analyse(case())
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(
            tx,
            house.own.asset,
            start_time=begun,
            title=f"Bearing Fault on {house.own.asset.code}",
            root_cause_scores={"Bearing Fault": 1.0},
        )
        tx.session.add(
            AnalysisRow(
                tenant_id=house.own.tenant.id,
                incident_id=incident.id,
                revision=1,
                analysis=to_json(analysis),
                created_at=analysed,
            )
        )
    before = (await _page(house, analysed - timedelta(minutes=1))).assets[0].incident
    after = (await _page(house, analysed + timedelta(minutes=1))).assets[0].incident
    watched = (await _page(house, analysed + timedelta(minutes=1), Role.VIEWER)).assets[0].incident
    assert before is not None and after is not None and watched is not None  # noqa: PT018
    assert (before.causes, before.story, "Bearing" in before.title) == ((), "", False)
    assert after.top_probability == analysis.top.probability
    assert after.story == analysis.story
    assert (watched.causes, watched.story) == ((), "")


def test_the_slider_covers_a_day() -> None:
    now = clock.now()
    near, far = span_around(now - timedelta(hours=3), now), span_around(now - timedelta(days=9), now)
    assert near == (now - timedelta(hours=24), now)
    assert far[0] < now - timedelta(days=9) < far[1] < now
    assert far[1] - far[0] == timedelta(hours=24)


async def test_a_clock_time_is_that_of_the_site(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        moment = await moment_at_site(tx, house.own.site.code, datetime(2026, 11, 21, 14, 5, 10))  # noqa: DTZ001
        with pytest.raises(NotFound):
            await moment_at_site(tx, "NOWHERE", datetime(2026, 11, 21))  # noqa: DTZ001
    assert moment.isoformat() == "2026-11-21T11:05:10+00:00"


@pytest.mark.clause("D1")
async def test_the_page_says_that_it_is_the_past_and_offers_no_deeds(house: House) -> None:
    moment = _ago(hours=3)
    await _stored(house, (moment - timedelta(seconds=2), 3.25, Quality.GOOD))
    async with house.client(Role.TENANT_ADMIN) as client:
        answer = await client.get(f"/digital-twin?at={moment:%Y-%m-%dT%H:%M:%SZ}", headers=PAGE)
    html = answer.text
    assert answer.status_code == 200
    assert 'data-value="3.25"' in html
    assert f'data-at="{int(moment.timestamp() * 1000)}"' in html
    assert "Past:" in html
    assert "not live" in html
    assert "data-live=" not in html
    panel = html[html.index("data-panel>") : html.index("</aside>")]
    assert panel.count("<button") == 3
    assert panel.count("disabled") == 2
    assert "You are looking at the past. Go back to live to act." in panel
    assert "not recorded" in html


async def test_a_date_field_leads_to_the_moment(house: House) -> None:
    async with house.client(Role.VIEWER) as client:
        away = await client.get("/digital-twin?view=signals&local=2026-11-21T14:05:10", headers=PAGE)
        later = await client.get("/digital-twin?at=2199-01-01T00:00:00Z", headers=PAGE)
        wrong = await client.get("/digital-twin?at=yesterday", headers=PAGE)
    assert away.headers["location"] == "?view=signals&at=2026-11-21T11%3A05%3A10Z"
    assert "data-past-bar" not in later.text
    assert wrong.status_code == 422
