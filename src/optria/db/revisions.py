"""What a database says of its tables: their revision, and which older programs may go on with them.

The latter is a comment on the table of the revision, written by the program that upgraded: an older program
cannot know what later migrations did, so it is told.
"""

import re

from sqlalchemy import Connection, text

_EXISTS = text("SELECT to_regclass('public.alembic_version')")
_REVISION = text("SELECT version_num FROM alembic_version")
_SAID = text("SELECT obj_description('public.alembic_version'::regclass, 'pg_class')")


def read(connection: Connection) -> tuple[str | None, str | None]:
    """The revision (None: there is none), and the newest revision that the oldest fitting program knows."""
    if connection.scalar(_EXISTS) is None:
        return None, None
    said = re.search(r"programs since (\d+)", connection.scalar(_SAID) or "")
    return connection.scalar(_REVISION), said[1] if said else None


def serves(program: str, since: str | None) -> bool:
    """Whether a program whose newest revision is ``program`` may serve tables that are newer."""
    return since is not None and program >= since


def declare(connection: Connection, since: str) -> None:
    """Say that programs may go on whose newest revision is ``since``."""
    connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS 'programs since {int(since):04}'")
