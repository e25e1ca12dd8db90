"""The live socket over a real server: what each person hears, and how a connection ends."""

import asyncio
import contextlib
import json
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from optria.core.messages import Message
from optria.core.roles import Role
from optria.core.tag import Quality
from optria.db.identity import User, UserSession
from optria.db.session import Database
from optria.web import sessions
from optria.web.connection import Timing
from optria.web.sessions import COOKIE
from optria.work.notifications import Notice, notify
from tests.web.house import House, build
from tests.web.sockets import FAST, Browser, opened, served


@pytest.fixture
async def house(database: Database) -> House:
    return await build(database, FAST)


async def _publish(house: House, *messages: Message) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        for message in messages:
            tx.publish(message)


async def _publish_and_fail(house: House, message: Message) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.publish(message)
        await tx.session.execute(text("SELECT 1 / 0"))


async def _frames_without_acknowledging(house: House, browser: Browser) -> list[int]:
    """Numbers of the frames that come before the server holds back, while values go on changing."""
    numbers: list[int] = []
    with contextlib.suppress(TimeoutError):
        while True:
            house.own.stream.put(house.sample(float(len(numbers))))
            async with asyncio.timeout(0.5):
                numbers.append(json.loads(await browser.socket.recv())[0]["n"])
    return numbers


def _opened_incident(house: House, number: int = 1) -> Message:
    titles = {"title": "Bearing Fault on P-1", "plain_title": "Anomaly on P-1"}
    data = {"number": f"INC-{number}", **titles, "severity": "MAJOR", "story": "what happened"}
    return Message(
        house.own.tenant.id, "incidents", "incident_opened", f"id-{number}", house.own.asset.id, None, data
    )


@pytest.mark.clause("C6", "D7")
async def test_values_reach_the_screen(house: House) -> None:
    tag, topic = str(house.own.vibration.id), f"v:site:{house.own.site.id}"
    house.own.stream.put(house.sample(2.5, age_s=1.0))
    async with served(house) as url, opened(house, url, Role.VIEWER) as browser:
        await browser.ask(op="sub", topic=topic)
        snapshot = await browser.next("snap", topic)
        house.own.stream.put(house.sample(7.25, quality=Quality.UNCERTAIN))
        while (delta := await browser.next("d", topic))["data"][tag][0] != 7.25:
            pass
    assert snapshot["data"][tag][0] == 2.5
    assert delta["data"][tag][2] == Quality.UNCERTAIN
    assert delta["seq"] > snapshot["seq"]


async def test_a_value_that_is_no_number_is_null(house: House) -> None:
    topic = f"v:asset:{house.own.asset.id}"
    house.own.stream.put(house.sample(float("nan"), quality=Quality.BAD))
    async with served(house) as url, opened(house, url, Role.ENGINEER) as browser:
        await browser.ask(op="sub", topic=topic)
        snapshot = await browser.next("snap", topic)
    value, _time, quality = snapshot["data"][str(house.own.vibration.id)]
    assert (value, quality) == (None, Quality.BAD)


@pytest.mark.clause("C6")
async def test_events_are_told_by_role(house: House) -> None:
    told = {}
    async with served(house) as url:
        for role in Role:
            async with opened(house, url, role) as browser:
                await browser.ask(op="sub", topic="e:incidents")
                await browser.next("snap", "e:incidents")
                await _publish(house, _opened_incident(house))
                told[role] = (await browser.next("d", "e:incidents"))["data"][0]
    assert told[Role.VIEWER]["entity_id"] == "id-1"
    assert told[Role.TENANT_ADMIN]["story"] == "what happened"
    assert told[Role.PLATFORM_OWNER]["story"] == "what happened"
    assert "story" not in told[Role.VIEWER]
    assert told[Role.VIEWER]["title"] == "Anomaly on P-1"
    assert told[Role.TENANT_ADMIN]["title"] == "Bearing Fault on P-1"
    assert set(told[Role.ENGINEER]) == {"seq", "kind", "tenant_id"}


