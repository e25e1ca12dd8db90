"""``optria backup`` and ``optria restore``: what was stored comes back whole, or nothing does."""

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import asyncpg
import numpy as np
import pytest
from sqlalchemy import text

from optria.blackbox.sealing import seal_due
from optria.cli.backup import days_of
from optria.cli.verified import Verified, verify
from optria.connectors.secrets import Vault
from optria.core.errors import ConfigurationError
from optria.core.tag import SampleBatch, to_micros
from optria.db.backup import LEFT_OUT, back_up
from optria.db.backup_file import BackupWriter
from optria.db.backup_reading import BackupReader, open_backup
from optria.db.embedded import EmbeddedServer
from optria.db.identity import AuditLog
from optria.db.partitions import ensure_partitions
from optria.db.plant import AssetRow, Integration
from optria.db.restore import migrate_to, restore
from optria.db.retention import Upkeeper
from optria.db.session import Database
from optria.db.tables import TABLES
from optria.db.upgrade import newest
from optria.kit import clock
from optria.kit.backup_keys import opened_keys, sealed_keys, take_keys
from optria.kit.secrets import sealer_of
from optria.kit.settings import Settings
from optria.streams import history
from tests import factories
from tests.blackbox.conftest import SmallPlant, small
from tests.conftest import APP_PASSWORD, create_database, drop_database, numbers, serving_url

__all__ = ["small"]

SAMPLES = 3_000


def silent(_line: str) -> None:
    return None


@asynccontextmanager
async def owner_of(url: str) -> AsyncGenerator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def counted(url: str) -> dict[str, int]:
    """Rows of every table that a backup holds."""
    async with owner_of(url) as owner:
        return {
            table: await owner.fetchval(f'SELECT count(*) FROM "{table}"')
            for table in sorted(TABLES.keys() - LEFT_OUT)
        }


async def hashed(url: str) -> dict[str, str]:
    """Every table's rows as one hash: the same text, whatever the order."""
    async with owner_of(url) as owner:
        await owner.execute("SET timezone = 'UTC'")
        return {
            table: await owner.fetchval(
                f"SELECT md5(string_agg(r, ',' ORDER BY r)) FROM (SELECT t::text AS r FROM \"{table}\" t) x"
            )
            for table in sorted(TABLES.keys() - LEFT_OUT)
        }


async def lived_in(small: SmallPlant) -> None:
    """Samples, a sealed recording, deeds in the audit log, a retired day, somebody signed in."""
    end = clock.now() - timedelta(minutes=5)
    old = clock.now() - timedelta(days=50)
    tag = next(iter(small.plant.mappings_of(small.pumps[0]))).id
    for moment in (end - timedelta(hours=1), old):
        async with small.database.transaction(small.tenant_id) as tx:
            asset = await tx.session.get_one(AssetRow, small.pumps[0])
            span = {"window_start": moment, "window_end": moment + timedelta(minutes=30)}
            await factories.incident(tx, asset, start_time=moment, status="RESOLVED", **span)
            await ensure_partitions(tx.session, moment.date() - timedelta(days=1), 3)
            times = to_micros(moment) + np.arange(SAMPLES, dtype=np.int64) * 1_000_000
            values = np.random.default_rng(7).normal(2.2, 1e-9, SAMPLES)
            quality = np.zeros(SAMPLES, np.uint8)
            await history.write(tx, SampleBatch(np.full(SAMPLES, tag, np.int32), times, values, quality))
            tx.session.add(
                AuditLog(tenant_id=small.tenant_id, action="tested", new_values={"é": [1.5, None]})
            )
    assert await seal_due(small.database) == 2
    await Upkeeper(small.database, Settings(history_days=40)).keep()
    async with small.database.platform("test") as tx:
        await tx.session.execute(
            text(
                "INSERT INTO user_sessions (id, tenant_id, user_id, token_sha256, created_at, last_seen_at,"
                " expires_at) VALUES (gen_random_uuid(), :t, :u, 'x', now(), now(), now() + interval '1 day')"
            ),
            {"t": small.tenant_id, "u": small.engineers[0]},
        )


