"""The audit log over HTTP: who did what, and whether the chain of it is whole."""

from functools import partial
from typing import Annotated, Final

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse

from optria.core.errors import Invalid
from optria.core.roles import Permission
from optria.db.audit_check import check_chain
from optria.web.audit_export import MOST_EXPORTED, Format, as_file, every_row, opened
from optria.web.audit_query import AuditQuery, audit_json, count_rows, read_rows
from optria.web.bodies import LARGEST_ID
from optria.web.deps import Given, IdFilter, Limit, Offset, OpenTx, TenantChoice, require, tenant_of
from optria.web.moments import EdgeOfSpan
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.texts import Text

router = api_router(
    prefix="/api/audit-logs", tags=["audit"], dependencies=[require(Permission.VIEW_AUDIT_LOG)]
)

Reading = Annotated[Viewer, require(Permission.VIEW_AUDIT_LOG)]
Action = Annotated[Text | None, Query(max_length=100)]
EntityType = Annotated[Text | None, Query(max_length=50)]
From = Annotated[EdgeOfSpan | None, Query(alias="from", description="The first moment.")]
To = Annotated[EdgeOfSpan | None, Query(description="The moment after the last.")]
Words = Annotated[Text, Query(max_length=100, description="Part of any word of a row.")]
Before = Annotated[
    int | None, Query(ge=1, le=LARGEST_ID, description="The id of the last row of the page before.")
]
Newest = Annotated[int, Query(ge=1, le=20_000, description="How many of the last rows are checked.")]
NEWEST: Final = 5_000


def asked_for(
    user_id: IdFilter = None,
    action: Action = None,
    entity_type: EntityType = None,
    entity_id: IdFilter = None,
    start: From = None,
    to: To = None,
    text: Words = "",
) -> AuditQuery:
    return AuditQuery(user_id, action, entity_type, entity_id, start, to, text)


Asked = Annotated[AuditQuery, Depends(asked_for)]


@router.get("", summary="List what people did")
async def list_audit_logs(
    tx: OpenTx,
    asked: Asked,
    before: Before = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Json:
    """The newest first. ``sequence`` and ``hash`` are null in rows of version 1, which belong to no chain.

    A platform owner sees every tenant's rows, or those of ``tenant_id``.
    """
    page = await read_rows(tx, asked, limit, offset, before)
    return {
        "audit_logs": [audit_json(row, email) for row, email in page],
        "total": await count_rows(tx, asked),
        "limit": limit,
        "offset": offset,
    }


@router.get("/export", summary="Take rows along as CSV or JSON", response_class=StreamingResponse)
async def export_audit_logs(
    viewer: Reading,
    services: Given,
    asked: Asked,
    format: Annotated[Format, Query(description="csv, or json.")] = "csv",  # noqa: A002
    tenant: TenantChoice = None,
) -> StreamingResponse:
    """The filtered rows, the newest first, at most 50,000; more are refused, so that nothing is left out
    unseen. In CSV a cell that a spreadsheet would calculate begins with an apostrophe."""
    tenant_id = tenant_of(viewer, tenant)
    async with opened(services, viewer, tenant_id) as tx:
        total = await count_rows(tx, asked)
    if total > MOST_EXPORTED:
        raise Invalid(f"{total:,} rows are more than {MOST_EXPORTED:,}: choose a shorter time.")
    rows = every_row(partial(opened, services, viewer, tenant_id), asked)
    return as_file(rows, format)


@router.get("/verify", summary="Check the end of the chain")
async def verify_audit_log(tx: OpenTx, newest: Newest = NEWEST) -> Json:
    """Checks the last rows of one chain: the tenant's, or without ``tenant_id`` a platform owner's own deeds.

    ``checked_from`` 1 means the whole chain was checked; the hash before a later one is believed, and
    `optria audit verify` checks everything. ``first_bad`` names the first row that is not as it was written.
    """
    report = await check_chain(tx, tx.tenant_id, newest=newest)
    bad = report.first_bad
    return {
        "tenant_id": tx.tenant_id,
        "intact": bad is None,
        "length": report.length,
        "checked": report.checked,
        "checked_from": max(1, report.length - newest + 1),
        "unchained": report.unchained,
        "first_bad": None if bad is None else {"sequence": bad.sequence, "reason": bad.reason},
    }
