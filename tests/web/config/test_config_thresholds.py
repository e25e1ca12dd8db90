"""Limits over HTTP: proposed, approved, replaced, retired, turned down."""

import pytest

from optria.core.asset import PlantModel
from optria.db.configuration import load_plant
from optria.db.identity import Tenant
from optria.web.shapes import Json
from tests.web.house import House
from tests.web.settings import ask, change_events, deeds, done, items, refused, second_admin


def limit(house: House, **changes: object) -> Json:
    """A proposal for the own asset's vibration."""
    asked: Json = {
        "asset_id": house.own.asset.id,
        "metric": "vibration",
        "direction": "high",
        "limit_value": 6.3,
        "unit": "mm/s",
        "severity": "CRITICAL",
    }
    return asked | changes


async def plant(house: House) -> PlantModel:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await load_plant(tx, house.own.tenant.id)


async def watched(house: House, metric: str = "vibration") -> list[float]:
    """The limits that the stream compares the own asset's samples with."""
    model = await plant(house)
    asset = model.asset(house.own.asset.id)
    assert asset is not None
    return sorted(t.limit for t in model.thresholds_of(asset, metric))


@pytest.mark.clause("I8")
async def test_a_limit_is_watched_from_its_approval_on(house: House) -> None:
    proposed = await done(house, "POST", "thresholds", limit(house, reason="New coupling"))
    assert (proposed["status"], proposed["is_active"]) == ("proposed", False)
    assert await watched(house) == [7.1]
    approved = await done(house, "POST", f"thresholds/{proposed['id']}/approve")
    assert approved["status"] == "in_force"
    assert approved["approved_by"] == approved["proposed_by"]
    assert await watched(house) == [6.3]


@pytest.mark.clause("I8")
async def test_a_limit_that_watches_nothing_is_proposed_with_a_warning(house: House) -> None:
    seen = await done(house, "POST", "thresholds", limit(house))
    blind = await done(house, "POST", "thresholds", limit(house, metric="vibratoin"))
    of_type = await done(
        house, "POST", "thresholds", limit(house, asset_id=None, asset_type="Dryer", metric="level", unit="%")
    )
    asset = house.own.asset.code
    assert seen["warnings"] == []
    assert blind["warnings"] == [
        f"No tag measures vibratoin of {asset}: the limit watches nothing until one does. Is vibration meant?"
    ]
    assert of_type["warnings"] == [
        "No tag measures level of every Dryer: the limit watches nothing until one does."
    ]


@pytest.mark.clause("I8")
async def test_a_change_ends_what_it_replaces(house: House) -> None:
    first = await done(house, "POST", "thresholds", limit(house))
    await done(house, "POST", f"thresholds/{first['id']}/approve")
    change = limit(house, limit_value=5.5, replaces_id=first["id"])
    second = await done(house, "POST", "thresholds", change)
    assert await watched(house) == [6.3]
    await done(house, "POST", f"thresholds/{second['id']}/approve")
    assert await watched(house) == [5.5]
    before = await done(house, "GET", f"thresholds/{first['id']}")
    assert before["status"] == "ended"
    assert before["ended_at"]
    assert before["turned_down"] is False
    event = (await change_events(house))[-1]
    assert "instead of high 6.3 mm/s" in str(event.summary)
    assert event.asset_id == house.own.asset.id


async def test_of_two_proposals_to_replace_one_limit_the_second_comes_too_late(house: House) -> None:
    first = await done(house, "POST", "thresholds", limit(house))
    await done(house, "POST", f"thresholds/{first['id']}/approve")
    rivals = [
        await done(house, "POST", "thresholds", limit(house, limit_value=value, replaces_id=first["id"]))
        for value in (5.0, 6.0)
    ]
    await done(house, "POST", f"thresholds/{rivals[0]['id']}/approve")
    said = await refused(house, 409, "POST", f"thresholds/{rivals[1]['id']}/approve")
    assert "not in force" in said
    assert await watched(house) == [5.0]


async def test_a_proposal_that_is_turned_down_keeps_both_reasons(house: House) -> None:
    proposed = await done(house, "POST", "thresholds", limit(house, reason="Earlier alarm"))
    path = f"thresholds/{proposed['id']}"
    ended = await done(house, "POST", f"{path}/reject", {"reason": "Too many alarms"})
    assert ended["reason"] == "Earlier alarm\nTurned down: Too many alarms"
    assert (ended["status"], ended["turned_down"]) == ("ended", True)
    assert "waits" in await refused(house, 409, "POST", f"{path}/approve")
    assert "waits" in await refused(house, 409, "POST", f"{path}/reject", {"reason": "Again"})
    assert await watched(house) == [7.1]


async def test_a_proposal_changes_nothing_so_it_is_no_event_of_the_plant(house: House) -> None:
    proposed = await done(house, "POST", "thresholds", limit(house))
    await done(house, "POST", f"thresholds/{proposed['id']}/reject", {"reason": "No"})
    assert await change_events(house) == []
    assert await deeds(house) == ["threshold_proposed", "threshold_rejected"]


async def test_the_limits_of_the_type_hold_again_when_the_assets_own_is_retired(house: House) -> None:
    proposed = await done(house, "POST", "thresholds", limit(house))
    path = f"thresholds/{proposed['id']}"
    assert "not in force" in await refused(house, 409, "POST", f"{path}/retire")
    await done(house, "POST", f"{path}/approve")
    retired = await done(house, "POST", f"{path}/retire")
    assert retired["status"] == "ended"
    assert await watched(house) == [7.1]
    assert await deeds(house) == ["threshold_proposed", "threshold_approved", "threshold_retired"]