async def backed_up(url: str, folder: Path, days: int | None = None) -> BackupReader:
    with BackupWriter(folder / "optria.tar") as writer:
        await back_up(url, writer, days, silent)
    return open_backup(folder / "optria.tar")


@pytest.fixture
async def elsewhere(server: EmbeddedServer) -> AsyncGenerator[str]:
    """Owner's URL of an empty database to restore into."""
    name = f"restored_{next(numbers)}"
    await create_database(server, name)
    yield server.url(name)
    await drop_database(server, name)


async def verified(url: str) -> Verified:
    database = Database(serving_url(url))
    try:
        return await verify(database, silent)
    finally:
        await database.dispose()


async def put_back(url: str, reader: BackupReader, *, replace: bool = False) -> int:
    done = await restore(url, reader, silent, replace=replace, password=APP_PASSWORD)
    assert done.revision == newest()
    return done.rows


async def test_all_that_was_stored_comes_back(
    small: SmallPlant, fresh_database: str, elsewhere: str, tmp_path: Path
) -> None:
    await lived_in(small)
    reader = await backed_up(fresh_database, tmp_path)
    rows = await put_back(elsewhere, reader)
    before, after = await counted(fresh_database), await counted(elsewhere)
    assert before == after
    assert rows == sum(after.values())
    assert await hashed(fresh_database) == await hashed(elsewhere)
    found = await verified(elsewhere)
    assert found.is_intact, found.broken
    assert (found.seals, found.audit_rows) == (2, before["audit_logs"])
    async with owner_of(elsewhere) as owner:
        assert await owner.fetchval("SELECT count(*) FROM user_sessions") == 0


async def test_life_goes_on_after_a_restore(
    small: SmallPlant, fresh_database: str, elsewhere: str, tmp_path: Path
) -> None:
    """Numbers go on, the chains too, tenants stay apart, and retired days are not retired again."""
    await lived_in(small)
    await put_back(elsewhere, await backed_up(fresh_database, tmp_path))
    database = Database(serving_url(elsewhere))
    try:
        async with database.transaction(small.tenant_id) as tx:
            user = await factories.user(tx, small.tenant_id)
            tx.session.add(AuditLog(tenant_id=small.tenant_id, action="tested again"))
        assert user.id > max(small.engineers)
        async with database.transaction(small.tenant_id + 1) as tx:
            assert await tx.session.scalar(text("SELECT count(*) FROM blackbox_incidents")) == 0
        done = await Upkeeper(database, Settings(history_days=40)).keep()
        assert done.days == {}
    finally:
        await database.dispose()
    assert (await verified(elsewhere)).is_intact


async def test_a_backup_is_of_one_moment_although_the_product_goes_on(
    small: SmallPlant, fresh_database: str, elsewhere: str, tmp_path: Path
) -> None:
    """After each table somebody commits rows of an early and of a late one."""
    await lived_in(small)
    before, deeds = await counted(fresh_database), count(10_000)

    def meanwhile(_line: str) -> None:
        deed = Thread(target=lambda: asyncio.run(_tenant_with_head(fresh_database, next(deeds))))
        deed.start()
        deed.join()

    with BackupWriter(tmp_path / "optria.tar") as writer:
        await back_up(fresh_database, writer, None, meanwhile)
    await put_back(elsewhere, open_backup(tmp_path / "optria.tar"))
    assert await counted(elsewhere) == before
    assert (await counted(fresh_database))["tenants"] > before["tenants"]


async def _tenant_with_head(url: str, key: int) -> None:
    async with owner_of(url) as owner, owner.transaction():
        await owner.execute("INSERT INTO tenants (id, code, name) VALUES ($1, $2, 'New')", key, str(key))
        await owner.execute("INSERT INTO audit_heads VALUES ($1, 0, repeat('0', 64), now())", key)


