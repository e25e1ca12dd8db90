"""How a person wants to be told, over HTTP; and by which ways a tenant's people are."""

from datetime import time
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from optria.core.event import Severity
from optria.core.roles import Role
from optria.db.delivery import Delivery
from optria.db.identity import Tenant, User
from optria.work.delivery_channels import CHANNELS
from optria.work.delivery_planning import Preferences
from optria.work.notifications import Notice, notify
from optria.work.preferences import of_person
from tests.web.house import House
from tests.web.settings import change_events, deeds
from tests.work.letters import channel

PATH = "/api/notifications/preferences"
NIGHT = {"start": "22:00", "end": "06:00", "weekdays": [7, 1, 1]}


async def ask(
    house: House, method: str, body: object = None, who: Role | User = Role.ENGINEER, path: str = PATH
) -> httpx.Response:
    async with house.client(who) as browser:
        return await browser.request(method, path, json=body)


async def chosen(house: House, body: object, who: Role = Role.ENGINEER) -> dict[str, Any]:
    answer = await ask(house, "PUT", body, who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def wanted(house: House, role: Role) -> Preferences:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return (await of_person(tx, house.own.tenant.id, house.user(role).id))[0]


@pytest.mark.parametrize("role", list(Role))
async def test_who_has_chosen_nothing_is_told_everything_at_once(house: House, role: Role) -> None:
    answer = (await ask(house, "GET", who=role)).json()
    assert answer["user_id"] == house.user(role).id
    assert answer["quiet_hours"] is None
    assert (answer["digest_minutes"], answer["critical_breaks_through"]) == (0, True)
    assert answer["channels"]["email"]["is_on"] is True
    assert "OPTRIA_SMTP_HOST" in answer["channels"]["email"]["note"]
    assert "no sender" in answer["channels"]["sms"]["note"]


async def test_what_is_chosen_is_what_the_sender_goes_by(house: House) -> None:
    body = {
        "channels": {"email": {"is_on": True, "min_severity": "MAJOR"}},
        "quiet_hours": NIGHT,
        "time_zone": "Asia/Riyadh",
        "critical_breaks_through": False,
        "digest_minutes": 15,
    }
    answer = await chosen(house, body)
    assert answer["quiet_hours"] == {"start": "22:00", "end": "06:00", "weekdays": [1, 7]}
    assert (await ask(house, "GET")).json() == answer
    found = await wanted(house, Role.ENGINEER)
    assert found.quiet is not None
    assert (found.quiet.start, found.quiet.end) == (time(22), time(6))
    assert found.quiet.weekdays == frozenset({1, 7})
    assert str(found.quiet.zone) == "Asia/Riyadh"
    assert found.channels["email"].min_severity is Severity.MAJOR
    assert (found.critical_breaks_through, found.digest_minutes) == (False, 15)


async def test_only_what_is_sent_changes(house: House) -> None:
    await chosen(house, {"quiet_hours": NIGHT, "digest_minutes": 15})
    await chosen(house, {"channels": {"sms": {"is_on": False}}})
    answer = await chosen(house, {"channels": {"email": {"min_severity": "MINOR"}}})
    assert answer["quiet_hours"]["start"] == "22:00"
    assert answer["digest_minutes"] == 15
    assert answer["channels"]["sms"]["is_on"] is False
    assert (await chosen(house, {"quiet_hours": None}))["quiet_hours"] is None


async def test_preferences_are_ones_own(house: House) -> None:
    await chosen(house, {"digest_minutes": 30})
    assert (await ask(house, "GET", who=Role.TENANT_ADMIN)).json()["digest_minutes"] == 0
    assert (await ask(house, "GET", who=house.other.users[Role.ENGINEER])).json()["digest_minutes"] == 0


async def test_a_choice_is_audited(house: House) -> None:
    await chosen(house, {"digest_minutes": 30})
    assert await deeds(house) == ["notification_preferences_changed"]
    assert await change_events(house) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"digest_minutes": -1},
        {"digest_minutes": 1441},
        {"digest_minutes": None},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": None},
        {"quiet_hours": {"start": "22:00"}},
        {"quiet_hours": {"start": "25:00", "end": "06:00"}},
        {"quiet_hours": {"start": "22:00+03:00", "end": "06:00"}},
        {"quiet_hours": NIGHT | {"weekdays": [0]}},
        {"quiet_hours": NIGHT | {"weekdays": []}},
        {"channels": {"pigeon": {}}},
        {"channels": {"email": {"min_severity": "GRAVE"}}},
        {"channels": None},
        {"user_id": 1},
    ],
)
async def test_what_is_no_preference_is_refused(house: House, wrong: dict[str, object]) -> None:
    assert (await ask(house, "PUT", wrong)).status_code == 422


async def test_a_platform_owner_is_sent_nothing(house: House) -> None:
    path = f"{PATH}?tenant_id={house.own.tenant.id}"
    assert (await ask(house, "PUT", {}, Role.PLATFORM_OWNER, path)).status_code == 422


async def tell(house: House) -> None:
    told = Notice("fact", "TEST", "Told", "", "", "", "MAJOR", "", "", "")
    async with house.database.transaction(house.own.tenant.id) as tx:
        await notify(tx, house.own.tenant.id, [house.user(Role.ENGINEER).id], told)


async def test_what_leaves_the_product_and_fails_is_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHANNELS, "email", channel(1))
    await tell(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = (await tx.session.execute(select(Delivery))).scalar_one()
        row.status, row.last_error, row.next_attempt_at = "dead", "550 no such person", None
    path = "/api/notifications/deliveries"
    shown = (await ask(house, "GET", who=Role.TENANT_ADMIN, path=path)).json()
    assert shown["queue"]["email"]["dead"] == 1
    assert shown["queue"]["webhook"] == dict.fromkeys(shown["queue"]["webhook"], 0)
    (failure,) = shown["failures"]
    assert (failure["id"], failure["user_id"]) == (str(row.id), house.user(Role.ENGINEER).id)
    assert failure["last_error"] == "550 no such person"
    other = (await ask(house, "GET", who=house.other.users[Role.TENANT_ADMIN], path=path)).json()
    assert other["queue"]["email"]["dead"] == 0
    assert other["failures"] == []
    assert (await ask(house, "GET", who=Role.ENGINEER, path=path)).status_code == 403


async def test_a_tenant_that_has_not_chosen_has_every_channel(house: House) -> None:
    path = "/api/notifications/channels"
    answer = await ask(house, "GET", None, Role.TENANT_ADMIN, path)
    assert answer.json() == {"channels": None, "notes": []}


async def test_a_tenant_chooses_its_channels(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHANNELS, "email", channel(1))
    path = "/api/notifications/channels"
    answer = await ask(house, "PUT", {"channels": ["sms"]}, Role.TENANT_ADMIN, path)
    assert answer.json()["channels"] == ["sms"]
    assert "no sender" in answer.json()["notes"][0]
    assert (await ask(house, "GET", None, Role.TENANT_ADMIN, path)).json() == answer.json()
    assert (await ask(house, "GET", None, Role.ENGINEER, path)).status_code == 403
    await tell(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert (await tx.session.execute(select(Delivery))).first() is None
    await ask(house, "PUT", {"channels": None}, Role.TENANT_ADMIN, path)
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert (await tx.session.get_one(Tenant, house.own.tenant.id)).settings == {}
    assert (await ask(house, "PUT", {"channels": ["pigeon"]}, Role.TENANT_ADMIN, path)).status_code == 422
    assert [event.payload["new"] for event in await change_events(house) if event.payload] == [
        {"channels": ["sms"]},
        {"channels": None},
    ]