async def test_nothing_is_told_before_the_commit(house: House) -> None:
    async with served(house) as url, opened(house, url, Role.TENANT_ADMIN) as browser:
        await browser.ask(op="sub", topic="e:incidents")
        await browser.next("snap", "e:incidents")
        with pytest.raises(DBAPIError):
            await _publish_and_fail(house, _opened_incident(house, 1))
        await _publish(house, _opened_incident(house, 2))
        event = (await browser.next("d", "e:incidents"))["data"][0]
    assert event["entity_id"] == "id-2"


@pytest.mark.clause("C7", "N3")
async def test_a_notification_reaches_its_reader_alone(house: House) -> None:
    engineer, admin = house.user(Role.ENGINEER), house.user(Role.TENANT_ADMIN)
    notice = Notice(
        "k", "WORK_ORDER_CREATED", "Yours", "", "", "", "MAJOR", "work_order", "1", "/work-orders/1"
    )
    async with (
        served(house) as url,
        opened(house, url, engineer) as reader,
        opened(house, url, admin) as colleague,
    ):
        for browser in (reader, colleague):
            await browser.ask(op="sub", topic="e:notify")
            await browser.next("snap", "e:notify")
        async with house.database.transaction(house.own.tenant.id) as tx:
            await notify(tx, house.own.tenant.id, [engineer.id], notice)
        told = (await reader.next("d", "e:notify"))["data"][0]
        await _publish(house, _opened_incident(house))
        assert await colleague.hears_nothing_of("v:site:0")
        assert not any(m.get("topic") == "e:notify" for m in colleague.waiting)
    assert told["unread_count"] == 1
    assert told["notification"]["title"] == "Yours"


async def test_another_tenant_hears_nothing(house: House) -> None:
    stranger = house.other.users[Role.TENANT_ADMIN]
    async with served(house) as url, opened(house, url, stranger) as browser:
        await browser.ask(op="sub", topic="e:incidents")
        await browser.next("snap", "e:incidents")
        await _publish(house, _opened_incident(house))
        assert await browser.hears_nothing_of(f"v:site:{house.own.site.id}")
        assert await browser.hears_nothing_of(f"v:asset:{house.own.asset.id}")
        assert not any(message["op"] == "d" for message in browser.waiting)


@pytest.mark.parametrize("topic", ["e:workorders", "e:rca", "e:secrets", "v:site:x", "v:tenant:1", ""])
async def test_a_viewer_hears_only_what_the_role_allows(house: House, topic: str) -> None:
    async with served(house) as url, opened(house, url, Role.VIEWER) as browser:
        assert await browser.hears_nothing_of(topic)


async def test_a_platform_owner_follows_any_site(house: House) -> None:
    async with served(house) as url, opened(house, url, Role.PLATFORM_OWNER) as browser:
        for household in (house.own, house.other):
            topic = f"v:site:{household.site.id}"
            await browser.ask(op="sub", topic=topic)
            assert (await browser.next("snap", topic))["data"] == {}


async def test_after_a_break_the_missed_events_come(house: House) -> None:
    async with served(house) as url:
        async with opened(house, url, Role.TENANT_ADMIN) as browser:
            await browser.ask(op="sub", topic="e:incidents")
            start = await browser.next("snap", "e:incidents")
        await _publish(house, *(_opened_incident(house, number) for number in range(1, 4)))
        async with opened(house, url, Role.TENANT_ADMIN) as browser:
            await browser.ask(op="sub", topic="e:incidents", since=start["seq"], epoch=start["epoch"])
            missed = await browser.next("resume", "e:incidents")
            await browser.ask(op="sub", topic="e:incidents", since=1, epoch="another")
            await browser.next("snap", "e:incidents")
    assert [event["entity_id"] for event in missed["data"]] == ["id-1", "id-2", "id-3"]


async def test_a_client_that_stops_acknowledging_gets_two_frames_and_then_the_latest(house: House) -> None:
    topic, tag = f"v:site:{house.own.site.id}", str(house.own.vibration.id)
    async with served(house) as url, opened(house, url, Role.VIEWER) as browser:
        await browser.ask(op="sub", topic=topic)
        numbers = await _frames_without_acknowledging(house, browser)
        for value in (50.0, 60.0, 70.0):
            house.own.stream.put(house.sample(value))
            house.app.state.hub.tick()
        await browser.ask(op="ack", n=numbers[-1])
        latest = (await browser.next("d", topic))["data"][tag][0]
    assert numbers == [1, 2]
    assert latest == 70.0


