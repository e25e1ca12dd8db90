"""``/work-orders``: board or list, one order beside it (``?id=``), from the views that the API answers."""

from typing import Annotated, Final

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from optria.core.errors import NotFound
from optria.core.roles import Permission, can
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.bodies import LARGEST_ID
from optria.web.deps import OpenTx, RowId, require
from optria.web.frame import shell_for
from optria.web.orders.history_words import history_line
from optria.web.orders.work_order_causes import cause_choices
from optria.web.orders.work_order_detail import newest_incident, order_detail
from optria.web.orders.work_order_views import (
    assignable,
    by_status,
    by_urgency,
    find_order,
    list_orders,
    visible_counts,
)
from optria.web.page_words import causes_in, keep_codes
from optria.web.rendering import render_page, translate
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(tags=["work orders"])

Seeing = Annotated[Viewer, require(Permission.VIEW_WORK_ORDERS)]
Word = Annotated[str, Query(max_length=100)]
Flag = Annotated[bool, Query()]
MOST_SHOWN: Final = 300
PRIORITIES: Final = ("emergency", "high", "medium", "low")


@router.get("/work-orders", include_in_schema=False)
async def work_orders_page(
    request: Request,
    viewer: Seeing,
    tx: OpenTx,
    chosen: Annotated[int | None, Query(alias="id", ge=1, le=LARGEST_ID)] = None,
    view: Word = "board",
    mine: Flag = False,
    auto: Flag = False,
    overdue: Flag = False,
    q: Word = "",
) -> Response:
    filters = {
        "assigned_to": viewer.user_id if mine else None,
        "auto": auto,
        "overdue": overdue,
        "q": q,
    }
    found = await list_orders(tx, viewer, filters, MOST_SHOWN)
    orders = found["work_orders"]
    assert isinstance(orders, list)
    order, choices = await _chosen(tx, viewer, chosen)
    may_create = can(viewer.role, Permission.CREATE_WORK_ORDERS) and tx.tenant_id is not None
    return render_page(
        request,
        "work_orders.html",
        await shell_for(tx, viewer, "work_orders"),
        found=found,
        ordered=by_urgency(orders),
        columns=by_status(orders),
        counts=await visible_counts(tx, viewer),
        order=order,
        missing=chosen is not None and order is None,
        asked={"view": view, "mine": mine, "auto": auto, "overdue": overdue, "q": q, "id": chosen},
        now=clock.now(),
        may_create=may_create,
        people=await assignable(tx, tx.tenant_id) if may_create and tx.tenant_id else [],
        assets=await _assets(tx) if may_create else [],
        priorities=PRIORITIES,
        choices=choices,
        cause_word=causes_in(viewer.language),
        keep_codes=keep_codes,
        history_line=lambda kind, body: history_line(kind, body, translate, causes_in(viewer.language)),
    )


@router.get("/work-orders/{work_order_id}", include_in_schema=False)
async def work_order_page(viewer: Seeing, tx: OpenTx, work_order_id: RowId) -> Response:
    """The address of one order: the board with it opened."""
    await find_order(tx, viewer, work_order_id)
    return RedirectResponse(f"/work-orders?id={work_order_id}", 303)


async def _chosen(tx: Tx, viewer: Viewer, order_id: int | None) -> tuple[Json | None, Json | None]:
    """The order beside the board, and the causes that may be said of it."""
    if order_id is None:
        return None, None
    try:
        row = await find_order(tx, viewer, order_id)
    except NotFound:
        return None, None
    choices = await cause_choices(tx, row, await newest_incident(tx, row))
    return await order_detail(tx, viewer, row), choices


async def _assets(tx: Tx) -> list[tuple[int, str, str]]:
    query = select(AssetRow).where(AssetRow.is_active.is_not(False)).order_by(AssetRow.code)
    return [(row.id, row.code, row.name) for row in await tx.session.scalars(query)]
