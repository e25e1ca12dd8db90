"""``optria audit`` tells a broken chain, and the ends of all chains to keep elsewhere."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from optria.db.identity import AuditLog
from optria.db.session import Database
from tests import factories

Audit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def audit(fresh_database: str, serving: Callable[[str], str], tmp_path: Path) -> Audit:
    """Runs ``optria audit`` with some words on the database of the test."""
    environment = {
        **os.environ,
        "OPTRIA_HOME": str(tmp_path),
        "OPTRIA_APP_DATABASE_URL": serving(fresh_database),
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "optria", "audit", *words]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


async def write(database: Database, code: str, rows: int) -> int:
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx, code=code)).id
    for _ in range(rows):
        async with database.transaction(tenant_id) as tx:
            tx.session.add(AuditLog(tenant_id=tenant_id, action="deed"))
    return tenant_id


async def test_whole_chains_are_said_to_be_whole(database: Database, audit: Audit) -> None:
    await write(database, "NORTH", 3)
    await write(database, "SOUTH", 0)
    ran = audit("verify")
    assert ran.returncode == 0, ran.stderr
    assert "NORTH: intact, 3 rows" in ran.stdout
    assert "Chains: 3, rows checked: 3, broken: 0." in ran.stdout


async def test_a_broken_chain_is_said_with_its_first_bad_row(
    database: Database, audit: Audit, fresh_database: str
) -> None:
    await write(database, "NORTH", 3)
    await write(database, "SOUTH", 2)
    owner = await asyncpg.connect(fresh_database)
    await owner.execute("UPDATE audit_logs SET user_id = 9 WHERE sequence >= 2 AND tenant_id = 1")
    await owner.execute("INSERT INTO audit_logs (tenant_id, action) VALUES (2, 'login')")
    await owner.close()
    ran, south = audit("verify"), audit("verify", "--tenant", "SOUTH")
    assert ran.returncode == 1
    assert "NORTH: BROKEN at row 2 of 3: the row was changed" in ran.stdout
    assert "broken: 1." in ran.stdout
    assert south.returncode == 0
    assert "SOUTH: intact, 2 rows, 1 rows of version 1 not chained" in south.stdout
    assert "NORTH" not in south.stdout


async def test_heads_kept_elsewhere_show_what_was_cut_off(
    database: Database, audit: Audit, fresh_database: str, tmp_path: Path
) -> None:
    tenant_id = await write(database, "NORTH", 3)
    exported = audit("heads")
    (head,) = [json.loads(line) for line in exported.stdout.splitlines()]
    assert (head["tenant_id"], head["tenant"], head["sequence"]) == (tenant_id, "NORTH", 3)
    assert head.keys() == {"tenant_id", "tenant", "sequence", "hash", "time"}
    kept = tmp_path / "heads.jsonl"
    kept.write_text(exported.stdout + "\n", "utf-8")
    assert audit("verify", "--heads", str(kept)).returncode == 0
    owner = await asyncpg.connect(fresh_database)
    await owner.execute("DELETE FROM audit_logs; DELETE FROM audit_heads")
    await owner.close()
    assert audit("verify").returncode == 0
    ran = audit("verify", "--heads", str(kept))
    assert ran.returncode == 1
    assert "NORTH: BROKEN at row 1 of 0" in ran.stdout


def test_what_cannot_be_checked_is_said_in_a_sentence(audit: Audit, tmp_path: Path) -> None:
    odd = tmp_path / "odd.jsonl"
    odd.write_text('{"tenant_id": "x", "sequence": 1, "hash": "y"}', "utf-8")
    for words, says in (
        (("verify", "--tenant", "NOWHERE"), "There is no tenant with the code NOWHERE."),
        (("verify", "--heads", str(tmp_path / "none")), "cannot be read"),
        (("verify", "--heads", str(odd)), "Line 1 of"),
    ):
        ran = audit(*words)
        assert ran.returncode == 1
        assert ran.stderr.startswith("optria: ")
        assert says in ran.stderr