async def test_without_news_there_is_a_heartbeat(database: Database) -> None:
    house = await build(database, Timing(heartbeat_s=0.05))
    async with served(house) as url, opened(house, url, Role.VIEWER) as browser:
        assert await browser.frame() == [{"op": "hb"}]
        assert await browser.frame() == [{"op": "hb"}]


async def test_a_stranger_is_told_to_sign_in(house: House) -> None:
    async with served(house) as url, connect(url, proxy=None) as socket:
        assert await Browser(socket).closing() == 4401


async def test_a_foreign_page_opens_no_socket(house: House) -> None:
    token = await house.token(house.user(Role.TENANT_ADMIN))
    headers = {"Cookie": f"{COOKIE}={token}"}
    async with served(house) as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=headers, origin="http://evil.test", proxy=None)  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


async def test_a_revoked_session_closes_its_socket(database: Database) -> None:
    house = await build(database, Timing(session_check_s=0.1))
    async with served(house) as url, opened(house, url, Role.ENGINEER) as browser:
        async with database.platform("test") as tx:
            await tx.session.execute(delete(UserSession))
        assert await browser.closing() == 4401


async def test_a_new_role_closes_the_socket(database: Database) -> None:
    house = await build(database, Timing(session_check_s=0.1))
    async with served(house) as url, opened(house, url, Role.TENANT_ADMIN) as browser:
        async with database.platform("test") as tx:
            user = await tx.session.get_one(User, house.user(Role.TENANT_ADMIN).id)
            user.role = Role.VIEWER.value
        assert await browser.closing() == 4401


async def test_one_connection_too_many_is_told_to_come_later(database: Database) -> None:
    house = await build(database, Timing(max_connections=1))
    async with served(house) as url, opened(house, url, Role.VIEWER) as first:
        await first.ask(op="sub", topic="e:incidents")
        await first.next("snap", "e:incidents")
        async with opened(house, url, Role.ENGINEER) as second:
            assert await second.closing() == 1013
    assert house.app.state.hub.stats()["connections_refused"] == 1


async def test_nobody_takes_all_the_connections(database: Database) -> None:
    house = await build(database, Timing(max_per_user=1))
    async with served(house) as url, opened(house, url, Role.VIEWER) as first:
        await first.ask(op="sub", topic="e:incidents")
        await first.next("snap", "e:incidents")
        async with opened(house, url, Role.VIEWER) as second, opened(house, url, Role.ENGINEER) as other:
            assert await second.closing() == 1013
            await other.ask(op="sub", topic="e:incidents")
            await other.next("snap", "e:incidents")


@pytest.mark.parametrize(
    "words",
    [
        "no json",
        "[]",
        "1",
        '{"op":"drop"}',
        '{"op":"sub"}',
        '{"op":"ack","n":"1"}',
        pytest.param("[" * 60_000, id="nested too deeply"),
    ],
)
async def test_nonsense_closes_the_socket(house: House, words: str) -> None:
    async with served(house) as url, opened(house, url, Role.VIEWER) as browser:
        await browser.socket.send(words)
        assert await browser.closing() == 1007


async def test_a_huge_frame_closes_the_socket(house: House) -> None:
    async with served(house) as url, opened(house, url, Role.VIEWER) as browser:
        await browser.socket.send("x" * 100_000)
        assert await browser.closing() == 1009


async def test_a_browser_that_leaves_is_forgotten(house: House) -> None:
    hub = house.app.state.hub
    async with served(house) as url, opened(house, url, Role.VIEWER) as browser:
        await browser.ask(op="sub", topic=f"v:site:{house.own.site.id}")
        await browser.next("snap", f"v:site:{house.own.site.id}")
        assert hub.stats()["connections"] == 1
    assert hub.stats()["connections"] == 0
    assert hub.stats()["topics"] == 0


