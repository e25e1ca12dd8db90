"""A person's notifications over HTTP."""

from typing import Any

import pytest

from optria.core.roles import Role
from tests import factories
from tests.web.house import House

PATH = "/api/notifications"


@pytest.fixture
async def told(house: House) -> House:
    """The engineer has three notifications, the admin one."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        for severity in ("MAJOR", "MINOR", "INFO"):
            await factories.notification(tx, house.user(Role.ENGINEER), severity=severity)
        await factories.notification(tx, house.user(Role.TENANT_ADMIN))
    return house


async def _get(house: House, path: str = PATH, role: Role = Role.ENGINEER) -> Any:
    async with house.client(role) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.clause("N1", "N3")
async def test_everybody_sees_their_own(told: House) -> None:
    mine = await _get(told)
    assert (mine["total"], mine["unread_count"]) == (3, 3)
    assert {row["user_id"] for row in mine["notifications"]} == {told.user(Role.ENGINEER).id}
    assert mine["notifications"][0]["type"] == mine["notifications"][0]["notification_type"]
    assert (await _get(told, role=Role.TENANT_ADMIN))["total"] == 1
    assert (await _get(told, role=Role.VIEWER))["total"] == 0


async def test_filters(told: House) -> None:
    assert (await _get(told, f"{PATH}?severity=minor"))["total"] == 1
    assert (await _get(told, f"{PATH}?is_read=true"))["total"] == 0
    assert (await _get(told, f"{PATH}?is_read=false&limit=2"))["total"] == 3
    assert (await _get(told, f"{PATH}?notification_type=OTHER"))["unread_count"] == 3


async def test_reading_one_lowers_the_badge_everywhere(told: House) -> None:
    first = (await _get(told))["notifications"][0]["id"]
    async with told.database.bus.subscribe() as heard, told.client(Role.ENGINEER) as browser:
        answer = await browser.put(f"{PATH}/{first}", json={"is_read": True})
        message = await heard.get()
        assert (await browser.get(f"{PATH}/unread-count")).json() == {"unread_count": 2}
        assert (await browser.put(f"{PATH}/{first}", json={"is_read": False})).json()["is_read"] is False
    assert answer.json()["is_read"] is True
    assert answer.json()["read_at"] is not None
    assert (message.topic, message.user_id, message.data["unread_count"]) == (
        "notify",
        told.user(Role.ENGINEER).id,
        2,
    )


async def test_all_at_once(told: House) -> None:
    async with told.client(Role.ENGINEER) as browser:
        assert (await browser.post(f"{PATH}/mark-all-read")).json() == {"marked_read": 3}
        assert (await browser.post(f"{PATH}/mark-all-read")).json() == {"marked_read": 0}
        assert (await browser.post(f"{PATH}/dismiss-all")).json() == {"dismissed": 3}
    assert (await _get(told))["total"] == 0
    assert (await _get(told, role=Role.TENANT_ADMIN))["unread_count"] == 1


async def test_some_at_once_and_never_anothers(told: House) -> None:
    ids = [row["id"] for row in (await _get(told))["notifications"]]
    async with told.client(Role.TENANT_ADMIN) as browser:
        asked = {"notification_ids": ids, "action": "dismiss"}
        assert (await browser.post(f"{PATH}/bulk-action", json=asked)).json() == {"updated": 0}
        assert (await browser.get(f"{PATH}/{ids[0]}")).status_code == 404
        assert (await browser.put(f"{PATH}/{ids[0]}", json={"is_read": True})).status_code == 404
    async with told.client(Role.ENGINEER) as browser:
        asked = {"notification_ids": ids[:2], "action": "read"}
        assert (await browser.post(f"{PATH}/bulk-action", json=asked)).json() == {"updated": 2}
        asked = {"notification_ids": ids, "action": "burn"}
        assert (await browser.post(f"{PATH}/bulk-action", json=asked)).status_code == 422


async def test_an_admin_writes_to_somebody_of_the_tenant(house: House) -> None:
    body = {"notification_type": "SYSTEM_MESSAGE", "title": "Hello", "action_url": "https://evil.test"}
    engineer, stranger = house.user(Role.ENGINEER), house.other.users[Role.ENGINEER]
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(PATH, json=body | {"user_id": engineer.id})
        refused = await browser.post(PATH, json=body | {"user_id": stranger.id})
    async with house.client(Role.ENGINEER) as browser:
        forbidden = await browser.post(PATH, json=body | {"user_id": engineer.id})
    assert (answer.status_code, refused.status_code, forbidden.status_code) == (200, 422, 403)
    assert answer.json()["action_url"] == "/digital-twin"
    assert (await _get(house))["unread_count"] == 1
