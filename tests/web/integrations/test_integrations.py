"""Connections over HTTP: added, changed, and their secrets stay."""

import asyncio
import base64
import json
import os
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from structlog.testing import capture_logs

from optria.connectors.secrets import HIDDEN, MARK
from optria.core.roles import Role
from optria.db.blackbox import EventRow
from optria.db.identity import AuditLog
from optria.db.plant import Integration
from optria.db.session import Database
from optria.web.integrations.integration_config import connector_of, vault_of
from tests import factories
from tests.web.house import House, build, fits

PATH = "/api/integrations/"
PI = {"endpoint_url": "http://127.0.0.1:1/piwebapi", "username": "reader", "password": "s3cret"}
SHAPE = {
    "success": "bool",
    "integration": {
        "id": "int",
        "tenant_id": "int",
        "name": "str",
        "integration_type": "str",
        "config": {"endpoint_url": "str"},
        "status": "str",
        "last_sync_at": "NoneType",
        "last_sync_status": "NoneType",
        "is_active": "bool",
        "demo_stream_active": "bool",
    },
}


async def stored(house: House, kind: str, **config: object) -> Integration:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.integration(tx, house.own.tenant.id, integration_type=kind, config=config)


async def seen(house: House, integration_id: int) -> Integration:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await tx.session.get(Integration, integration_id, populate_existing=True)
        assert row is not None
        return row


async def added(house: House, **config: object) -> dict[str, Any]:
    async with house.client(Role.TENANT_ADMIN) as browser:
        sent = {"name": "PI of the refinery", "integration_type": "pi", "config": {**PI, **config}}
        answer = await browser.post(PATH, json=sent)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.mark.clause("G10")
async def test_a_connection_is_added_with_its_password_sealed(house: House) -> None:
    made = await added(house)
    row = await seen(house, made["integration"]["id"])
    opened = (await vault_of(house.services.settings, row)).open(row.config)
    assert not fits(SHAPE, made)
    assert made["integration"]["config"] == {**PI, "password": HIDDEN}
    assert "s3cret" not in str(row.config)
    assert set(row.config["password"]) == {MARK}
    assert opened == PI
    assert (row.status, row.is_active, row.demo_stream_active) == ("active", True, False)


async def test_no_answer_log_audit_event_or_message_holds_a_secret(house: House) -> None:
    async with house.database.bus.subscribe() as news, asyncio.timeout(60):
        with capture_logs() as logs:
            made, answers = await _changed_in_every_way(house)
        messages = [await news.get() for _ in range(3)]
    async with house.database.transaction(house.own.tenant.id) as tx:
        audits = (await tx.session.scalars(select(AuditLog))).all()
        events = (await tx.session.scalars(select(EventRow))).all()
    told = [answer.text for answer in answers] + [str(logs), str(messages), json.dumps(made)]
    told += [f"{row.action}{row.old_values}{row.new_values}" for row in audits]
    told += [f"{row.summary}{row.payload}" for row in events]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len([row for row in audits if row.entity_type == "integration"]) == 3
    assert len([row for row in events if row.event_category == "CONFIG_CHANGE"]) == 3
    assert {message.topic for message in messages} == {"configuration"}
    for each in told:
        assert "s3cret" not in each
        assert "czNjcmV0" not in each
        assert MARK not in each


async def _changed_in_every_way(house: House) -> tuple[dict[str, Any], list[httpx.Response]]:
    inside = "http://reader:s3cret@127.0.0.1:1/piwebapi"
    made = await added(house, endpoint_url=inside, password="", username="")
    path = f"{PATH}{made['integration']['id']}"
    async with house.client(Role.TENANT_ADMIN) as browser:
        return made, [
            await browser.get(PATH),
            await browser.get(path),
            await browser.put(path, json={"config": {**PI, "password": "s3cret2"}}),
            await browser.patch(f"{path}/config", json={"password": "s3cret3", "username": "other"}),
            await browser.post(f"{path}/test"),
            await browser.get(f"{path}/action-logs"),
        ]


