"""At the hand-over of the rota who leaves and who comes are told what happened, if they asked for it."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.delivery import NotificationPreferenceRow
from optria.db.rota import OnCallMember, OnCallRotation
from optria.db.session import Database
from optria.db.work import NotificationRow
from optria.work.handovers import tell_due
from optria.work.preferences import fresh_row
from tests import factories

HANDOVER = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
"""02:30 in Berlin on the day that has no 02:30."""


async def told(database: Database, wanting: tuple[int, ...], at: datetime) -> list[tuple[int, str, str]]:
    """Who is told what at ``at``: three people in turn, those at the places ``wanting`` want it."""
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
        people = [(await factories.user(tx, tenant_id, Role.ENGINEER)).id for _ in range(3)]
    async with database.transaction(tenant_id) as tx:
        site = await factories.site(tx, tenant_id, name="Yanbu", time_zone="Europe/Berlin")
        rotation = OnCallRotation(
            tenant_id=tenant_id,
            name="Mechanics",
            time_zone="Europe/Berlin",
            starts_on=date(2026, 3, 27),
            handover_at=time(2, 30),
            shift_days=1,
        )
        tx.session.add(rotation)
        await tx.session.flush()
        for position, user_id in enumerate(people):
            member = OnCallMember(rotation_id=rotation.id, position=position, user_id=user_id)
            member.tenant_id = tenant_id
            tx.session.add(member)
        for place in wanting:
            row: NotificationPreferenceRow = fresh_row(tenant_id, people[place])
            row.handover_digest = True
            tx.session.add(row)
        pump = await factories.asset(tx, site)
        for hours, severity in ((1, "CRITICAL"), (2, "MAJOR"), (30, "MAJOR")):
            start = HANDOVER - timedelta(hours=hours)
            await factories.incident(tx, pump, start_time=start, severity=severity)
    for _ in range(2):
        await tell_due(database, at)
    async with database.transaction(tenant_id) as tx:
        rows = (await tx.session.scalars(select(NotificationRow).order_by(NotificationRow.user_id))).all()
        return [(people.index(row.user_id), row.title, row.body or "") for row in rows]


async def test_who_leaves_and_who_comes_are_told_once(database: Database) -> None:
    found = await told(database, (0, 1, 2), HANDOVER + timedelta(minutes=1))
    assert [place for place, _, _ in found] == [1, 2]
    for _, title, body in found:
        assert title == "Hand-over at Yanbu: 2 opened, 3 still open"
        assert "2 incidents opened (1 critical), 3 are open now" in body
        assert "Since 2026-03-28 01:30 UTC" in body


async def test_only_those_who_want_it(database: Database) -> None:
    assert [place for place, _, _ in await told(database, (1,), HANDOVER + timedelta(minutes=1))] == [1]


@pytest.mark.parametrize("minutes", [-1, 150])
async def test_not_before_the_hand_over_and_not_when_it_is_no_news(database: Database, minutes: int) -> None:
    assert await told(database, (1, 2), HANDOVER + timedelta(minutes=minutes)) == []