async def test_the_server_stops_with_open_sockets(house: House) -> None:
    async with asyncio.timeout(15):
        async with served(house) as url:
            socket = await connect(
                url,
                additional_headers={"Cookie": f"{COOKIE}={await house.token(house.owner)}"},
                proxy=None,
            )
        assert await Browser(socket).closing() == 1012


def test_timing_is_that_of_the_protocol() -> None:
    timing = Timing()
    assert timedelta(seconds=timing.tick_s) == timedelta(milliseconds=500)
    assert (timing.heartbeat_s, timing.send_timeout_s, timing.session_check_s) == (5.0, 5.0, 60.0)


async def test_a_socket_closes_at_once_when_its_session_ends(house: House) -> None:
    """The check of the session (every 60 s here) is not waited for."""
    engineer = house.user(Role.ENGINEER)
    async with (
        served(house) as url,
        opened(house, url, engineer) as revoked,
        opened(house, url, Role.TENANT_ADMIN) as colleague,
    ):
        for browser in (revoked, colleague):
            await browser.ask(op="sub", topic="e:incidents")
            await browser.next("snap", "e:incidents")
        async with house.database.platform("test") as tx:
            assert await sessions.end_of_user(tx, engineer.id) == 1
        assert await revoked.closing() == 4401
        await _publish(house, Message(house.own.tenant.id, "incidents", "incident_opened", "id-1"))
        assert (await colleague.next("d", "e:incidents"))["data"][0]["entity_id"] == "id-1"


async def test_the_session_that_is_kept_keeps_its_socket(house: House) -> None:
    admin = house.user(Role.TENANT_ADMIN)
    kept = await house.token(admin)
    house.tokens.clear()
    async with served(house) as url, opened(house, url, admin) as other:
        await other.ask(op="sub", topic="e:incidents")
        await other.next("snap", "e:incidents")
        headers = {"Cookie": f"{COOKIE}={kept}"}
        async with connect(url, additional_headers=headers, compression=None, proxy=None) as socket:
            own = Browser(socket)
            await own.ask(op="sub", topic="e:incidents")
            await own.next("snap", "e:incidents")
            async with house.database.platform("test") as tx:
                found = await tx.session.scalar(
                    select(UserSession.id).where(UserSession.token_sha256 == sessions.digest(kept))
                )
                await sessions.end_of_user(tx, admin.id, keep=found)
            assert await other.closing() == 4401
            await _publish(house, Message(house.own.tenant.id, "incidents", "incident_opened", "id-1"))
            assert await own.next("d", "e:incidents")


async def test_a_suspended_tenants_sockets_close_and_the_owners_stay(house: House) -> None:
    tenant_id = house.own.tenant.id
    async with (
        served(house) as url,
        opened(house, url, Role.VIEWER) as viewer,
        opened(house, url, Role.PLATFORM_OWNER) as owner,
    ):
        for browser in (viewer, owner):
            await browser.ask(op="sub", topic="e:incidents")
            await browser.next("snap", "e:incidents")
        async with house.database.platform("test") as tx:
            assert await sessions.end_of_tenant(tx, tenant_id) == 1
        assert await viewer.closing() == 4401
        await _publish(house, Message(tenant_id, "incidents", "incident_opened", "id-1"))
        assert await owner.next("d", "e:incidents")


@pytest.mark.parametrize("deed", ["deactivate", "demote", "reset", "suspend"])
async def test_who_is_put_out_over_http_is_off_the_screens_at_once(house: House, deed: str) -> None:
    engineer = house.user(Role.ENGINEER)
    person, tenant = f"/api/tenant-users/{engineer.id}", f"/api/tenants/{house.own.tenant.id}"
    async with (
        served(house) as url,
        opened(house, url, engineer) as screen,
        house.client(Role.PLATFORM_OWNER) as owner,
    ):
        await screen.ask(op="sub", topic="e:incidents")
        await screen.next("snap", "e:incidents")
        match deed:
            case "deactivate":
                answer = await owner.delete(person)
            case "demote":
                answer = await owner.put(person, json={"role": "viewer"})
            case "reset":
                answer = await owner.post(f"{person}/reset-password", json={})
            case _:
                answer = await owner.put(tenant, json={"status": "suspended"})
        assert answer.status_code == 200
        assert await screen.closing() == 4401
