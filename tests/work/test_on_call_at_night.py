"""The nights on which the clocks are changed: an incident's order and notification reach the right person."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.rota import OnCallMember, OnCallRotation
from optria.db.session import Database, Tx
from optria.db.work import NotificationRow, WorkOrderRow
from tests import factories
from tests.fakes.programs import library
from tests.faults.figures import Figures

ROOT = Path(__file__).parents[2]
FAKETIME = library("libfaketime.so.1")


@dataclass(frozen=True)
class Night:
    """Two people in turn, a day each: FIRST, SECOND, and FIRST again from the handover of the third day on.

    ``moments`` in UTC, with who is on call then; worked out by hand from the zone's law.
    """

    zone: str
    starts_on: date
    handover_at: time
    moments: tuple[tuple[str, int], ...]


FIRST, SECOND = 0, 1
NIGHTS = (
    # 02:00 CET becomes 03:00 CEST: 02:30 does not exist and is read as 02:30 CET, 01:30 UTC
    Night(
        "Europe/Berlin",
        date(2026, 3, 27),
        time(2, 30),
        (
            ("2026-03-29 00:59:00", SECOND),
            ("2026-03-29 01:01:00", SECOND),
            ("2026-03-29 01:29:00", SECOND),
            ("2026-03-29 01:31:00", FIRST),
        ),
    ),
    # 03:00 CEST becomes 02:00 CET: 02:30 comes twice, the first one counts, 00:30 UTC
    Night(
        "Europe/Berlin",
        date(2026, 10, 23),
        time(2, 30),
        (
            ("2026-10-25 00:29:00", SECOND),
            ("2026-10-25 00:31:00", FIRST),
            ("2026-10-25 01:29:00", FIRST),
        ),
    ),
    # no summer time: 02:30 is 23:30 UTC of the day before
    Night(
        "Asia/Riyadh",
        date(2026, 3, 27),
        time(2, 30),
        (("2026-03-28 23:29:00", SECOND), ("2026-03-28 23:31:00", FIRST)),
    ),
    # 02:00 EST becomes 03:00 EDT: 02:30 is read as EST, 07:30 UTC
    Night(
        "America/New_York",
        date(2026, 3, 6),
        time(2, 30),
        (("2026-03-08 07:29:00", SECOND), ("2026-03-08 07:31:00", FIRST)),
    ),
    # 02:00 EDT becomes 01:00 EST: 01:30 comes twice, the first one counts, 05:30 UTC
    Night(
        "America/New_York",
        date(2026, 10, 30),
        time(1, 30),
        (
            ("2026-11-01 05:29:00", SECOND),
            ("2026-11-01 05:31:00", FIRST),
            ("2026-11-01 06:29:00", FIRST),
        ),
    ),
    # half an hour: 02:00 +11 becomes 01:30 +10:30, 01:45 comes twice, first at 14:45 UTC
    Night(
        "Australia/Lord_Howe",
        date(2026, 4, 3),
        time(1, 45),
        (
            ("2026-04-04 14:44:00", SECOND),
            ("2026-04-04 14:46:00", FIRST),
            ("2026-04-04 15:14:00", FIRST),
        ),
    ),
    # 02:00 +10:30 becomes 02:30 +11: 02:15 is read as +10:30, 15:45 UTC
    Night(
        "Australia/Lord_Howe",
        date(2026, 10, 2),
        time(2, 15),
        (
            ("2026-10-03 15:29:00", SECOND),
            ("2026-10-03 15:44:00", SECOND),
            ("2026-10-03 15:46:00", FIRST),
        ),
    ),
)


@pytest.mark.skipif(FAKETIME is None, reason="no libfaketime: scripts/servers.sh has one")
async def test_the_person_on_call_is_told_on_both_nights(
    fresh_database: str, serving: Callable[[str], str], tmp_path: Path, figures: Figures
) -> None:
    url = serving(fresh_database)
    database = Database(url)
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
        people = [(await factories.user(tx, tenant_id, Role.ENGINEER)).id for _ in range(2)]
    expected: dict[int, int] = {}
    asked: list[str] = []
    async with database.transaction(tenant_id) as tx:
        for night in NIGHTS:
            for asset_id, moment, who in await _site_of(tx, tenant_id, people, night):
                expected[asset_id] = people[who]
                asked.append(f"{asset_id}={moment}")
    await _turn_the_clock(url, tenant_id, tmp_path / "dial", asked)
    async with database.transaction(tenant_id) as tx:
        orders = (await tx.session.scalars(select(WorkOrderRow))).all()
        told = (await tx.session.scalars(select(NotificationRow))).all()
    await database.dispose()
    assert {order.asset_id: order.assigned_to for order in orders} == expected
    of_order = {str(order.id): order.asset_id for order in orders}
    told_of = {of_order[row.entity_id or ""]: row.user_id for row in told if row.entity_type == "work_order"}
    assert told_of == expected
    figures.load = f"{len(asked)} incidents in {len(NIGHTS)} nights, 4 zones"
    figures.lost = figures.duplicated = 0


async def _site_of(tx: Tx, tenant_id: int, people: list[int], night: Night) -> list[tuple[int, str, int]]:
    """A site with its rotation, and an asset for each moment: its id, the moment, who is on call."""
    site = await factories.site(tx, tenant_id, time_zone=night.zone)
    rotation = OnCallRotation(
        tenant_id=tenant_id,
        name=night.zone,
        site_id=site.id,
        time_zone=night.zone,
        starts_on=night.starts_on,
        handover_at=night.handover_at,
        shift_days=1,
    )
    tx.session.add(rotation)
    await tx.session.flush()
    for position, user_id in enumerate(people):
        tx.session.add(
            OnCallMember(tenant_id=tenant_id, rotation_id=rotation.id, position=position, user_id=user_id)
        )
    return [((await factories.asset(tx, site)).id, moment, who) for moment, who in night.moments]


async def _turn_the_clock(url: str, tenant_id: int, dial: Path, asked: list[str]) -> None:
    await asyncio.to_thread(dial.write_text, "@2026-01-01 00:00:00\n", "ascii")
    environment = os.environ | {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(dial),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "TZ": "UTC",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.work.incidents_at", url, str(tenant_id), str(dial), *asked),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode()[-2000:]
