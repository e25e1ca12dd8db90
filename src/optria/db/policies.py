"""Row-level security of a tenant's table, as the revisions from 0007 on write it.

The tenant is ``app.tenant_id``, set for one transaction; ``app.scope`` = 'platform' sees all. A foreign key
is checked without row-level security, so a write also asks that what the row points to is of the same
tenant, where no composite key says so.
"""

from collections.abc import Iterator, Mapping
from typing import Final

TENANT: Final = "nullif(current_setting('app.tenant_id', true), '')::int"
SCOPE: Final = "current_setting('app.scope', true)"


def guard(
    table: str, references: Mapping[str, str] | None = None, *, owned_by_nobody: bool = False
) -> Iterator[str]:
    """The statements that close ``table`` to every tenant but the one of a row.

    Args:
        references: column to the table whose ``id`` it names.
        owned_by_nobody: rows without a tenant exist and are the platform's.
    """
    visible = f"tenant_id >= {_bound('-2147483647')} AND tenant_id <= {_bound('2147483647')}"
    if owned_by_nobody:
        visible = f"({visible}) OR (tenant_id IS NULL AND (SELECT {SCOPE}) = 'platform')"
    same_tenant = "".join(
        f" AND ({table}.{column} IS NULL OR EXISTS (SELECT 1 FROM {target} AS target"  # noqa: S608
        f" WHERE target.id = {table}.{column} AND target.tenant_id = {table}.tenant_id))"
        for column, target in (references or {}).items()
    )
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"CREATE POLICY tenant_rows ON {table} USING ({visible}) WITH CHECK (({visible}){same_tenant})"


def _bound(of_all: str) -> str:
    """The tenant, or for the platform the end of all numbers: a range, because an index serves no OR."""
    return f"(SELECT CASE WHEN {SCOPE} = 'platform' THEN {of_all} ELSE {TENANT} END)"