@pytest.mark.parametrize("days", [0, 7])
async def test_without_all_samples_recordings_are_still_whole(
    small: SmallPlant, fresh_database: str, elsewhere: str, tmp_path: Path, days: int
) -> None:
    await lived_in(small)
    reader = await backed_up(fresh_database, tmp_path, days)
    await put_back(elsewhere, reader)
    found = await verified(elsewhere)
    assert found.is_intact, found.broken
    assert found.seals == 2
    before, after = await counted(fresh_database), await counted(elsewhere)
    fewer = {table for table in before if before[table] != after[table]}
    assert fewer == ({"history_chunks"} if days == 0 else set())


async def test_a_database_with_rows_is_not_written_over_unless_asked(
    small: SmallPlant, fresh_database: str, tmp_path: Path
) -> None:
    await lived_in(small)
    reader = await backed_up(fresh_database, tmp_path)
    before = await hashed(fresh_database)
    await small.database.dispose()
    with pytest.raises(ConfigurationError, match="not empty"):
        await put_back(fresh_database, reader)
    async with owner_of(fresh_database) as owner:
        await owner.execute("DELETE FROM audit_logs; UPDATE tenants SET name = 'changed'")
    await put_back(fresh_database, reader, replace=True)
    assert await hashed(fresh_database) == before


async def test_a_database_that_is_served_is_not_touched(
    small: SmallPlant, fresh_database: str, tmp_path: Path
) -> None:
    reader = await backed_up(fresh_database, tmp_path)
    async with small.database.platform("test") as tx:
        await tx.session.execute(text("SELECT 1"))
        with pytest.raises(ConfigurationError, match="being served"):
            await put_back(fresh_database, reader, replace=True)


async def test_a_backup_of_an_older_version_is_brought_up_to_date(
    empty_database: str, elsewhere: str, tmp_path: Path
) -> None:
    await migrate_to(empty_database, "0016")
    async with owner_of(empty_database) as owner:
        await owner.execute("INSERT INTO tenants (code, name) VALUES ('OLD', 'Of the version before')")
    reader = await backed_up(empty_database, tmp_path)
    assert reader.header.revision == "0016"
    await put_back(elsewhere, reader)
    async with owner_of(elsewhere) as owner:
        assert await owner.fetchval("SELECT code FROM tenants") == "OLD"


