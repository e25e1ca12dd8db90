"""From a stored notification to the person's mailbox, with a real mail server."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from optria.core.roles import Role
from optria.db.delivery import Delivery, NotificationPreferenceRow
from optria.db.identity import Tenant, User
from optria.db.session import Database
from optria.db.work import NotificationRow
from optria.kit import clock
from optria.work import delivery_queue
from optria.work.delivery import look_again
from optria.work.delivery_channels import CHANNELS, KNOWN_CHANNELS, NotSent, missing
from optria.work.delivery_planning import MAX_TRIES
from optria.work.delivery_sender import Sender
from optria.work.floods import DIGEST
from optria.work.notifications import Notice, notify, unread_count
from optria.work.preferences import fresh_row
from tests import factories
from tests.fakes.mail_server import MailServer
from tests.work.hooks import sender_of
from tests.work.letters import channel


@dataclass
class Post:
    """One person, a mail server, and the sender between them."""

    database: Database
    tenant: Tenant
    user: User
    server: MailServer
    sender: Sender

    async def tell(self, number: int = 1, severity: str = "MAJOR", title: str = "Order") -> None:
        async with self.database.transaction(self.tenant.id) as tx:
            for each in range(number):
                await notify(tx, self.tenant.id, [self.user.id], notice(severity, f"{title} {each}"))

    async def rows(self) -> list[Delivery]:
        async with self.database.transaction(self.tenant.id) as tx:
            found = await tx.session.execute(select(Delivery).order_by(Delivery.id))
            return list(found.scalars())

    async def states(self) -> list[str]:
        return [row.status for row in await self.rows()]

    async def choose(self, **values: Any) -> None:
        async with self.database.transaction(self.tenant.id) as tx:
            row = fresh_row(self.tenant.id, self.user.id)
            for name, value in values.items():
                setattr(row, name, value)
            await tx.session.merge(row)

    async def later(self, minutes: int = 20) -> None:
        """As if that much time had gone by."""
        async with self.database.transaction(self.tenant.id) as tx:
            back = timedelta(minutes=minutes)
            await tx.session.execute(update(Delivery).values(next_attempt_at=Delivery.next_attempt_at - back))
            await tx.session.execute(update(Delivery).values(delivered_at=Delivery.delivered_at - back))

    async def retry(self) -> None:
        """Send whatever waits, as if its time had come."""
        async with self.database.transaction(self.tenant.id) as tx:
            waiting = update(Delivery).where(Delivery.next_attempt_at.is_not(None))
            await tx.session.execute(waiting.values(next_attempt_at=clock.now()))
        await self.sender.drain()


def notice(severity: str = "MAJOR", title: str = "Order") -> Notice:
    return Notice(
        key=f"fact:{title}:{severity}:{clock.now().timestamp()}",
        notification_type="WORK_ORDER_CREATED",
        title=title,
        title_ar="أمر عمل",
        body="Look at the pump.",
        body_ar="",
        severity=severity,
        entity_type="work_order",
        entity_id="1",
        action_url="/work-orders?id=1",
    )


@pytest.fixture
async def post(rolled_back: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Post]:
    async with rolled_back.platform("test") as tx:
        tenant = await factories.tenant(tx)
        user = await factories.user(tx, tenant.id)
    async with MailServer().running() as server:
        monkeypatch.setitem(CHANNELS, "email", channel(server.port))
        yield Post(rolled_back, tenant, user, server, sender_of(rolled_back))


def quiet_now(minutes_more: int = 60) -> dict[str, Any]:
    """Preferences of somebody for whom it is night."""
    now = clock.now()
    return {
        "quiet_start": (now - timedelta(hours=1)).time(),
        "quiet_end": (now + timedelta(minutes=minutes_more)).time(),
    }


@pytest.mark.clause("N4", "N5")
async def test_a_notification_reaches_the_mailbox_once(post: Post) -> None:
    await post.tell()
    assert await post.states() == ["pending"]
    await post.sender.drain()
    await post.sender.drain()
    (received,) = post.server.letters
    (row,) = await post.rows()
    assert received.recipients == [post.user.email]
    assert received.message["X-Optria-Delivery"] == str(row.key)
    assert (row.status, row.attempts, row.next_attempt_at, row.claim) == ("delivered", 1, None, None)
    assert row.delivered_at is not None


async def test_without_a_channel_nothing_is_queued(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(CHANNELS, "email")
    await post.tell()
    assert await post.rows() == []


@pytest.mark.parametrize(("chosen", "queued"), [(None, 1), (["email"], 1), (["sms"], 0), ([], 0)])
async def test_a_tenant_switches_channels_off(post: Post, chosen: list[str] | None, queued: int) -> None:
    async with post.database.transaction(post.tenant.id) as tx:
        tenant = await tx.session.get_one(Tenant, post.tenant.id)
        tenant.settings = {} if chosen is None else {"channels": chosen}
    await post.tell()
    assert len(await post.rows()) == queued


async def test_a_channel_without_a_sender_says_so() -> None:
    assert "no sender" in (missing("sms") or "")
    assert set(KNOWN_CHANNELS) >= {"email", "sms"}


async def test_a_failure_is_tried_five_times_and_then_dead_and_visible(post: Post) -> None:
    post.server.answers["RCPT"] = ["451 try later"] * 9
    await post.tell()
    waits = []
    for _ in range(MAX_TRIES):
        await post.retry()
        (row,) = await post.rows()
        if row.next_attempt_at is not None:
            waits.append((row.next_attempt_at - clock.now()).total_seconds())
    assert (row.status, row.attempts) == ("dead", 5)
    assert "451" in (row.last_error or "")
    assert len(waits) == 4
    assert all(later > 3 * sooner for sooner, later in pairwise(waits))
    await post.retry()
    assert post.server.letters == []
    async with post.database.transaction(post.tenant.id) as tx:
        assert (await delivery_queue.counts(tx))["email"] == {"dead": 1}
        assert [found.id for found in await delivery_queue.last_failures(tx, Delivery, 9)] == [row.id]


async def test_a_repeat_has_the_same_key(post: Post) -> None:
    post.server.answers["LETTER"] = ["451 try later"]
    await post.tell()
    await post.retry()
    await post.retry()
    first, second = post.server.letters
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert await post.states() == ["delivered"]


async def test_a_refusal_for_good_is_dead_at_once_and_others_go_on(post: Post) -> None:
    post.server.answers["RCPT"] = ["550 no such person"]
    await post.tell(2)
    await post.sender.drain()
    assert sorted(await post.states()) == ["dead", "delivered"]


async def test_a_claim_that_died_frees_the_row_and_may_not_settle_it_later(post: Post) -> None:
    await post.tell()
    (row,) = await post.rows()
    async with post.database.transaction(post.tenant.id) as tx:
        lost = delivery_queue.claim(await tx.session.get_one(Delivery, row.id))
    await post.sender.drain()
    assert await post.states() == ["sending"]
    await post.later(2)
    await post.sender.drain()
    assert await post.states() == ["delivered"]
    async with post.database.transaction(post.tenant.id) as tx:
        await delivery_queue.settle(tx, Delivery, lost, NotSent("too late"))
    assert await post.states() == ["delivered"]


async def test_a_sender_that_dies_every_time_ends_it(post: Post) -> None:
    await post.tell()
    (row,) = await post.rows()
    for _ in range(MAX_TRIES):
        async with post.database.transaction(post.tenant.id) as tx:
            delivery_queue.claim(await tx.session.get_one(Delivery, row.id))
    await post.later()
    await post.sender.drain()
    assert await post.states() == ["dead"]
    assert post.server.letters == []


async def test_quiet_hours_hold_back_and_their_end_brings_one_digest(post: Post) -> None:
    await post.choose(**quiet_now())
    await post.tell(3, "MINOR")
    assert await post.states() == ["held"] * 3
    await post.retry()
    assert post.server.letters == []
    await post.choose()
    await post.retry()
    (digest,) = post.server.letters
    assert "3 notifications" in str(digest.message["Subject"])
    assert all(f"Order {number}" in digest.part("plain") for number in range(3))
    assert "10 in 10 minutes" not in digest.part("plain")
    assert await post.states() == ["delivered", "digested", "digested"]


async def test_what_was_held_goes_when_quiet_hours_are_given_up(post: Post) -> None:
    await post.choose(**quiet_now(90))
    await post.tell(2, "MINOR")
    await post.choose()
    await post.sender.drain()
    assert post.server.letters == []
    async with post.database.transaction(post.tenant.id) as tx:
        await look_again(tx, post.tenant.id, post.user.id)
    await post.sender.drain()
    assert len(post.server.letters) == 1


async def test_critical_breaks_through_quiet_hours(post: Post) -> None:
    await post.choose(**quiet_now())
    await post.tell(1, "MINOR")
    await post.tell(1, "CRITICAL", "Fire")
    await post.sender.drain()
    (received,) = post.server.letters
    assert "Fire" in str(received.message["Subject"])
    assert await post.states() == ["held", "delivered"]


async def test_even_critical_waits_for_who_wants_it_so(post: Post) -> None:
    await post.choose(**quiet_now(), critical_breaks_through=False)
    await post.tell(1, "CRITICAL")
    await post.retry()
    assert post.server.letters == []


async def test_a_repeat_in_quiet_hours_waits_for_their_end(post: Post) -> None:
    post.server.answers["RCPT"] = ["451 try later"]
    await post.tell()
    await post.sender.drain()
    await post.choose(**quiet_now(90))
    await post.retry()
    (row,) = await post.rows()
    assert row.status == "pending"
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > clock.now() + timedelta(minutes=60)


async def test_a_digest_that_failed_is_repeated_whole(post: Post) -> None:
    post.server.answers["LETTER"] = ["451 try later"]
    await post.choose(digest_minutes=30)
    await post.tell(2)
    await post.retry()
    await post.tell(1, title="Later")
    await post.later(40)
    await post.sender.drain()
    first, second, third = post.server.letters
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert "2 notifications" in str(second.message["Subject"])
    assert "Later 0" in str(third.message["Subject"])


async def test_what_a_person_does_not_want_is_not_queued_or_dropped(post: Post) -> None:
    await post.choose(channels={"email": {"is_on": True, "min_severity": "MAJOR"}})
    await post.tell(1, "MINOR")
    assert await post.rows() == []
    await post.tell(1, "MAJOR")
    await post.choose(channels={"email": {"is_on": False}})
    await post.sender.drain()
    assert await post.states() == ["dropped"]
    assert post.server.letters == []


async def test_who_has_left_is_not_written_to(post: Post) -> None:
    await post.tell()
    async with post.database.transaction(post.tenant.id) as tx:
        (await tx.session.get_one(User, post.user.id)).is_active = False
    await post.sender.drain()
    assert await post.states() == ["dropped"]
    async with post.database.transaction(post.tenant.id) as tx:
        assert await delivery_queue.last_failures(tx, Delivery, 9) == []


async def test_a_flood_becomes_ten_letters_and_a_digest(post: Post) -> None:
    await post.tell(500)
    await post.sender.drain()
    assert len(post.server.letters) == 10
    await post.tell(100, "CRITICAL", "Fire")
    await post.sender.drain()
    assert len(post.server.letters) == 10
    await post.later()
    await post.sender.drain()
    assert len(post.server.letters) == 11
    digest = post.server.letters[-1]
    assert str(digest.message["Subject"]) == "[CRITICAL] 590 notifications of OPTRIA IQ"
    assert "590 of them because there were more than 10 in 10 minutes" in digest.part("plain")
    assert "540 more" in digest.part("plain")
    async with post.database.transaction(post.tenant.id) as tx:
        assert (await delivery_queue.counts(tx))["email"] == {"delivered": 11, "digested": 589}
        stored = (await tx.session.scalars(select(NotificationRow))).all()
        assert not any(row.is_read for row in stored)
        [told] = [row for row in stored if row.notification_type == DIGEST]
        assert len([row for row in stored if row.folded_into == told.id]) == 590
        assert told.title == "590 more alarms in the last 10 minutes, 100 critical"
        assert len(stored) == 601
        assert await unread_count(tx, post.user.id) == 11


async def test_a_flood_of_one_person_is_not_anothers(post: Post) -> None:
    async with post.database.platform("test") as tx:
        other = await factories.user(tx, post.tenant.id)
    await post.tell(30)
    async with post.database.transaction(post.tenant.id) as tx:
        await notify(tx, post.tenant.id, [other.id], notice())
    await post.sender.drain()
    assert [letter.recipients for letter in post.server.letters].count([other.email]) == 1


async def test_two_senders_share_the_rows(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes at once: each letter goes out once, and the limit of a flood holds for both together."""
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        people = [await factories.user(tx, tenant.id) for _ in range(3)]
    async with MailServer().running() as server:
        monkeypatch.setitem(CHANNELS, "email", channel(server.port))
        async with database.transaction(tenant.id) as tx:
            for number in range(12):
                await notify(tx, tenant.id, [one.id for one in people], notice(title=f"Order {number}"))
        await asyncio.gather(*(sender_of(database).drain() for _ in range(2)))
    keys = [received.message["Message-ID"] for received in server.letters]
    assert len(keys) == len(set(keys)) == 30


