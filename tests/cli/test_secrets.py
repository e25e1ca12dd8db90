"""``optria secrets``: rotation with two keys, and what is counted."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from optria.cli.secrets import UNREADABLE, count_all, rotate_all
from optria.connectors.secrets import MARK, PLAIN, Vault
from optria.db.delivery import WebhookRow
from optria.db.plant import Integration
from optria.db.session import Database
from optria.kit.secrets import Sealer, sealer_of
from optria.kit.settings import Settings
from optria.work.delivery_webhooks import place_of_secret
from tests import factories

OLD, NEW = os.urandom(32), os.urandom(32)
PLAIN_CONFIG = {"endpoint_url": "http://pi", "password": "s3cret", "nested": {"api_key": "k"}}


async def tenant(database: Database) -> int:
    async with database.platform("test") as tx:
        return (await factories.tenant(tx)).id


async def connection(database: Database, tenant_id: int, sealer: Sealer | None) -> Integration:
    """With two secrets, sealed unless it is version 1's."""
    async with database.transaction(tenant_id) as tx:
        row = await factories.integration(tx, tenant_id, integration_type="pi", config=PLAIN_CONFIG)
        if sealer is not None:
            row.config = Vault(sealer, tenant_id, row.id).seal(PLAIN_CONFIG)
    return row


async def webhook(database: Database, tenant_id: int, sealer: Sealer) -> WebhookRow:
    async with database.transaction(tenant_id) as tx:
        row = WebhookRow(tenant_id=tenant_id, name="Hook", url="https://hook.test/", min_severity="MAJOR")
        tx.session.add(row)
        await tx.session.flush()
        row.secret = sealer.seal("w", *place_of_secret(tenant_id, row.id))
    return row


async def config(database: Database, row: Integration) -> dict[str, object]:
    async with database.transaction(row.tenant_id) as tx:
        return dict((await tx.session.get_one(Integration, row.id, populate_existing=True)).config)


async def test_everything_is_sealed_with_the_first_key_and_opens_with_it_alone(
    rolled_back: Database,
) -> None:
    old, both, new = Sealer({"old": OLD}), Sealer({"new": NEW, "old": OLD}), Sealer({"new": NEW})
    tenants = [await tenant(rolled_back) for _ in range(2)]
    sealed = [await connection(rolled_back, each, old) for each in tenants]
    plain = await connection(rolled_back, tenants[0], None)
    hook = await webhook(rolled_back, tenants[1], old)
    before = await count_all(rolled_back)
    done = await rotate_all(rolled_back, both)
    again = await rotate_all(rolled_back, both)
    assert before == {"old": 5, PLAIN: 2}
    assert (done.renewed, done.failed, again.renewed) == (7, [], 0)
    assert await count_all(rolled_back) == {"new": 7}
    for row in (*sealed, plain):
        stored = await config(rolled_back, row)
        assert "s3cret" not in str(stored)
        assert Vault(new, row.tenant_id, row.id).open(stored) == PLAIN_CONFIG
    async with rolled_back.transaction(hook.tenant_id) as tx:
        kept = await tx.session.get_one(WebhookRow, hook.id, populate_existing=True)
        assert kept.secret is not None
        assert new.open(kept.secret, *place_of_secret(hook.tenant_id, hook.id)) == "w"


async def test_what_does_not_open_is_named_and_left_and_the_rest_goes_on(rolled_back: Database) -> None:
    tenant_id = await tenant(rolled_back)
    lost = await connection(rolled_back, tenant_id, Sealer({"lost": os.urandom(32)}))
    broken = await connection(rolled_back, tenant_id, None)
    async with rolled_back.transaction(tenant_id) as tx:
        (await tx.session.get_one(Integration, broken.id)).config = {"password": {MARK: "nonsense"}}
    good = await connection(rolled_back, tenant_id, None)
    stored = await config(rolled_back, lost)
    done = await rotate_all(rolled_back, Sealer({"new": NEW}))
    assert done.renewed == 2
    assert len(done.failed) == 2
    assert f"Connection {lost.id} ({lost.name}) of tenant {tenant_id}" in done.failed[0]
    assert "the key 'lost'" in done.failed[0]
    assert await config(rolled_back, lost) == stored
    assert await count_all(rolled_back) == {"new": 2, "lost": 2, UNREADABLE: 1}
    assert "s3cret" not in str(await config(rolled_back, good))


def written(**keys: bytes) -> str:
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


@pytest.fixture
def run(fresh_database: str, serving: Callable[[str], str], tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs ``optria secrets`` with a word and some keys on the database of the test."""

    def ran(word: str, keys: str) -> tuple[int, str]:
        environment = {
            **os.environ,
            "OPTRIA_HOME": str(tmp_path),
            "OPTRIA_APP_DATABASE_URL": serving(fresh_database),
            "OPTRIA_SECRET_KEYS": keys,
        }
        command = [sys.executable, "-m", "optria", "secrets", word]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return ran


async def test_two_keys_rotate_on_the_command_line(
    database: Database, run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, secret_keys=SecretStr(written(old=OLD)))
    await connection(database, await tenant(database), sealer_of(settings))
    assert run("status", written(old=OLD)) == (0, "old: 2 (this key encrypts)\n")
    code, said = run("status", written(new=NEW))
    assert (code, said.splitlines()[0]) == (0, "new: 0 (this key encrypts)")
    assert said.splitlines()[1].startswith("old: 2: this key is missing")
    code, said = run("rotate", written(new=NEW))
    assert code == 1
    assert "the key 'old', which is not among the keys" in said
    assert run("rotate", written(new=NEW, old=OLD)) == (0, "Encrypted anew with the key 'new': 2.\n")
    assert run("status", written(new=NEW)) == (0, "new: 2 (this key encrypts)\n")
    code, said = run("status", "nonsense")
    assert (code, "Entry 1 of OPTRIA_SECRET_KEYS is not a key" in said) == (1, True)