@pytest.mark.parametrize("harm", ["cut", "flipped", "other"])
async def test_a_damaged_backup_is_refused_before_anything_is_changed(
    small: SmallPlant, fresh_database: str, tmp_path: Path, harm: str
) -> None:
    await lived_in(small)
    await backed_up(fresh_database, tmp_path)
    path = tmp_path / "optria.tar"
    content = bytearray(path.read_bytes())
    if harm == "cut":
        content = content[: len(content) // 2]
    elif harm == "flipped":
        with tarfile.open(path) as tar:
            part = next(each for each in tar if each.name.startswith("tables/audit_logs"))
        content[part.offset_data + part.size // 2] ^= 0xFF
    else:
        content = bytearray(b"PGDMP" + os.urandom(5000))
    path.write_bytes(content)
    before = await hashed(fresh_database)
    await small.database.dispose()
    with pytest.raises(ConfigurationError, match=r"damaged|cut off|no backup"):
        await put_back(fresh_database, open_backup(path), replace=True)
    assert await hashed(fresh_database) == before


async def test_a_backup_that_names_other_tables_is_refused(
    small: SmallPlant, fresh_database: str, tmp_path: Path
) -> None:
    backup = await backed_up(fresh_database, tmp_path)
    tables = {**backup.header.tables, "pg_authid": ["rolname"]}
    forged = dataclasses.replace(backup, header=dataclasses.replace(backup.header, tables=tables))
    before = await hashed(fresh_database)
    with pytest.raises(ConfigurationError, match="not of OPTRIA IQ: pg_authid"):
        await put_back(fresh_database, forged, replace=True)
    assert await hashed(fresh_database) == before


async def test_a_restore_that_is_killed_leaves_nothing_half_done(
    small: SmallPlant, fresh_database: str, elsewhere: str, tmp_path: Path
) -> None:
    """kill -9 while the rows come in; the next restore into the same database works."""
    await lived_in(small)
    reader = await backed_up(fresh_database, tmp_path)
    script = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from optria.db.backup_reading import open_backup\n"
        "from optria.db.restore import restore\n"
        "def told(line):\n"
        "    if 'incident_seals' in line: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"asyncio.run(restore({elsewhere!r}, open_backup(Path({str(reader.path)!r})), told,"
        f" password={APP_PASSWORD!r}))\n"
    )
    died = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    left = await counted(elsewhere)
    assert {left[table] for table in ("tenants", "users", "audit_logs", "blackbox_incidents")} == {0}
    await put_back(elsewhere, reader)
    assert await counted(elsewhere) == await counted(fresh_database)


async def test_a_backup_that_is_broken_off_leaves_no_file(fresh_database: str, tmp_path: Path) -> None:
    def interrupted(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), BackupWriter(tmp_path / "optria.tar") as writer:
        await back_up(fresh_database, writer, None, interrupted)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_secrets_open_after_a_restore_with_keys_and_only_with_the_passphrase(
    database: Database, tmp_path: Path
) -> None:
    old, new = Settings(home=tmp_path / "old"), Settings(home=tmp_path / "new")
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
    async with database.transaction(tenant.id) as tx:
        row: Integration = await factories.integration(tx, tenant.id)
        sealed = Vault(sealer_of(old), tenant.id, row.id).seal({"password": "s3cret"})
    keys = sealed_keys(old, "correct horse battery")
    assert "s3cret" not in str(keys)
    with pytest.raises(ConfigurationError, match="passphrase"):
        opened_keys(keys, "another passphrase")
    with pytest.raises(ConfigurationError, match="12 characters"):
        sealed_keys(old, "short")
    sealer_of(new)
    assert take_keys(new, opened_keys(keys, "correct horse battery")) == 1
    assert take_keys(new, opened_keys(keys, "correct horse battery")) == 0
    assert Vault(sealer_of(new), tenant.id, row.id).open(sealed) == {"password": "s3cret"}
    assert (tmp_path / "new" / "secret_keys").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("word", "days"), [("all", None), ("none", 0), ("30", 30)])
def test_words_of_the_history(word: str, days: int | None) -> None:
    assert days_of(word) == days


@pytest.mark.parametrize("word", ["", "-1", "0", "week", "1.5"])
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(ConfigurationError, match="--history"):
        days_of(word)


@pytest.mark.clause("S5")
async def test_the_commands(small: SmallPlant, fresh_database: str, elsewhere: str, tmp_path: Path) -> None:
    """Backup, show, restore elsewhere: as an operator does it, with the figures that are printed."""
    await lived_in(small)
    environment = {
        **os.environ,
        "OPTRIA_HOME": str(tmp_path / "home"),
        "OPTRIA_DATABASE_URL": fresh_database,
        "OPTRIA_APP_DATABASE_URL": serving_url(fresh_database),
        "OPTRIA_BACKUP_PASSPHRASE": "correct horse battery",
    }
    file = str(tmp_path / "b.tar")
    made = await run(environment, "backup", file, "--with-keys")
    assert "rows of" in made
    assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0
    told = await run(environment, "backup", file, "--show")
    assert "Every part is what was written." in told
    assert f"audit_logs: {(await counted(fresh_database))['audit_logs']} rows" in told
    done = await run(
        environment | {"OPTRIA_APP_DATABASE_URL": serving_url(elsewhere), "OPTRIA_DATABASE_URL": elsewhere},
        *("restore", file, "--with-keys", "--yes"),
    )
    assert "Everything is intact." in done
    assert await counted(elsewhere) == await counted(fresh_database)


async def run(environment: dict[str, str], *words: str) -> str:
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "optria", *words],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