@pytest.mark.parametrize("how", ["put", "patch", "patch wrapped", "patch without it"])
async def test_the_mask_sent_back_keeps_the_stored_password(house: House, how: str) -> None:
    made = (await added(house))["integration"]
    before = (await seen(house, made["id"])).config["password"]
    config = {**made["config"], "username": "other"}
    path = f"{PATH}{made['id']}"
    async with house.client(Role.TENANT_ADMIN) as browser:
        if how == "put":
            answer = await browser.put(path, json={"config": config})
        else:
            sent = {"username": "other"} if how == "patch without it" else config
            body = {"config": sent} if how == "patch wrapped" else sent
            answer = await browser.patch(f"{path}/config", json=body)
    row = await seen(house, made["id"])
    assert answer.status_code == 200, answer.text
    assert row.config == {**PI, "username": "other", "password": before}


async def test_a_stored_password_is_not_sent_to_another_address(house: House) -> None:
    """Whoever may change the address may not thereby read the password."""
    made = (await added(house))["integration"]
    path, elsewhere = f"{PATH}{made['id']}", {"endpoint_url": "http://127.0.0.1:2/piwebapi"}
    masked = {"config": {**made["config"], **elsewhere}}
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = [
            await browser.put(path, json=masked),
            await browser.patch(f"{path}/config", json=elsewhere),
            await browser.post(
                f"{PATH}probe", json={"integration_type": "pi", "integration_id": made["id"], **masked}
            ),
        ]
        anew = await browser.patch(f"{path}/config", json={**elsewhere, "password": "entered"})
        without = await browser.put(path, json={"config": {"endpoint_url": "http://127.0.0.1:3/piwebapi"}})
    for answer in refused:
        assert answer.status_code == 422
        assert "enter 'password' again" in answer.json()["detail"]
    assert (anew.status_code, without.status_code) == (200, 200)
    assert without.json()["integration"]["config"] == {"endpoint_url": "http://127.0.0.1:3/piwebapi"}


async def test_a_stored_password_is_not_sent_with_less_protection(house: House) -> None:
    made = (await added(house))["integration"]
    path, weaker = f"{PATH}{made['id']}", {"verify_tls": False}
    masked = {"config": {**made["config"], **weaker}}
    trial = {"integration_type": "pi", "integration_id": made["id"], **masked}
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = [
            await browser.put(path, json=masked),
            await browser.patch(f"{path}/config", json=weaker),
            await browser.post(f"{PATH}probe", json=trial),
        ]
        anew = await browser.patch(f"{path}/config", json={**weaker, "password": "entered"})
        again = await browser.put(path, json={"config": anew.json()["integration"]["config"]})
    for answer in refused:
        assert answer.status_code == 422
        assert "'verify_tls'" in answer.json()["detail"]
        assert "enter 'password' again" in answer.json()["detail"]
    assert (anew.status_code, again.status_code) == (200, 200)


async def test_version_1s_other_secrets_are_masked_and_survive_a_change(house: House) -> None:
    old = {"pwd": "s3cret", "connection_string": "Server=a;Password=s3cret", "odbc": "Server=a;Pwd=s3cret"}
    row = await stored(house, "pi", **PI, **old)
    async with house.client(Role.TENANT_ADMIN) as browser:
        shown = (await browser.get(f"{PATH}{row.id}")).json()["config"]
        put = await browser.put(f"{PATH}{row.id}", json={"config": {**shown, "verify_tls": True}})
        patched = await browser.patch(f"{PATH}{row.id}/config", json={"request_timeout_s": 9})
    assert "s3cret" not in f"{shown}{put.text}{patched.text}"
    assert (put.status_code, patched.status_code) == (200, 200)
    after = await seen(house, row.id)
    assert {MARK} == set(after.config["pwd"]) == set(after.config["connection_string"])
    opened = (await vault_of(house.services.settings, after)).open(after.config)
    assert opened == {**PI, **old, "verify_tls": True, "request_timeout_s": 9}


