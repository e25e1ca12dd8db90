"""The answers have at least the keys of version 1, with values of the same kinds."""

import json
from pathlib import Path
from typing import Final

import pytest

from optria.core.roles import Role
from tests import factories
from tests.web.house import House, fits

SHAPES: Final = json.loads((Path(__file__).parent / "v1_shapes.json").read_text("utf-8"))
ELSEWHERE: Final = ("POST /api/auth/login", "GET /api/integrations/1/available-tags")
BODIES: Final[dict[str, object]] = {
    "POST /api/blackbox/events": {
        "source_system": "SCADA",
        "source_type": "ALARM",
        "event_time": "2026-11-22T10:00:00Z",
        "event_category": "ALERT",
    },
}


@pytest.fixture
async def furnished(house: House) -> House:
    own = house.own
    async with house.database.transaction(own.tenant.id) as tx:
        await factories.score(tx, own.asset)
        await factories.event(tx, own.asset)
        await factories.incident(tx, own.asset)
        await factories.layout(tx, own.site)
        await factories.notification(tx, own.users[Role.TENANT_ADMIN])
    own.stream.put(house.sample())
    return house


@pytest.mark.parametrize("route", [name for name in SHAPES if name not in ELSEWHERE])
async def test_an_answer_fits_version_1(furnished: House, route: str) -> None:
    method, path = route.split(" ")
    own = furnished.own
    path = path.replace("/assets/1", f"/assets/{own.asset.id}")
    path = path.replace("/integrations/1", f"/integrations/{own.integration.id}")
    body = BODIES.get(route)
    if route == "POST /api/notifications":
        body = {
            "user_id": own.users[Role.ENGINEER].id,
            "notification_type": "SYSTEM_MESSAGE",
            "title": "Hello",
        }
    async with furnished.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    assert fits(SHAPES[route], answer.json()) == []


async def test_signing_in_fits_version_1(furnished: House) -> None:
    user = furnished.user(Role.ENGINEER)
    async with furnished.client() as browser:
        asked = {"email": user.email, "password": factories.PASSWORD}
        answer = await browser.post("/api/auth/login", json=asked)
    assert fits(SHAPES["POST /api/auth/login"], answer.json()) == []


def test_a_missing_key_and_a_wrong_kind_are_found() -> None:
    shape = {"id": "int", "assets": [{"name": "str"}]}
    assert fits(shape, {"id": "1", "assets": [{}]}) == [".id is str, not int", ".assets[].name is missing"]
