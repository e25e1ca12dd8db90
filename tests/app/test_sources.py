"""A running connection opens its secrets for itself, and its state says when it cannot."""

import os
from pathlib import Path

import pytest

from optria.app.plants import load_plants
from optria.app.sources import Source, connections
from optria.app.streams import Streams
from optria.connectors.allowed_hosts import Reach
from optria.connectors.secrets import Vault
from optria.core.errors import ConfigurationError, ConnectorUnavailable, OptriaError
from optria.db.plant import Integration
from optria.db.session import Database
from optria.kit.secrets import Sealer, sealer_of
from optria.kit.settings import Settings
from tests import factories


async def source(
    database: Database, settings: Settings, sealer: Sealer, kind: str, **config: object
) -> Source:
    """The only connection of a new tenant, as stored with its secrets sealed by ``sealer``."""
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
    async with database.transaction(tenant_id) as tx:
        asset = await factories.asset(tx, await factories.site(tx, tenant_id))
        row = await factories.integration(tx, tenant_id, integration_type=kind)
        row.config = Vault(sealer, tenant_id, row.id).seal(config)
        await factories.mapping(tx, row, asset)
    assert "s3cret" not in str((await _stored(database, row)).config)
    plants = await load_plants(database)
    (connection,) = await connections(database, plants(tenant_id))
    return Source(connection, Streams(plants, database, settings), settings, Reach.of(settings))


async def _stored(database: Database, row: Integration) -> Integration:
    async with database.transaction(row.tenant_id) as tx:
        return await tx.session.get_one(Integration, row.id, populate_existing=True)


async def failure(running: Source, kind: type[OptriaError]) -> str:
    with pytest.raises(kind) as failed:
        await running.run()
    assert running.state == "lost"
    assert running.last_error == str(failed.value)
    return str(failed.value)


async def test_a_sealed_password_is_opened_for_the_source(rolled_back: Database, tmp_path: Path) -> None:
    """It gets as far as the network: nothing listens there."""
    settings = Settings(home=tmp_path)
    config = {"endpoint_url": "http://127.0.0.1:1/piwebapi", "username": "u", "password": "s3cret"}
    running = await source(rolled_back, settings, sealer_of(settings), "pi", **config)
    assert "Nothing answers" in await failure(running, ConnectorUnavailable)


async def test_a_secret_that_does_not_open_is_the_state_of_the_connection(
    rolled_back: Database, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path)
    config = {"endpoint_url": "http://127.0.0.1:1/piwebapi", "password": "s3cret"}
    running = await source(rolled_back, settings, Sealer({"gone": os.urandom(32)}), "pi", **config)
    said = await failure(running, ConfigurationError)
    assert "The setting 'password' of the connection" in said
    assert "the key 'gone'" in said


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("opcua", "opc.tcp://169.254.169.254:4840"),
        ("pi", "http://169.254.169.254/piwebapi"),
        ("sql", "postgresql://169.254.169.254/plant"),
    ],
)
async def test_an_address_that_is_refused_is_so_when_it_is_opened(
    rolled_back: Database, tmp_path: Path, kind: str, url: str
) -> None:
    """Stored by an older version, or a name that leads there today."""
    settings = Settings(home=tmp_path)
    running = await source(rolled_back, settings, sealer_of(settings), kind, endpoint_url=url)
    assert "not allowed" in await failure(running, ConnectorUnavailable)


async def test_the_list_of_hosts_holds_for_what_runs(rolled_back: Database, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, connector_hosts="10.0.0.0/8")
    running = await source(
        rolled_back, settings, sealer_of(settings), "opcua", endpoint_url="opc.tcp://127.0.0.1:1"
    )
    assert "not among the hosts" in await failure(running, ConnectorUnavailable)
