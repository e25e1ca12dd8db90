"""Finding things by a part of their name: one's own, and no more than one may see."""

from typing import Any

import pytest

from optria.core.roles import Role
from tests import factories
from tests.web.house import House


async def found(house: House, role: Role, q: str) -> dict[str, list[dict[str, Any]]]:
    async with house.client(role) as browser:
        answer = await browser.get("/api/search", params={"q": q})
    assert answer.status_code == 200
    return {group["kind"]: group["items"] for group in answer.json()["groups"]}


async def furnished(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        pump = await factories.asset(tx, house.own.site, code="ZZ-900", name="Flare pump")
        engineer = house.user(Role.ENGINEER)
        values: dict[str, Any] = {"root_cause_scores": {"Bearing Fault": 0.8}}
        await factories.incident(tx, pump, title="Bearing Fault on ZZ-900", incident_number="I-900", **values)
        await factories.order(tx, pump, title="Renew the bearing of ZZ-900", assigned_to=engineer.id)
        await factories.order(tx, pump, title="Grease ZZ-900")


async def test_every_kind_is_found(house: House) -> None:
    await furnished(house)
    seen = await found(house, Role.TENANT_ADMIN, "zz-9")
    assert [len(seen[kind]) for kind in ("assets", "incidents", "work_orders")] == [1, 1, 2]
    assert seen["assets"][0]["title"] == "Flare pump"
    assert seen["incidents"][0]["code"] == "I-900"
    tag = house.own.vibration.external_tag
    signals = (await found(house, Role.TENANT_ADMIN, tag))["signals"]
    assert signals[0]["url"] == f"/assets/{house.own.asset.id}"


async def test_a_viewer_finds_no_orders_and_no_causes(house: House) -> None:
    await furnished(house)
    seen = await found(house, Role.VIEWER, "ZZ-900")
    assert set(seen) == {"assets", "incidents"}
    assert "Bearing" not in seen["incidents"][0]["title"]
    assert await found(house, Role.VIEWER, "Bearing") == {}
    assert set(await found(house, Role.OPTIMIZATION_ENGINEER, "Bearing")) == {"incidents", "work_orders"}


async def test_an_engineer_finds_what_is_assigned_to_them(house: House) -> None:
    await furnished(house)
    seen = await found(house, Role.ENGINEER, "ZZ-900")
    assert [order["title"] for order in seen["work_orders"]] == ["Renew the bearing of ZZ-900"]
    assert "incidents" not in seen


async def test_nothing_of_another_tenant_is_found(house: House) -> None:
    async with house.database.transaction(house.other.tenant.id) as tx:
        await factories.asset(tx, house.other.site, code="QX-77", name="Theirs")
    assert await found(house, Role.TENANT_ADMIN, "QX-77") == {}
    assert set(await found(house, Role.PLATFORM_OWNER, "QX-77")) == {"assets"}


@pytest.mark.parametrize("wild", ["%", "_", "\\", "%_%", "' OR 1=1 --", "\x00", "  "])
async def test_signs_of_patterns_are_letters_like_others(house: House, wild: str) -> None:
    await furnished(house)
    assert (await found(house, Role.TENANT_ADMIN, wild)).get("assets") is None


async def test_at_most_six_of_a_kind_and_beginnings_first(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        for i in range(8):
            await factories.asset(tx, house.own.site, code=f"A-{i}-KX", name="Tank")
        await factories.asset(tx, house.own.site, code="KX-1", name="Tank")
    codes = [item["code"] for item in (await found(house, Role.TENANT_ADMIN, "kx"))["assets"]]
    assert len(codes) == 6
    assert codes[0] == "KX-1"


async def test_too_long_and_empty_are_refused(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        answers = [await browser.get("/api/search", params={"q": q}) for q in ("", "x" * 101)]
    assert [answer.status_code for answer in answers] == [422, 422]
