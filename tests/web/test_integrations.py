"""Connections over HTTP: secrets stay, tests tell the truth."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from optria.core.roles import Role
from optria.db.plant import Integration
from optria.web.integrations import HIDDEN, redacted
from tests import factories
from tests.web.house import House


def test_secrets_are_hidden_wherever_they_are() -> None:
    config = {
        "endpoint_url": "https://pi.test/piwebapi",
        "password": "s3cret",
        "apiKey": "s3cret",
        "empty_password": "",
        "url": "postgresql+asyncpg://reader:s3cret@db.test:5432/plant",
        "nested": {"client_secret": "s3cret", "list": ["opc.tcp://u:s3cret@x", 4]},
    }
    shown = redacted(config)
    assert "s3cret" not in str(shown)
    assert shown["url"] == f"postgresql+asyncpg://reader:{HIDDEN}@db.test:5432/plant"
    assert (shown["endpoint_url"], shown["empty_password"]) == ("https://pi.test/piwebapi", "")


async def _connection(house: House, kind: str, **config: object) -> Integration:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.integration(tx, house.own.tenant.id, integration_type=kind, config=config)


async def test_no_answer_holds_a_secret(house: House) -> None:
    row = await _connection(house, "pi", endpoint_url="https://x.test", password="s3cret")
    async with house.client(Role.TENANT_ADMIN) as browser:
        for path in ("/api/integrations/", f"/api/integrations/{row.id}"):
            answer = await browser.get(path)
            assert answer.status_code == 200
            assert "s3cret" not in answer.text


async def test_the_state_of_the_link_is_shown(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        listed = (await browser.get("/api/integrations/")).json()
    assert listed[0]["link"]["state"] == "connected"


@pytest.mark.parametrize(
    ("kind", "config", "word"),
    [
        ("opcua", {"endpoint_url": "opc.tcp://127.0.0.1:1"}, "127.0.0.1:1"),
        ("opcua", {"endpoint_url": "file:///etc/passwd"}, "address"),
        ("opcua", {"endpoint_url": "opc.tcp://169.254.169.254:4840"}, "link-local"),
        ("sap", {}, "sap"),
    ],
)
async def test_a_dead_source_is_called_dead(
    house: House, kind: str, config: dict[str, object], word: str
) -> None:
    row = await _connection(house, kind, **config)
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(f"/api/integrations/{row.id}/test")
        logs = (await browser.get(f"/api/integrations/{row.id}/action-logs")).json()
        shown = (await browser.get(f"/api/integrations/{row.id}")).json()
    body = answer.json()
    assert (answer.status_code, body["success"], body["status"]["status"]) == (200, False, "error")
    assert word in body["message"]
    assert body["message"] == logs[0]["message"] == shown["last_sync_message"]
    assert (logs[0]["status"], shown["last_sync_status"]) == ("error", "error")


@pytest.mark.clause("D6")
async def test_a_source_that_answers_is_read_and_browsed(house: House, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'plant.db'}"
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE latest (tag text, value float, at text)"))
        await connection.execute(text("INSERT INTO latest VALUES ('P-1.Flow', 4.5, '2026-11-22 10:00:00')"))
    await engine.dispose()
    row = await _connection(house, "sql", endpoint_url=url, query="SELECT tag, value, at FROM latest")
    async with house.client(Role.TENANT_ADMIN) as browser:
        probe = (await browser.post(f"/api/integrations/{row.id}/test")).json()
        tags = (await browser.get(f"/api/integrations/{row.id}/available-tags")).json()
    assert (probe["success"], probe["status"]["last_error"]) == (True, None)
    assert tags["tags"] == ["P-1.Flow"]


async def test_browsing_a_dead_source_is_a_sentence(house: House) -> None:
    row = await _connection(house, "opcua", endpoint_url="opc.tcp://127.0.0.1:1")
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.get(f"/api/integrations/{row.id}/available-tags")
    assert answer.status_code == 503
    assert "127.0.0.1:1" in answer.json()["detail"]


async def test_mappings_are_filtered(house: House) -> None:
    path = "/api/integrations/mappings"
    async with house.client(Role.TENANT_ADMIN) as browser:
        every = (await browser.get(path, params={"asset_id": house.own.asset.id})).json()
        none = (await browser.get(path, params={"asset_id": house.other.asset.id})).json()
    assert {row["internal_metric_name"] for row in every} == {"vibration", "pressure"}
    assert none == []


async def test_another_tenants_connection_does_not_exist(house: House) -> None:
    path = f"/api/integrations/{house.other.integration.id}"
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.get(path)).status_code == 404
        assert (await browser.post(f"{path}/test")).status_code == 404
        assert (await browser.get(f"{path}/available-tags")).status_code == 404


async def test_schemas(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        assert (await browser.get("/api/integrations/schemas/opcua")).json()["fields"]
        assert (await browser.get("/api/integrations/schemas/sap")).status_code == 404
