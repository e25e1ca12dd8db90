"""Migrations add and never take away; what they make is what the tables of the code say."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.sql.schema import SchemaItem

from optria.db.baseline import V1_TABLES
from optria.db.tables import METADATA
from optria.db.upgrade import as_sql, migrations_folder
from optria.db.url import normalise

SQUAWK = Path(sys.executable).with_name("squawk")
CONFIG = Path(__file__).parents[2] / ".squawk.toml"
DESTRUCTIVE = {
    "drop": r"\bDROP\b",
    "rename": r"\bRENAME\b",
    "change of type": r"\bALTER\s+COLUMN\b.*\bTYPE\b|\bSET\s+DATA\s+TYPE\b",
    "new demand on old rows": r"\bSET\s+NOT\s+NULL\b",
    "loss of rows": r"\bTRUNCATE\b|\bDELETE\s+FROM\s+(?!alembic_version)",
    "rewrite of rows": r"\bUPDATE\s+(?!alembic_version)\w+\s+SET\b",
    "trigger": r"\bCREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+)?TRIGGER\b",
    "forced security": r"\bFORCE\s+ROW\s+LEVEL\b",
}
CALLS = re.compile(
    r"op\.(drop_\w+|rename_\w+|alter_column|batch_alter_table|bulk_insert)|\.(drop|rename)\(", re.IGNORECASE
)


def destruction(sql: str) -> list[str]:
    """What a migration's SQL takes away or demands of rows that are there."""
    plain = re.sub(r"--.*", "", sql)
    plain = re.sub(
        r"\bAS\s+(\$\w*\$).*?\1", "", plain, flags=re.DOTALL
    )  # what a function will do when called
    return [name for name, pattern in DESTRUCTIVE.items() if re.search(pattern, plain, re.IGNORECASE)]


def demands_on_v1(sql: str) -> list[str]:
    """New NOT NULL columns of a v1 table without a default."""
    added = re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+) ([^;]*);", sql)
    return [f"{table}.{name}" for table, name, rest in added if "NOT NULL" in rest and "DEFAULT" not in rest]


def squawk(tmp_path: Path, sql: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "migration.sql"
    file.write_text(sql, "utf-8")
    return subprocess.run([SQUAWK, "--config", CONFIG, file], capture_output=True, text=True, check=False)


@pytest.mark.clause("G9")
@pytest.mark.parametrize(("revision", "sql"), as_sql().items(), ids=as_sql().keys())
def test_migration_is_additive_and_safe_on_a_running_database(
    tmp_path: Path, revision: str, sql: str
) -> None:
    assert destruction(sql) == []
    assert demands_on_v1(sql) == []
    checked = squawk(tmp_path, sql)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.clause("G9")
@pytest.mark.parametrize(
    "file", sorted(migrations_folder().glob("versions/*.py")), ids=lambda file: file.stem
)
def test_migration_waits_for_locks_only_so_long_and_calls_nothing_destructive(file: Path) -> None:
    source = file.read_text("utf-8")
    assert CALLS.findall(source) == []
    assert re.search(
        r'def upgrade\(\) -> None:\n(    with .*\n)?\s+op\.execute\("SET (LOCAL )?lock_timeout', source
    )
    assert "def downgrade" not in source


def test_baseline_makes_tables_of_v1_only() -> None:
    made = set(re.findall(r"CREATE TABLE (\w+)", as_sql()["0001"]))
    assert made == V1_TABLES | {"alembic_version"}


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("ALTER TABLE users DROP COLUMN email;", ["drop"]),
        ("ALTER TABLE users RENAME email TO mail;", ["rename"]),
        ("ALTER TABLE users ALTER COLUMN email TYPE text;", ["change of type"]),
        ("ALTER TABLE users ALTER COLUMN email SET NOT NULL;", ["new demand on old rows"]),
        ("UPDATE users SET email = lower(email);", ["rewrite of rows"]),
        ("DELETE FROM users;", ["loss of rows"]),
        ("ALTER TABLE users ADD COLUMN phone text; -- no DROP here", []),
        ("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP TABLE x $$;", []),
        ("DO $$ BEGIN DROP TABLE x; END $$;", ["drop"]),
    ],
)
def test_destruction_is_recognised(sql: str, says: Sequence[str]) -> None:
    assert destruction(sql) == says


def test_squawk_refuses_what_it_should(tmp_path: Path) -> None:
    assert squawk(tmp_path, "ALTER TABLE users DROP COLUMN email;").returncode != 0
    assert squawk(tmp_path, "CREATE INDEX i ON users (email);").returncode != 0
    assert demands_on_v1("ALTER TABLE users ADD COLUMN x int NOT NULL;") == ["users.x"]


def drift(connection: Connection) -> list[object]:
    """Differences between the database and the tables of the code."""

    def ours(
        item: SchemaItem, name: str | None, kind: str, reflected: bool, compare_to: SchemaItem | None
    ) -> bool:
        return not (kind == "table" and (name or "").startswith("history_chunks_"))

    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


async def test_migrated_database_has_the_tables_of_the_code(shared_database: str) -> None:
    address, arguments = normalise(shared_database)
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(drift) == []
        await connection.exec_driver_sql("ALTER TABLE counters ADD COLUMN forgotten int")
        assert len(await connection.run_sync(drift)) == 1
        await connection.rollback()
    await engine.dispose()
