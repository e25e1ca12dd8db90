"""Is a database one of the existing application? Its tables are compared with the baseline revision's."""

from collections.abc import Callable

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from optria.db.base import Base
from optria.db.tables import TABLES

V1_TABLES = TABLES.keys() & {
    mapper.class_.__tablename__ for mapper in Base.registry.mappers if mapper.class_.__v1__
}
SCRATCH = "optria_baseline"

Column = tuple[str, int | None, bool]
"""Type, length (None: any), whether an insert must name it."""


def differences(connection: Connection, make_baseline: Callable[[], None]) -> list[str]:
    """What the database lacks, or has of another type, compared with the baseline; empty when it fits.

    The baseline is made in a schema of its own inside the transaction, which the caller rolls back.
    """
    connection.execute(text(f"CREATE SCHEMA {SCRATCH}"))
    connection.execute(text(f"SET LOCAL search_path = {SCRATCH}"))
    with Operations.context(MigrationContext.configure(connection)):
        make_baseline()
    wanted, present = _columns(connection, SCRATCH), _columns(connection, "public")
    connection.execute(text("SET LOCAL search_path = public"))
    tables = {table for table, _ in present}
    missing = [f"table {table} is missing" for table in sorted({table for table, _ in wanted} - tables)]
    odd = [
        problem
        for (table, name), column in sorted(wanted.items())
        if table in tables and (problem := _problem(f"{table}.{name}", column, present.get((table, name))))
    ]
    return missing + odd


def _problem(name: str, wanted: Column, present: Column | None) -> str | None:
    if present is None:
        return f"column {name} is missing"
    if present[0] != wanted[0]:
        return f"column {name} is {present[0]}, not {wanted[0]}"
    if present[1] is not None and (wanted[1] is None or present[1] < wanted[1]):
        return f"column {name} is too short"
    if present[2] and not wanted[2]:
        return f"column {name} must be named by every insert"
    return None


def _columns(connection: Connection, schema: str) -> dict[tuple[str, str], Column]:
    rows = connection.execute(
        text(
            """
            SELECT table_name, column_name, udt_name, character_maximum_length,
                   is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
            FROM information_schema.columns WHERE table_schema = :schema
            """
        ),
        {"schema": schema},
    )
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows}