async def test_version_1s_plain_password_works_and_is_sealed_at_the_next_write(house: House) -> None:
    row = await stored(house, "pi", **PI, af_server="AF")
    async with house.client(Role.TENANT_ADMIN) as browser:
        shown = (await browser.get(f"{PATH}{row.id}")).json()["config"]
        answer = await browser.put(f"{PATH}{row.id}", json={"config": shown})
    after = await seen(house, row.id)
    assert shown == {**PI, "password": HIDDEN, "af_server": "AF"}
    assert answer.status_code == 200, answer.text
    assert "s3cret" not in str(after.config)
    assert after.config["af_server"] == "AF"
    assert (await connector_of(house.services.settings, after)) is not None


async def test_a_password_inside_a_stored_address_comes_back_masked(house: House) -> None:
    row = await stored(house, "pi", endpoint_url="http://reader:s3cret@127.0.0.1:1/piwebapi")
    async with house.client(Role.TENANT_ADMIN) as browser:
        shown = (await browser.get(f"{PATH}{row.id}")).json()["config"]
        other = {"endpoint_url": shown["endpoint_url"].replace(":1/", ":2/")}
        refused = await browser.put(f"{PATH}{row.id}", json={"config": other})
        kept = await browser.put(f"{PATH}{row.id}", json={"config": shown})
    opened = (await vault_of(house.services.settings, row)).open((await seen(house, row.id)).config)
    assert shown == {"endpoint_url": f"http://reader:{HIDDEN}@127.0.0.1:1/piwebapi"}
    assert (refused.status_code, kept.status_code) == (422, 200)
    assert opened == {**PI, "auth_type": "basic"}


async def test_what_a_kind_does_not_know_is_kept_out_and_said(house: House) -> None:
    made = await added(house, af_server="AF", hostile="<script>")
    assert made["ignored"] == ["af_server", "hostile"]
    assert "has no such settings" in made["message"]
    assert "af_server" not in made["integration"]["config"]


@pytest.mark.parametrize(
    ("kind", "config", "says"),
    [
        ("sap", {}, "no connection of the kind 'sap'"),
        ("", {}, "no connection of the kind ''"),
        ("opcua", {}, "'endpoint_url' is missing"),
        ("opcua", {"endpoint_url": "file:///etc/passwd"}, "not an address of this kind"),
        ("opcua", {"endpoint_url": "opc.tcp://169.254.169.254:4840"}, "link-local"),
        ("pi", {"endpoint_url": "http://2852039166/piwebapi"}, "link-local"),
        ("pi", {"endpoint_url": "gopher://pi/1"}, "not an address of this kind"),
        ("sql", {"endpoint_url": "sqlite:////etc/passwd"}, "outside the folders"),
        ("sql", {"endpoint_url": "postgresql://h/p?host=169.254.169.254"}, "parameter 'host'"),
        ("opcua", {"endpoint_url": "opc.tcp://127.0.0.1", "password": HIDDEN}, "not stored yet"),
        ("opcua", {"endpoint_url": "opc.tcp://127.0.0.1", "password": {MARK: "v1:a:b:c"}}, "must be a text"),
        ("opcua", {"endpoint_url": "opc.tcp://127.0.0.1", "server_certificate_sha256": "ab"}, "pinned"),
        ("opcua", {"endpoint_url": "opc.tcp://127.0.0.1", "sampling_interval_ms": 1e308}, "must be a number"),
    ],
)
async def test_what_cannot_be_used_is_not_stored(
    house: House, kind: str, config: dict[str, object], says: str
) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        sent = {"name": "X", "integration_type": kind, "config": config}
        answer = await browser.post(PATH, json=sent)
        tried = await browser.post(f"{PATH}probe", json={"integration_type": kind, "config": config})
        names = [row["name"] for row in (await browser.get(PATH)).json()]
    assert (answer.status_code, tried.status_code) == (422, 422)
    assert says in answer.json()["detail"]
    assert says in tried.json()["detail"]
    assert "X" not in names


async def test_an_unknown_host_may_be_saved_before_it_is_there(house: House) -> None:
    made = await added(house, endpoint_url="https://not-built-yet.invalid/piwebapi")
    assert made["success"] is True


