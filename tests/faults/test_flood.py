"""Floods and chatter: one incident per asset and mode, ten notifications and a digest, nothing lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from sqlalchemy import func, select

from optria.blackbox import incidents
from optria.blackbox.folding import times_said
from optria.blackbox.recorder import Recorder
from optria.core.event import Event, Severity
from optria.core.tag import SampleBatch, to_micros
from optria.db.blackbox import EventRow, IncidentEvent, IncidentRow
from optria.db.configuration import load_plant
from optria.db.delivery import Delivery
from optria.db.plant import AssetRow
from optria.db.session import Database
from optria.db.work import NotificationRow, WorkOrderRow
from optria.kit import clock
from optria.kit.settings import Settings
from optria.streams.limits import CALM, PERSISTENCE
from optria.streams.pipeline import Pipeline
from optria.work.delivery_planning import FLOOD_LIMIT, FLOOD_WINDOW
from optria.work.floods import DIGEST
from tests import factories
from tests.fakes.mail_server import MailServer
from tests.fakes.sensors import FakeSensors, FakeWatch
from tests.fakes.served import Served
from tests.faults.figures import Figures, Scale
from tests.faults.floods import Flooded, event_of, flooded_plant, resident_mb, send_all, signed_in

ASSETS: Final = 60
LONGEST_WAIT_S: Final = 240.0


@pytest.fixture
async def opened(fresh_database: str, serving: Callable[[str], str]) -> AsyncGenerator[Database]:
    database = Database(serving(fresh_database))
    yield database
    await database.dispose()


async def test_flood(
    opened: Database,
    fresh_database: str,
    serving: Callable[[str], str],
    tmp_path: Path,
    scale: Scale,
    figures: Figures,
) -> None:
    """Nothing is lost or doubled, and people can still read what they are told."""
    number, over_s = scale.of(10_000, 300), scale.of(60.0, 0.0)
    plant = await flooded_plant(opened, ASSETS)
    events = [
        event_of(each, plant.assets[each % ASSETS], critical=each % 20 == 0 or each < ASSETS)
        for each in range(number)
    ]
    async with MailServer().running() as mail:
        served = Served.at(serving(fresh_database), tmp_path, **mail_settings(mail.port))
        await served.start()
        try:
            client = await signed_in(served.base, plant.sender)
            before_mb = resident_mb(served.pid)
            begun = asyncio.get_running_loop().time()
            taken = await send_all(client, events, over_s)
            took_s = asyncio.get_running_loop().time() - begun
            orders = await all_ordered(opened, plant.tenant_id)
            after_mb = resident_mb(served.pid)
            again = await client.post("/api/blackbox/events/batch", json={"events": events[:50]})
            bell = (await client.get("/health/live")).status_code
            await client.aclose()
        finally:
            await served.end()
    assert again.status_code == 200, again.text
    assert bell == 200
    stored = await stored_sources(opened, plant.tenant_id)
    figures.load = f"{taken:,} events in {took_s:.0f} s, {ASSETS} assets"
    figures.lost = number - len(stored)
    figures.duplicated = sum(stored.values()) - len(stored)
    assert (taken, figures.lost, figures.duplicated) == (number, 0, 0)
    told = await told_to(opened, plant, plant.on_call)
    await check_incidents(opened, plant, events, orders)
    check_told(told, orders)
    assert len(mail.letters) <= FLOOD_LIMIT
    await check_letters_held(opened, plant)
    if scale.full:
        assert took_s <= 90, f"10,000 events took {took_s:.0f} s"
    digest = next(row for row in told if row.notification_type == DIGEST)
    figures.notes += [
        f"{orders} incidents and orders; 10 notifications and a digest: {digest.title!r}",
        f"{len(mail.letters)} e-mails; memory {before_mb:.0f} to {after_mb:.0f} MB",
    ]
    assert after_mb - before_mb < 300


def mail_settings(port: int) -> dict[str, str]:
    return {
        "OPTRIA_SMTP_HOST": "127.0.0.1",
        "OPTRIA_SMTP_PORT": str(port),
        "OPTRIA_SMTP_TLS": "none",
        "OPTRIA_SMTP_FROM": "optria@plant.example",
    }


async def all_ordered(database: Database, tenant_id: int) -> int:
    """Wait until every incident has its order; how many there are."""
    async with asyncio.timeout(LONGEST_WAIT_S):
        while True:
            async with database.transaction(tenant_id) as tx:
                incidents = await tx.session.scalar(select(func.count()).select_from(IncidentRow))
                orders = await tx.session.scalar(select(func.count()).select_from(WorkOrderRow))
            if incidents and incidents == orders:
                return incidents
            await asyncio.sleep(0.2)


async def stored_sources(database: Database, tenant_id: int) -> Counter[str | None]:
    """How often each event that was sent is stored."""
    async with database.transaction(tenant_id) as tx:
        sent = select(EventRow.source_id).where(EventRow.source_system == "DCS")
        return Counter((await tx.session.scalars(sent)).all())


async def told_to(database: Database, plant: Flooded, user_id: int) -> Sequence[NotificationRow]:
    async with database.transaction(plant.tenant_id) as tx:
        mine = select(NotificationRow).where(NotificationRow.user_id == user_id)
        return (await tx.session.scalars(mine.order_by(NotificationRow.created_at))).all()


async def check_incidents(
    database: Database, plant: Flooded, events: Sequence[dict[str, object]], orders: int
) -> None:
    """One open incident per asset and mode, which counts every CRITICAL event."""
    async with database.transaction(plant.tenant_id) as tx:
        incidents = (await tx.session.scalars(select(IncidentRow))).all()
        assigned = (await tx.session.scalars(select(WorkOrderRow.assigned_to))).all()
        heads = await tx.session.scalar(
            select(func.count()).select_from(EventRow).where(EventRow.folded_into.is_(None))
        )
    assert len({incident.dedup_key for incident in incidents}) == len(incidents) == orders
    critical = sum(event["severity"] == "CRITICAL" for event in events)
    assert sum(incident.occurrences for incident in incidents) == critical
    assert set(assigned) == {plant.on_call}
    assert heads is not None
    assert heads < len(events) or len(events) < 1_000


def check_told(told: Sequence[NotificationRow], orders: int) -> None:
    """The first ten one by one, the rest by a digest for each ten minutes; none is missing."""
    alarms = [row for row in told if row.notification_type != DIGEST]
    digests = [row for row in told if row.notification_type == DIGEST]
    alone = [row for row in alarms if row.folded_into is None]
    assert len(alarms) == orders
    assert alone == alarms[: len(alone)]
    assert len(alone) == min(orders, FLOOD_LIMIT)
    assert len(digests) == 1
    payload = digests[0].payload or {}
    assert payload["count"] == orders - FLOOD_LIMIT
    assert (digests[0].title or "").startswith(f"{orders - FLOOD_LIMIT} more alarm")


async def check_letters_held(database: Database, plant: Flooded) -> None:
    """What was not sent one by one waits for the digest at the end of the ten minutes."""
    async with database.transaction(plant.tenant_id) as tx:
        rows = (await tx.session.scalars(select(Delivery).where(Delivery.user_id == plant.on_call))).all()
    first = [row for row in rows if row.delivered_at is not None]
    waiting = [row for row in rows if row.next_attempt_at is not None]
    assert len(first) <= FLOOD_LIMIT
    for row in waiting:
        assert row.next_attempt_at is not None
        assert row.next_attempt_at <= clock.now() + FLOOD_WINDOW


async def test_chatter_of_a_signal(opened: Database, scale: Scale, figures: Figures) -> None:
    """A value that swings about its limit: one incident, which counts; three rows in ten minutes are read."""
    swings = scale.of(1_000, 100)
    plant = await flooded_plant(opened, 1)
    async with opened.transaction(plant.tenant_id) as tx:
        asset = await tx.session.get_one(AssetRow, plant.assets[0])
        source = await factories.integration(tx, plant.tenant_id)
        mapping = await factories.mapping(tx, source, asset)
        await factories.threshold(tx, plant.tenant_id, asset_id=asset.id, asset_type=None)
        model = await load_plant(tx, plant.tenant_id)
    recorder = Recorder(opened, lambda _: model, FakeSensors(), FakeWatch())
    stream = Pipeline(
        model,
        Settings(),
        on_anchor=lambda anchor: recorder.anchor(plant.tenant_id, anchor),
        on_event=lambda event: recorder.event(plant.tenant_id, event),
        on_cleared=lambda asset_id: None,
    )
    swing = [8.5] * PERSISTENCE + [5.0] * CALM
    short = [7.3, 7.0] * 200  # excursions too short to count, within the dead band on their way back
    values = np.array(swing * swings + short)
    end = clock.now()
    step_us = 250_000
    times = to_micros(end) - step_us * np.arange(len(values) - 1, -1, -1, dtype=np.int64)
    tags = np.full(len(values), mapping.id, np.int32)
    for at in range(0, len(values), 500):
        part = slice(at, at + 500)
        good = np.zeros(len(values[part]), np.uint8)
        stream.ingest(SampleBatch(tags[part], times[part], values[part], good))
        await recorder.drain()
    await recorder.do_due()
    async with opened.transaction(plant.tenant_id) as tx:
        [incident] = (await tx.session.scalars(select(IncidentRow))).all()
        [_order] = (await tx.session.scalars(select(WorkOrderRow))).all()
        events = (
            await tx.session.scalars(select(EventRow).where(EventRow.payload["state"].astext == "crossed"))
        ).all()
        linked = await tx.session.scalar(select(func.count()).select_from(IncidentEvent))
        times_each = await times_said(tx, events)
    read = [row for row in events if row.folded_into is None]
    figures.load = f"{swings:,} crossings of a limit, {len(short) // 2} short ones"
    figures.lost, figures.duplicated = swings - len(events), 0
    figures.notes.append(f"one incident, counted {incident.occurrences:,}; {len(read)} events to read")
    anchors = recorder.inbox.counts["anchors"] - recorder.inbox.counts["anchors_merged"]
    assert incident.occurrences == swings + anchors
    assert len(events) == swings
    assert sum(times_each.get(row.id, 1) for row in read) == swings
    ten_minutes = 1 + int((times[-1] - times[0]) / 1e6 / 600)
    assert len(read) <= 3 * (ten_minutes + 1)
    assert linked == len(read) + anchors
    assert stream.limits.chatter[mapping.id] >= 190
    assert not recorder.inbox.counts["events_shed"]


async def test_chatter_that_ends_and_comes_back(opened: Database, figures: Figures) -> None:
    """An episode that ended by itself a moment ago goes on; one that somebody resolved is over."""
    plant = await flooded_plant(opened, 1)
    async with opened.transaction(plant.tenant_id) as tx:
        model = await load_plant(tx, plant.tenant_id)
    recorder = Recorder(opened, lambda _: model, FakeSensors(), FakeWatch())
    for number in range(20):
        recorder.event(plant.tenant_id, alarm(plant.assets[0], number))
        await recorder.drain()
        async with opened.transaction(plant.tenant_id) as tx:
            [incident] = (await tx.session.scalars(select(IncidentRow))).all()
            assert incident.occurrences == number + 1
            incidents.end_episode(incident, clock.now())
    async with opened.transaction(plant.tenant_id) as tx:
        incident = (await tx.session.scalars(select(IncidentRow))).one()
        await incidents.set_status(tx, incident, "RESOLVED", plant.on_call)
    recorder.event(plant.tenant_id, alarm(plant.assets[0], 99))
    await recorder.drain()
    async with opened.transaction(plant.tenant_id) as tx:
        assert await tx.session.scalar(select(func.count()).select_from(IncidentRow)) == 2
    figures.load = "an alarm that ended and came back 20 times"
    figures.lost = figures.duplicated = 0


def alarm(asset_id: int, number: int) -> Event:
    return Event(
        clock.now(), Severity.CRITICAL, "ALERT", "Level high", asset_id, "DCS", "ALARM", f"again-{number}"
    )
