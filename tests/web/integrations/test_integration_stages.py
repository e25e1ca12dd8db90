"""A test says how far it came: to the host, past its sign-in, to values, to its clock."""

from pathlib import Path
from typing import Any

from optria.core.roles import Role
from tests import factories
from tests.fakes.plant import FakePlant
from tests.fakes.sources import opcua_rig, pi_rig, sql_rig
from tests.web.house import House

PATH = "/api/integrations/"


async def probed(house: House, kind: str, config: dict[str, object]) -> dict[str, Any]:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(f"{PATH}probe", json={"integration_type": kind, "config": config})
    found: dict[str, Any] = answer.json()
    return found


def states(answer: dict[str, Any]) -> dict[str, str]:
    return {each["stage"]: each["state"] for each in answer["stages"]}


async def test_a_server_that_answers_passes_every_stage(house: House, tmp_path: Path) -> None:
    plant = FakePlant(3)
    plant.tick(2)
    async with opcua_rig(plant, tmp_path) as rig:
        answer = await probed(house, "opcua", rig.config)
    reached, _, read, clock = answer["stages"]
    assert (answer["success"], set(states(answer).values())) == (True, {"done"})
    assert reached["where"] == str(rig.config["endpoint_url"]).removeprefix("opc.tcp://").rstrip("/")
    assert (read["values"] >= 3, read["asked"] >= read["values"]) == (True, True)
    assert abs(clock["difference_s"]) < 60


async def test_a_wrong_password_fails_at_the_sign_in_and_goes_no_further(
    house: House, tmp_path: Path
) -> None:
    async with opcua_rig(FakePlant(1), tmp_path) as rig:
        answer = await probed(house, "opcua", rig.config | rig.wrong_password)
    assert states(answer) == {
        "reached": "done",
        "signed_in": "failed",
        "read": "not_tried",
        "clock": "not_tried",
    }
    assert answer["stages"][1]["said"] == answer["message"]
    assert "refused the user name or password" in answer["message"]


async def test_nobody_at_the_address_is_the_first_thing_said(house: House) -> None:
    answer = await probed(house, "pi", {"endpoint_url": "http://127.0.0.1:1/piwebapi"})
    assert (answer["success"], list(states(answer).values())) == (
        False,
        ["failed", "not_tried", "not_tried", "not_tried"],
    )
    assert "127.0.0.1:1" in answer["message"]


async def test_a_source_without_a_clock_tells_how_old_its_newest_value_is(
    house: House, tmp_path: Path
) -> None:
    plant = FakePlant(2)
    plant.tick(3)
    async with pi_rig(plant, tmp_path) as rig:
        answer = await probed(house, "pi", rig.config)
    assert states(answer) == {"reached": "done", "signed_in": "done", "read": "done", "clock": "not_told"}
    assert "newest_age_s" in answer["stages"][3]


async def test_a_file_has_no_host_to_reach(house: House, tmp_path: Path) -> None:
    plant = FakePlant(2)
    plant.tick(3)
    async with sql_rig(plant, house.services.settings.home_folder) as rig:
        answer = await probed(house, "sql", rig.config)
    assert (states(answer)["reached"], states(answer)["read"]) == ("not_told", "done")


async def test_a_stored_connection_is_tried_with_its_mapped_tags(house: House, tmp_path: Path) -> None:
    plant = FakePlant(4)
    plant.tick(2)
    async with pi_rig(plant, tmp_path) as rig, house.client(Role.TENANT_ADMIN) as browser:
        made = await browser.post(PATH, json={"name": "PI", "integration_type": "pi", "config": rig.config})
        number = made.json()["integration"]["id"]
        for n, tag in enumerate([plant.names[0], "NOPE"]):
            sent = {"integration_id": number, "external_tag": tag, "internal_metric_name": f"m{n}"}
            await browser.post(f"{PATH}mappings", json=sent)
        answer = (await browser.post(f"{PATH}{number}/test")).json()
    assert (answer["stages"][2]["values"], answer["stages"][2]["asked"]) == (1, 2)


async def test_a_source_is_browsed_a_level_at_a_time_and_searched(house: House, tmp_path: Path) -> None:
    plant = FakePlant(12)
    async with opcua_rig(plant, tmp_path) as rig, pi_rig(plant, tmp_path) as pi:
        async with house.database.transaction(house.own.tenant.id) as tx:
            ua = await factories.integration(tx, house.own.tenant.id, config=rig.config)
            api = await factories.integration(
                tx, house.own.tenant.id, integration_type="pi", config=pi.config
            )
        async with house.client(Role.TENANT_ADMIN) as browser:
            tags = f"{PATH}{ua.id}/available-tags"
            top = (await browser.get(tags, params={"tree": True})).json()
            every = (await browser.get(tags)).json()["tags"]
            few = (await browser.get(tags, params={"search": plant.names[3]})).json()
            page = (await browser.get(tags, params={"search": "ns=", "limit": 5, "offset": 5})).json()
            found = (await browser.get(f"{PATH}{api.id}/available-tags", params={"search": "*"})).json()
            one = (
                await browser.get(f"{PATH}{api.id}/available-tags", params={"search": plant.names[3]})
            ).json()
    assert top["total"] == len(top["entries"])
    assert [each["is_variable"] for each in top["entries"] if each["has_children"]].count(True) == 0
    assert len(every) >= 12
    assert [tag for tag in few["tags"] if plant.names[3] in tag] == few["tags"] != []
    assert (len(page["entries"]), page["total"] >= 12) == (5, True)
    assert len(found["tags"]) == 12
    assert plant.names[3] in one["tags"]