async def test_only_listed_hosts_may_be_saved_tried_and_reached(rolled_back: Database, tmp_path: Any) -> None:
    house = await build(rolled_back, home=tmp_path, connector_hosts="10.0.0.0/8")
    row = await stored(house, "pi", **PI)
    async with house.client(Role.TENANT_ADMIN) as browser:
        saved = await browser.post(PATH, json={"name": "X", "integration_type": "pi", "config": PI})
        tested = await browser.post(f"{PATH}{row.id}/test")
        browsed = await browser.get(f"{PATH}{row.id}/available-tags")
    assert (saved.status_code, tested.json()["success"], browsed.status_code) == (422, False, 503)
    for answer in (saved.json()["detail"], tested.json()["message"], browsed.json()["detail"]):
        assert "'127.0.0.1' is not among the hosts" in answer


async def test_a_secret_copied_to_another_connection_does_not_open(house: House) -> None:
    made = (await added(house))["integration"]
    sealed = (await seen(house, made["id"])).config
    other = await stored(house, "pi", **sealed)
    async with house.client(Role.TENANT_ADMIN) as browser:
        own = (await browser.post(f"{PATH}{made['id']}/test")).json()
        copied = (await browser.post(f"{PATH}{other.id}/test")).json()
        browsed = await browser.get(f"{PATH}{other.id}/available-tags")
    assert "Nothing answers at" in own["message"]
    assert "'password' of the connection" in copied["message"]
    assert "another place" in copied["message"]
    assert browsed.status_code == 422


async def test_a_key_that_is_gone_is_a_sentence_and_the_password_can_be_entered_again(
    rolled_back: Database, tmp_path: Any
) -> None:
    def keys(name: str) -> SecretStr:
        return SecretStr(f"{name}:{base64.b64encode(os.urandom(32)).decode()}")

    house = await build(rolled_back, home=tmp_path, secret_keys=keys("old"))
    made = (await added(house))["integration"]
    row = await seen(house, made["id"])
    lost = house.services.settings.model_copy(update={"secret_keys": keys("new")})
    object.__setattr__(house.services, "settings", lost)
    path = f"{PATH}{row.id}"
    async with house.client(Role.TENANT_ADMIN) as browser:
        tested = (await browser.post(f"{path}/test")).json()
        entered = await browser.patch(f"{path}/config", json={"password": "again"})
        tested_again = (await browser.post(f"{path}/test")).json()
    assert "the key 'old', which is not among the keys" in tested["message"]
    assert entered.status_code == 200, entered.text
    assert "Nothing answers at" in tested_again["message"]


async def test_only_what_is_sent_changes(house: House) -> None:
    made = (await added(house))["integration"]
    path = f"{PATH}{made['id']}"
    before = (await seen(house, made["id"])).config
    async with house.client(Role.TENANT_ADMIN) as browser:
        renamed = (await browser.put(path, json={"name": "Renamed", "tenant_id": 1, "config_x": 1})).json()
        resting = (await browser.put(path, json={"is_active": False})).json()
        nothing = await browser.put(path, json={})
        cleared = await browser.put(path, json={"name": None})
    after = await seen(house, made["id"])
    assert renamed["integration"]["name"] == resting["integration"]["name"] == "Renamed"
    assert (after.is_active, after.status, after.config) == (False, "inactive", before)
    assert after.tenant_id == house.own.tenant.id
    assert (nothing.status_code, cleared.status_code) == (200, 422)
    async with house.database.transaction(house.own.tenant.id) as tx:
        query = select(AuditLog).where(AuditLog.action == "integration_updated").order_by(AuditLog.id)
        audits = (await tx.session.scalars(query)).all()
    assert [row.new_values for row in audits] == [{"name": "Renamed"}, {"is_active": False}]