async def test_the_sender_works_until_it_is_stopped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx, settings={"channels": ["email", "sms"]})
        user = await factories.user(tx, tenant.id)
    arrived = asyncio.Event()
    async with MailServer(on_letter=arrived.set).running() as server:
        monkeypatch.setitem(CHANNELS, "email", channel(server.port))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(sender_of(database).run())
            async with database.transaction(tenant.id) as tx:
                await notify(tx, tenant.id, [user.id], notice())
            async with asyncio.timeout(30):
                await arrived.wait()
            running.cancel()
    assert [received.recipients for received in server.letters] == [[user.email]]


async def test_preferences_of_another_tenant_are_refused(post: Post) -> None:
    async with post.database.platform("test") as tx:
        stranger = await factories.user(tx, (await factories.tenant(tx)).id)
    with pytest.raises(IntegrityError, match="fk_notification_preferences"):
        async with post.database.transaction(post.tenant.id) as tx:
            tx.session.add(fresh_row(post.tenant.id, stranger.id))
    async with post.database.transaction(post.tenant.id) as tx:
        assert (await tx.session.execute(select(NotificationPreferenceRow))).first() is None


async def changed(post: Post, *, role: Role | None = None, **values: Any) -> None:
    """A change of the person, or of the tenant's ``status``."""
    async with post.database.platform("test") as tx:
        if "status" in values:
            await tx.session.execute(update(Tenant).where(Tenant.id == post.tenant.id).values(**values))
            return
        words = values if role is None else {"role": role.value}
        await tx.session.execute(update(User).where(User.id == post.user.id).values(**words))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"role": Role.VIEWER}, "role"),
        ({"is_active": False}, "account"),
        ({"status": "suspended"}, "tenant"),
        ({"status": "inactive"}, "tenant"),
    ],
)
async def test_nothing_goes_out_to_who_may_not_see_it_any_more(
    post: Post, change: dict[str, Any], why: str
) -> None:
    await post.tell(2)
    await changed(post, **change)
    await post.sender.drain()
    rows = await post.rows()
    assert [row.status for row in rows] == ["dropped", "dropped"]
    assert all(why in (row.last_error or "") for row in rows)
    assert post.server.letters == []


async def test_a_digest_tells_only_what_the_role_still_sees(post: Post) -> None:
    await post.choose(digest_minutes=10)
    async with post.database.transaction(post.tenant.id) as tx:
        await notify(tx, post.tenant.id, [post.user.id], replace(notice(), notification_type="SITE_NEWS"))
        await notify(tx, post.tenant.id, [post.user.id], notice(title="Secret order"))
        await notify(tx, post.tenant.id, [post.user.id], replace(notice(), notification_type="RCA_DONE"))
    await changed(post, role=Role.VIEWER)
    await post.later()
    await post.sender.drain()
    assert await post.states() == ["delivered", "dropped", "dropped"]
    (letter,) = post.server.letters
    assert "Secret order" not in str(letter.message)
