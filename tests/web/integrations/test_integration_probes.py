"""Connections tried over HTTP: every answer says how it really went."""

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.identity import AuditLog
from optria.db.plant import Integration
from tests import factories
from tests.fakes.plant import FakePlant
from tests.fakes.sources import PASSWORD, USER, opcua_rig, pi_rig
from tests.web.house import House, fits

PATH = "/api/integrations/"
TEST_SHAPE = {
    "success": "bool",
    "message": "str",
    "status": {"type": "str", "status": "str", "last_error": "NoneType", "last_connection_time": "str"},
}


async def stored(house: House, kind: str, **config: object) -> Integration:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.integration(tx, house.own.tenant.id, integration_type=kind, config=config)


@pytest.fixture
def table(tmp_path: Path) -> dict[str, object]:
    """A SQL connection's settings for a table with two tags, one of them bad."""
    path = tmp_path / "plant.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE plant_readings (tag TEXT, value REAL, quality INT, source_time TEXT)")
        database.execute("INSERT INTO plant_readings VALUES ('P-1.Flow', 4.5, 0, '2026-11-22 10:00:00')")
        database.execute("INSERT INTO plant_readings VALUES ('P-1.Temp', NULL, 0, '2026-11-22 10:00:00')")
    database.close()
    return {"endpoint_url": f"sqlite+aiosqlite:///{path}"}


@pytest.mark.parametrize(
    ("kind", "config", "word"),
    [
        ("opcua", {"endpoint_url": "opc.tcp://127.0.0.1:1"}, "127.0.0.1:1"),
        ("opcua", {"endpoint_url": "file:///etc/passwd"}, "address"),
        ("opcua", {"endpoint_url": "opc.tcp://169.254.169.254:4840"}, "link-local"),
        ("sql", {"endpoint_url": "sqlite:////etc/passwd"}, "outside the folders"),
        ("demo", {}, "No simulated plant runs"),
        ("sap", {}, "sap"),
    ],
)
async def test_a_dead_source_is_called_dead(
    house: House, kind: str, config: dict[str, object], word: str
) -> None:
    """Also one that an older version stored and nobody would let in now."""
    row = await stored(house, kind, **config)
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(f"{PATH}{row.id}/test")
        logs = (await browser.get(f"{PATH}{row.id}/action-logs")).json()
        shown = (await browser.get(f"{PATH}{row.id}")).json()
        browsed = await browser.get(f"{PATH}{row.id}/available-tags")
        read = await browser.post(f"{PATH}{row.id}/read", json={"tags": ["a"]})
    body = answer.json()
    assert (answer.status_code, body["success"], body["status"]["status"]) == (200, False, "error")
    assert not fits(TEST_SHAPE, body)
    assert word in body["message"]
    assert body["message"] == logs[0]["message"] == shown["last_sync_message"]
    assert (logs[0]["status"], shown["last_sync_status"]) == ("error", "error")
    assert browsed.status_code == read.status_code == (422 if kind == "sap" else 503)
    assert word in browsed.json()["detail"]


@pytest.mark.clause("D6")
async def test_a_source_that_answers_is_tested_browsed_and_read(
    house: House, table: dict[str, object]
) -> None:
    row = await stored(house, "sql", **table)
    async with house.client(Role.TENANT_ADMIN) as browser:
        probe = (await browser.post(f"{PATH}{row.id}/test")).json()
        tags = (await browser.get(f"{PATH}{row.id}/available-tags")).json()
        asked = {"tags": ["P-1.Temp", "P-1.Flow", "P-9.None", "P-1.Flow"]}
        read = (await browser.post(f"{PATH}{row.id}/read", json=asked)).json()
    assert (probe["success"], probe["status"]["last_error"]) == (True, None)
    assert not fits(TEST_SHAPE, probe)
    assert tags["tags"] == ["P-1.Flow", "P-1.Temp"]
    assert {each["tag"]: (each["value"], each["quality"]) for each in read["values"]} == {
        "P-1.Flow": (4.5, "good"),
        "P-1.Temp": (None, "bad"),
    }
    assert {each["time"] for each in read["values"]} == {"2026-11-22T10:00:00+00:00"}
    assert read["missing"] == ["P-9.None"]


@pytest.mark.parametrize("tags", [[], ["a"] * 51, [""], ["x" * 256], "a", [5]])
async def test_a_reading_is_of_1_to_50_tags(house: House, tags: object) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        path = f"{PATH}{house.own.integration.id}/read"
        assert (await browser.post(path, json={"tags": tags})).status_code == 422


