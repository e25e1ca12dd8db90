"""Rows of the audit log as a file, written while they are read: a page of them at a time is in memory."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal

from fastapi.responses import StreamingResponse

from optria.db.identity import AuditLog
from optria.db.session import Tx
from optria.kit import clock
from optria.web.audit_query import AuditQuery, audit_json, read_rows
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.spreadsheets import MARK, download, line

Format = Literal["csv", "json"]
Opening = Callable[[], AbstractAsyncContextManager[Tx]]
MOST_EXPORTED: Final = 50_000
PAGE: Final = 1_000
COLUMNS: Final = (
    "id",
    "created_at",
    "user_id",
    "user_email",
    "action",
    "entity_type",
    "entity_id",
    "old_values",
    "new_values",
    "ip_address",
    "user_agent",
    "tenant_id",
    "sequence",
    "previous_hash",
    "hash",
)


def opened(services: Services, viewer: Viewer, tenant_id: int | None) -> AbstractAsyncContextManager[Tx]:
    """A transaction of a tenant, or for a platform owner of all."""
    if tenant_id is not None:
        return services.database.transaction(tenant_id)
    return services.database.platform(f"audit log exported by user {viewer.user_id}")


async def every_row(opening: Opening, asked: AuditQuery) -> AsyncIterator[Json]:
    """The rows, a page a transaction; what is written meanwhile is newer than the first page."""
    before: int | None = None
    for _page in range(MOST_EXPORTED // PAGE + 1):
        async with opening() as tx:
            found = await read_rows(tx, asked, PAGE, before=before)
        for row, email in found:
            yield audit_json(row, email)
        if len(found) < PAGE:
            return
        last: AuditLog = found[-1][0]
        before = last.id


def as_file(rows: AsyncIterator[Json], kind: Format) -> StreamingResponse:
    """The download, named by the day."""
    name = f"audit-{clock.now():%Y%m%d}"
    if kind == "json":
        return download(_json(rows), f"{name}.json", "application/json")
    return download(_csv(rows), f"{name}.csv", "text/csv; charset=utf-8")


async def _csv(rows: AsyncIterator[Json]) -> AsyncIterator[str]:
    yield MARK + line(COLUMNS)
    async for row in rows:
        yield line(_flat(row[name]) for name in COLUMNS)


def _flat(value: object) -> object:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else value


async def _json(rows: AsyncIterator[Json]) -> AsyncIterator[str]:
    """``{"audit_logs": [row, …]}``."""
    before = '{"audit_logs": [\n'
    async for row in rows:
        yield before + json.dumps(row, ensure_ascii=False)
        before = ",\n"
    yield "\n]}\n" if before == ",\n" else before + "]}\n"