async def test_a_name_is_given_once(house: House) -> None:
    made = (await added(house))["integration"]
    other = await stored(house, "opcua", endpoint_url="opc.tcp://127.0.0.1:1")
    async with house.client(Role.TENANT_ADMIN) as browser:
        sent = {"name": "pi OF the refinery ", "integration_type": "pi", "config": PI}
        again = await browser.post(PATH, json=sent)
        renamed = await browser.put(f"{PATH}{other.id}", json={"name": made["name"]})
        same = await browser.put(f"{PATH}{made['id']}", json={"name": made["name"]})
    assert (again.status_code, renamed.status_code, same.status_code) == (409, 409, 200)
    assert "Choose another name" in again.json()["detail"]


@pytest.mark.parametrize(
    "body", [[], "x", None, {"config": {"a": "\ud800"}}, {"\ud800": 1}, {"password": "\x00"}]
)
async def test_strange_settings_are_no_fault_of_ours(house: House, body: object) -> None:
    made = (await added(house))["integration"]
    async with house.client(Role.TENANT_ADMIN) as browser:
        content = json.dumps(body)
        answer = await browser.patch(
            f"{PATH}{made['id']}/config", content=content, headers={"content-type": "application/json"}
        )
    assert answer.status_code in (200, 422)


WRITES = [
    ("POST", PATH, {"name": "X", "integration_type": "pi", "config": PI}),
    ("PUT", f"{PATH}{{}}", {"name": "X"}),
    ("PATCH", f"{PATH}{{}}/config", {"sampling_interval_ms": 500}),
    ("POST", f"{PATH}{{}}/test", None),
    ("POST", f"{PATH}{{}}/read", {"tags": ["a"]}),
    ("GET", f"{PATH}{{}}/available-tags", None),
    ("GET", f"{PATH}{{}}/action-logs", None),
    ("GET", f"{PATH}{{}}", None),
    ("POST", f"{PATH}probe", {"integration_type": "pi", "config": PI}),
    ("POST", f"{PATH}{{}}/demo-stream/start", None),
    ("POST", f"{PATH}{{}}/demo-stream/stop", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_only_who_manages_connections_does_so_and_only_their_own(
    house: House, method: str, path: str, body: object
) -> None:
    mine, theirs = (path.format(each.integration.id) for each in (house.own, house.other))
    async with house.client() as stranger:
        assert (await stranger.request(method, mine, json=body)).status_code == 401
    for role in (Role.VIEWER, Role.ENGINEER, Role.OPTIMIZATION_ENGINEER):
        async with house.client(role) as browser:
            assert (await browser.request(method, mine, json=body)).status_code == 403
    if mine != theirs:
        async with house.client(Role.TENANT_ADMIN) as browser:
            assert (await browser.request(method, theirs, json=body)).status_code == 404
            chosen = f"{theirs}?tenant_id={house.other.tenant.id}"
            assert (await browser.request(method, chosen, json=body)).status_code == 404


async def test_a_platform_owner_says_for_which_tenant(house: House) -> None:
    sent = {"name": "X", "integration_type": "pi", "config": PI}
    async with house.client(Role.PLATFORM_OWNER) as browser:
        unsaid = await browser.post(PATH, json=sent)
        said = await browser.post(f"{PATH}?tenant_id={house.other.tenant.id}", json=sent)
    assert (unsaid.status_code, said.status_code) == (422, 200)
    assert said.json()["integration"]["tenant_id"] == house.other.tenant.id


async def test_the_state_of_the_link_is_shown(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        listed = (await browser.get(PATH)).json()
    assert listed[0]["link"]["state"] == "connected"


async def test_schemas(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        kinds = [each["type"] for each in (await browser.get(f"{PATH}types")).json()]
        assert (await browser.get(f"{PATH}schemas/opcua")).json()["fields"]
        assert (await browser.get(f"{PATH}schemas/sap")).status_code == 404
    assert kinds == ["opcua", "pi", "sql", "demo"]


async def test_the_audit_of_a_password_alone_says_so(house: House) -> None:
    made = (await added(house))["integration"]
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.patch(f"{PATH}{made['id']}/config", json={"password": "another"})
    async with house.database.transaction(house.own.tenant.id) as tx:
        query = text("select new_values from audit_logs where action = 'integration_updated'")
        assert (await tx.session.execute(query)).scalars().all() == [{"config": "a secret was entered anew"}]