@pytest.mark.clause("C2", "D6")
async def test_settings_are_tried_before_they_are_saved(house: House, tmp_path: Path) -> None:
    plant = FakePlant(3)
    plant.tick(7)
    async with pi_rig(plant, tmp_path) as rig, house.client(Role.TENANT_ADMIN) as browser:
        trial = {"integration_type": "pi", "config": rig.config | {"mystery": 1}}
        right = (await browser.post(f"{PATH}probe", json=trial)).json()
        trial["config"] = rig.config | rig.wrong_password
        wrong = (await browser.post(f"{PATH}probe", json=trial)).json()
        sent = {"name": "PI", "integration_type": "pi", "config": rig.config}
        made = (await browser.post(PATH, json=sent)).json()["integration"]
        again = {"integration_type": "pi", "integration_id": made["id"], "config": made["config"]}
        masked = (await browser.post(f"{PATH}probe", json=again)).json()
        other_kind = await browser.post(f"{PATH}probe", json=again | {"integration_type": "opcua"})
        foreign = await browser.post(
            f"{PATH}probe", json=again | {"integration_id": house.other.integration.id}
        )
        read = (await browser.post(f"{PATH}{made['id']}/read", json={"tags": plant.names})).json()
    assert (right["success"], right["ignored"]) == (True, ["mystery"])
    assert (wrong["success"], masked["success"]) == (False, True)
    assert "refused the user name or password" in wrong["message"]
    assert (other_kind.status_code, foreign.status_code) == (422, 404)
    assert [each["value"] for each in read["values"]] == [7.0, 8.0, 9.0]
    assert len(await _integrations(house)) == 2


async def _integrations(house: House) -> list[Integration]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return list((await tx.session.scalars(select(Integration).order_by(Integration.id))).all())


async def test_a_trial_that_fails_is_no_fault_of_the_request(house: House) -> None:
    config = {"endpoint_url": "opc.tcp://no-such-plant.invalid:4840"}
    async with house.client(Role.TENANT_ADMIN) as browser:
        sent = {"integration_type": "opcua", "config": config}
        answer = await browser.post(f"{PATH}probe", json=sent)
        extra = await browser.post(f"{PATH}probe", json=sent | {"tenant_id": 5})
    assert (answer.status_code, answer.json()["success"], extra.status_code) == (200, False, 422)
    assert "not known" in answer.json()["message"]


@pytest.mark.parametrize("node", ["i=85", "nonsense", "ns=x;s=", "../..", "\x00", "ns=99;s=none"])
async def test_browsing_anywhere_is_an_answer(house: House, tmp_path: Path, node: str) -> None:
    plant = FakePlant(1)
    plant.tick()
    async with opcua_rig(plant, tmp_path) as rig, house.client(Role.TENANT_ADMIN) as browser:
        row = await stored(house, "opcua", **rig.config)
        answer = await browser.get(f"{PATH}{row.id}/available-tags", params={"node": node})
    assert answer.status_code in (200, 422, 503)
    assert (node == "i=85") <= (answer.status_code == 200)


@pytest.mark.clause("C2")
async def test_the_simulated_plants_stream_starts_only_where_it_runs(house: House, tmp_path: Path) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        sent = {"name": "Demo Data Generator", "integration_type": "demo", "config": {"is_demo": True}}
        made = (await browser.post(PATH, json=sent)).json()["integration"]
        path = f"{PATH}{made['id']}/demo-stream"
        nobody = await browser.post(f"{path}/start")
        before = await browser.get(f"{PATH}{made['id']}")
        plant = FakePlant(1)
        plant.tick()
        async with opcua_rig(plant, tmp_path) as rig:
            told = {"opcua_url": rig.config["endpoint_url"], "opcua_user": USER, "opcua_password": PASSWORD}
            (tmp_path / "simulator.json").write_text(json.dumps(told))
            started = await browser.post(f"{path}/start")
            await browser.post(f"{path}/start")
        running = (await browser.get(f"{PATH}{made['id']}")).json()
        stopped = await browser.post(f"{path}/stop")
        resting = (await browser.get(f"{PATH}{made['id']}")).json()
        logs = (await browser.get(f"{PATH}{made['id']}/action-logs")).json()
    assert (nobody.status_code, nobody.json()["success"]) == (200, False)
    assert "No simulated plant runs" in nobody.json()["message"]
    state = ("status", "is_active", "demo_stream_active")
    assert [before.json()[key] for key in state] == ["inactive", False, False]
    assert not fits({"success": "bool", "message": "str"}, started.json())
    assert started.json()["success"] is stopped.json()["success"] is True
    assert [running[key] for key in state] == ["streaming", True, True]
    assert [resting[key] for key in state] == ["inactive", False, False]
    assert [entry["action"] for entry in logs] == ["demo_stream_stopped", "demo_stream_started"]
    async with house.database.transaction(house.own.tenant.id) as tx:
        actions = (await tx.session.scalars(select(AuditLog.action).order_by(AuditLog.id))).all()
    assert list(actions) == ["integration_created", "demo_stream_started", "demo_stream_stopped"]