async def test_a_second_person_approves_where_the_tenant_wants_four_eyes(house: House) -> None:
    proposed = await done(house, "POST", "thresholds", limit(house))
    path = f"thresholds/{proposed['id']}/approve"
    async with house.database.transaction(house.own.tenant.id) as tx:
        tenant = await tx.session.get_one(Tenant, house.own.tenant.id)
        tenant.settings = {"language": "ar"}
    assert (await done(house, "GET", "approval"))["four_eyes"] is False
    await done(house, "PUT", "approval", {"four_eyes": True})
    async with house.database.transaction(house.own.tenant.id) as tx:
        tenant = await tx.session.get_one(Tenant, house.own.tenant.id)
        assert tenant.settings == {"language": "ar", "four_eyes": True}
    assert (await done(house, "GET", "approval"))["four_eyes"] is True
    assert "somebody else" in await refused(house, 403, "POST", path)
    assert await watched(house) == [7.1]
    answer = await ask(house, "POST", path, who=await second_admin(house))
    assert answer.json()["status"] == "in_force", answer.text
    assert await watched(house) == [6.3]


async def test_nobody_gets_rid_of_four_eyes_alone(house: House) -> None:
    await done(house, "PUT", "approval", {"four_eyes": True})
    before = await done(house, "POST", "thresholds", limit(house))
    await done(house, "PUT", "approval", {"four_eyes": False})
    after = await done(house, "POST", "thresholds", limit(house, limit_value=6.4))
    for proposed in (before, after):
        said = await refused(house, 403, "POST", f"thresholds/{proposed['id']}/approve")
        assert "somebody else" in said
    answer = await ask(house, "PUT", "approval", {"four_eyes": False}, await second_admin(house))
    assert answer.json()["four_eyes"] is False
    await refused(house, 403, "POST", f"thresholds/{before['id']}/approve")
    await done(house, "POST", f"thresholds/{after['id']}/approve")
    assert await watched(house) == [6.4]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"unit": "bar"}, "mm/s"),
        ({"direction": "low", "limit_value": 9.0}, "below the high limit"),
        ({"asset_type": "Pump"}, "Name one of"),
        ({"limit_value": "NaN"}, "limit_value"),
        ({"limit_value": 1e300}, "limit_value"),
        ({"severity": "TERRIBLE"}, "severity"),
        ({"direction": "sideways"}, "direction"),
        ({"metric": " "}, "metric"),
        ({"limits": 4}, "limits"),
    ],
)
async def test_a_limit_that_cannot_hold_is_refused(house: House, changes: Json, word: str) -> None:
    standing = await done(house, "POST", "thresholds", limit(house, severity="MAJOR"))
    await done(house, "POST", f"thresholds/{standing['id']}/approve")
    assert word in await refused(house, 422, "POST", "thresholds", limit(house, **changes))


async def test_a_limit_takes_the_unit_of_its_tags(house: House) -> None:
    proposed = await done(house, "POST", "thresholds", limit(house, unit=None))
    assert proposed["unit"] == "mm/s"


async def test_the_same_limit_twice_is_a_conflict(house: House) -> None:
    twins = [await done(house, "POST", "thresholds", limit(house, limit_value=v)) for v in (6.0, 6.5)]
    await done(house, "POST", f"thresholds/{twins[0]['id']}/approve")
    assert "replaces_id" in await refused(house, 409, "POST", "thresholds", limit(house))
    assert "replaces_id" in await refused(house, 409, "POST", f"thresholds/{twins[1]['id']}/approve")
    assert await watched(house) == [6.0]


async def test_a_change_keeps_what_the_limit_is_of(house: House) -> None:
    first = await done(house, "POST", "thresholds", limit(house))
    other = limit(house, metric="pressure", unit="bar", replaces_id=first["id"])
    assert "not in force" in await refused(house, 409, "POST", "thresholds", other)
    await done(house, "POST", f"thresholds/{first['id']}/approve")
    assert "another asset" in await refused(house, 422, "POST", "thresholds", other)


async def test_an_asset_type_is_found_in_any_case(house: House) -> None:
    asked = limit(house, asset_id=None, asset_type="pUMP", severity="MAJOR")
    proposed = await done(house, "POST", "thresholds", asked)
    assert proposed["asset_type"] == "Pump"
    await done(house, "POST", f"thresholds/{proposed['id']}/approve")
    assert await watched(house) == [6.3, 7.1]


async def test_limits_are_listed_by_what_they_are_of_and_how_they_stand(house: House) -> None:
    mine = await done(house, "POST", "thresholds", limit(house))
    await done(house, "POST", "thresholds", limit(house, metric="pressure", unit="bar"))
    assert [row["id"] for row in await items(house, "thresholds?status=proposed&metric=vibration")] == [
        mine["id"]
    ]
    assert len(await items(house, f"thresholds?asset_id={house.own.asset.id}")) == 2
    (of_type,) = await items(house, "thresholds?asset_type=pump&status=in_force")
    assert of_type["limit_value"] == 7.1
    assert await items(house, "thresholds?status=ended") == []
    assert len(await items(house, "thresholds?limit=1&offset=1")) == 1


async def test_what_another_tenant_has_does_not_exist(house: House) -> None:
    foreign = limit(house, asset_id=house.other.asset.id)
    assert "no asset" in await refused(house, 404, "POST", "thresholds", foreign)
    replacing = limit(house, replaces_id=2_000_000_000)
    assert "no limit" in await refused(house, 404, "POST", "thresholds", replacing)
