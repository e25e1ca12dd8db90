"""What the tables of tenants point to, read from the catalogue of the database, and a row of each table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Column, Table, insert

from optria.db.session import Tx
from optria.db.tables import METADATA

KEYS = """
    SELECT conrelid::regclass::text AS table, confrelid::regclass::text AS target,
           array(SELECT attname::text FROM unnest(conkey) AS n
                 JOIN pg_attribute ON attrelid = conrelid AND attnum = n) AS columns
    FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    WHERE contype = 'f' AND NOT relispartition AND relnamespace = 'public'::regnamespace
      AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = confrelid AND attname = 'tenant_id')
"""
CHECKS = """
    SELECT polrelid::regclass::text AS table, pg_get_expr(polwithcheck, polrelid) AS demanded
    FROM pg_policy WHERE polwithcheck IS NOT NULL AND polcmd = '*'
"""
SAME_TENANT = re.compile(
    r"FROM (\w+) target\s+WHERE \(\(target\.id = \w+\.(\w+)\) AND"
    r" \((?:target\.tenant_id = \w+\.tenant_id|NOT \(target\.tenant_id IS DISTINCT FROM \w+\.tenant_id\))\)"
)
NAMES_A_ROW = re.compile(r"(_id|_by|assigned_to)$")
STANDS_FOR: Mapping[type, object] = {
    float: 1.0,
    bool: True,
    bytes: b"x",
    object: {},
    list: [],
    Decimal: Decimal(1),
    date: date(2026, 11, 22),
    time: time(12),
    datetime: datetime(2026, 11, 22, tzinfo=UTC),
}


@dataclass(frozen=True, order=True)
class Reference:
    """A column that names a row of a tenant's table."""

    table: str
    column: str
    target: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} -> {self.target}"


async def foreign_keys(owner: asyncpg.Connection) -> dict[Reference, bool]:
    """Each foreign key into a table of tenants: whether it carries the tenant."""
    return {
        Reference(key["table"], column, key["target"]): "tenant_id" in key["columns"]
        for key in await owner.fetch(KEYS)
        for column in key["columns"]
        if column != "tenant_id"
    }


async def checked_by_policy(owner: asyncpg.Connection) -> set[Reference]:
    """References that a policy holds within the tenant."""
    return {
        Reference(row["table"], column, target)
        for row in await owner.fetch(CHECKS)
        for target, column in SAME_TENANT.findall(row["demanded"])
    }


async def unprotected(owner: asyncpg.Connection) -> set[Reference]:
    """Foreign keys that would accept a row of another tenant."""
    keys, checked = await foreign_keys(owner), await checked_by_policy(owner)
    return {reference for reference, with_tenant in keys.items() if not with_tenant} - checked


async def protected(owner: asyncpg.Connection) -> set[Reference]:
    keys = await foreign_keys(owner)
    return {reference for reference, with_tenant in keys.items() if with_tenant} | await checked_by_policy(
        owner
    )


async def loose(owner: asyncpg.Connection) -> set[str]:
    """Columns that by their name point to something, and neither a key nor a policy knows it."""
    known = {(each.table, each.column) for each in await protected(owner) | await unprotected(owner)}
    return {
        f"{table.name}.{column.name}"
        for table in METADATA.tables.values()
        for column in table.columns
        if NAMES_A_ROW.search(column.name)
        and column.name != "tenant_id"
        and (table.name, column.name) not in known
    }


Made = dict[str, dict[str, Any]]
"""Table to the row that was made in it."""


async def furnish(tx: Tx, tenant_id: int, references: set[Reference], tables: set[str]) -> Made:
    """A row of each of ``tables`` for a tenant, each pointing to the tenant's own rows."""
    made: Made = {}
    for table in METADATA.sorted_tables:
        if table.name in tables:
            targets = {each.column: each.target for each in references if each.table == table.name}
            made[table.name] = await _insert(tx, table, tenant_id, targets, made)
    return made


async def _insert(
    tx: Tx, table: Table, tenant_id: int, targets: Mapping[str, str], made: Made
) -> dict[str, Any]:
    values: dict[str, object] = {"tenant_id": tenant_id}
    for column in table.columns:
        if column.name in targets:
            values[column.name] = made[targets[column.name]]["id"]
        elif column.name not in values and _is_demanded(column):
            values[column.name] = _plausible(column, tenant_id)
    made_row = await tx.session.execute(insert(table).values(values).returning(table))
    return dict(made_row.mappings().one())


def _is_demanded(column: Column[Any]) -> bool:
    counts_itself = column.primary_key and column.table.autoincrement_column is column
    return not (column.nullable or column.default or column.server_default or counts_itself)


def _plausible(column: Column[Any], tenant_id: int) -> object:
    """Something that fits, and differs between tenants where it may have to be unique."""
    kind = column.type.python_type
    return {str: f"x{tenant_id}", int: tenant_id, UUID: UUID(int=tenant_id)}.get(kind) or STANDS_FOR[kind]