async def test_a_real_source_has_no_stream_to_start(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(f"{PATH}{house.own.integration.id}/demo-stream/start")
    assert answer.status_code == 422
    assert "real source" in answer.json()["detail"]


async def test_a_platform_owner_reads_a_sample_of_the_first_database(
    house: House, table: dict[str, object]
) -> None:
    path = f"{PATH}external-db/test-sample"
    for role in (Role.TENANT_ADMIN, Role.OPTIMIZATION_ENGINEER, Role.ENGINEER, Role.VIEWER):
        async with house.client(role) as browser:
            assert (await browser.get(path)).status_code == 403
    async with house.client() as stranger:
        assert (await stranger.get(path)).status_code == 401
    async with house.client(Role.PLATFORM_OWNER) as browser:
        none = (await browser.get(path)).json()
        row = await stored(house, "sql", **table)
        sample = (await browser.get(path)).json()
        others = (await browser.get(path, params={"tenant_id": house.other.tenant.id})).json()
        async with house.database.transaction(house.own.tenant.id) as tx:
            changed = await tx.session.get_one(Integration, row.id)
            changed.config = {"endpoint_url": "postgresql://127.0.0.1:1/plant"}
        dead = (await browser.get(path)).json()
    for answer in (none, sample, others, dead):
        assert not fits({"success": "bool", "message": "str", "details": {}}, answer)
    assert [each["success"] for each in (none, sample, others, dead)] == [False, True, False, False]
    assert "There is no SQL connection" in none["message"]
    assert sample["details"]["integration_id"] == row.id
    assert sample["details"]["values"][0] | {"time": ""} == {
        "tag": "P-1.Flow",
        "value": 4.5,
        "quality": "good",
        "time": "",
    }
    assert "127.0.0.1" in dead["message"]


async def test_a_trial_leaves_who_which_kind_and_which_host(house: House) -> None:
    config = {"endpoint_url": "http://127.0.0.1:1/piwebapi", "username": "reader", "password": "s3cret"}
    old = await stored(house, "pi", endpoint_url="http://reader:s3cret@127.0.0.2:1/piwebapi", pwd="s3cret")
    trial = {"integration_type": "pi", "config": config}
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(f"{PATH}probe", json=trial)
        await browser.get(f"{PATH}{old.id}/available-tags")
        await browser.post(f"{PATH}{old.id}/read", json={"tags": ["a"]})
        theirs = await browser.post(f"{PATH}{house.other.integration.id}/read", json={"tags": ["a"]})
    async with house.client(house.owner) as browser:
        await browser.post(f"{PATH}probe", json=trial)
    async with house.database.platform("test") as tx:
        tried = select(AuditLog).where(AuditLog.action == "connection_tried").order_by(AuditLog.id)
        rows = (await tx.session.scalars(tried)).all()
    admin, own = house.own.users[Role.TENANT_ADMIN].id, house.own.tenant.id
    assert theirs.status_code == 404
    assert [(row.user_id, row.tenant_id, row.entity_id, row.new_values) for row in rows] == [
        (admin, own, None, {"deed": "probe", "kind": "pi", "host": "127.0.0.1"}),
        (admin, own, old.id, {"deed": "browse", "kind": "pi", "host": "127.0.0.2"}),
        (admin, own, old.id, {"deed": "read", "kind": "pi", "host": "127.0.0.2"}),
        (house.owner.id, None, None, {"deed": "probe", "kind": "pi", "host": "127.0.0.1"}),
    ]
    assert {row.ip_address for row in rows} == {"127.0.0.1"}
