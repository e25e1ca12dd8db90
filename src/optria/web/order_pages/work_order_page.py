"""``/work-orders``: board or list, one order beside it (``?id=``), from the views that the API answers."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from optria.core.errors import NotFound
from optria.core.roles import Permission, can
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.bodies import LARGEST_ID
from optria.web.deps import Given, OpenTx, RowId, require
from optria.web.frame import shell_for
from optria.web.order_pages.work_order_board import ROWS, columns, latest_lines, moves, offers
from optria.web.order_pages.work_order_signal import Standing, most_telling
from optria.web.orders.history_words import history_line
from optria.web.orders.work_order_causes import cause_choices
from optria.web.orders.work_order_detail import newest_incident, order_detail
from optria.web.orders.work_order_views import (
    SORTS,
    assignable,
    find_order,
    list_orders,
    visible_counts,
)
from optria.web.page_words import causes_in, keep_codes
from optria.web.rendering import render_page, translate
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.work import assignment
from optria.work.on_call import on_call_at

router = api_router(tags=["work orders"])

Seeing = Annotated[Viewer, require(Permission.VIEW_WORK_ORDERS)]
Word = Annotated[str, Query(max_length=100)]
Flag = Annotated[bool, Query()]
PRIORITIES: Final = ("emergency", "high", "medium", "low")


@router.get("/work-orders", include_in_schema=False)
async def work_orders_page(
    request: Request,
    viewer: Seeing,
    tx: OpenTx,
    services: Given,
    chosen: Annotated[int | None, Query(alias="id", ge=1, le=LARGEST_ID)] = None,
    view: Word = "board",
    mine: Flag = False,
    auto: Flag = False,
    overdue: Flag = False,
    q: Word = "",
    priority: Word = "",
    status: Word = "",
    asset: Annotated[str, Query(pattern=r"^\d{0,9}$")] = "",
    sort: Word = "urgency",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    asked = {
        "view": view,
        "mine": mine or "",
        "auto": auto or "",
        "overdue": overdue or "",
        "q": q,
        "priority": priority,
        "status": status,
        "asset": asset,
        "sort": sort if sort.removeprefix("-") in SORTS else "urgency",
        "page": page if page > 1 else "",
    }
    filters = {
        "assigned_to": viewer.user_id if mine else None,
        "auto": auto,
        "overdue": overdue,
        "q": q,
        "priority": priority,
        "asset_id": int(asset) if asset else None,
        "stands": status if view == "list" else "",
    }
    board, rows = await _shown(tx, viewer, filters, asked)
    order, choices = await _chosen(tx, viewer, chosen)
    may_create = can(viewer.role, Permission.CREATE_WORK_ORDERS) and tx.tenant_id is not None
    return render_page(
        request,
        "work_orders.html",
        await shell_for(tx, viewer, "work_orders"),
        board=board,
        rows=rows,
        pages=_pages(rows),
        seen=await latest_lines(tx, _ids(board, rows)),
        counts=await visible_counts(tx, viewer),
        order=order,
        missing=chosen is not None and order is None,
        asked=asked | {"id": chosen},
        filtered=[name for name in ("q", "priority", "status", "asset") if asked[name]],
        now=clock.now(),
        may_create=may_create,
        people=await assignable(tx, tx.tenant_id) if may_create and tx.tenant_id else [],
        assets=await _assets(tx) if tx.tenant_id is not None else [],
        priorities=PRIORITIES,
        choices=choices,
        telling=await _telling(tx, services, viewer, order),
        moves=moves(viewer),
        offers=offers(viewer),
        me=viewer.user_id,
        may_note_sensitive=can(viewer.role, Permission.VIEW_SENSITIVE_NOTES),
        cause_word=causes_in(viewer.language),
        keep_codes=keep_codes,
        history_line=_teller(order, viewer.language),
    )


@router.get("/work-orders/{work_order_id}", include_in_schema=False)
async def work_order_page(viewer: Seeing, tx: OpenTx, work_order_id: RowId) -> Response:
    """The address of one order: the board with it opened."""
    await find_order(tx, viewer, work_order_id)
    return RedirectResponse(f"/work-orders?id={work_order_id}", 303)


async def _shown(
    tx: Tx, viewer: Viewer, filters: Mapping[str, object], asked: Mapping[str, object]
) -> tuple[dict[str, Json], Json | None]:
    """The columns of the board, or a page of the list."""
    if asked["view"] != "list":
        return await columns(tx, viewer, filters), None
    first = (int(str(asked["page"] or 1)) - 1) * ROWS
    return {}, await list_orders(tx, viewer, filters, ROWS, first, str(asked["sort"]))


def _pages(rows: Json | None) -> int:
    total = rows["total"] if rows else 0
    return -(-total // ROWS) if isinstance(total, int) else 0


def _ids(board: dict[str, Json], rows: Json | None) -> list[object]:
    pages = [*board.values(), *([rows] if rows else [])]
    found = [order for page in pages for order in _orders(page)]
    return [order["id"] for order in found]


def _orders(page: Json) -> list[Json]:
    orders = page["work_orders"]
    assert isinstance(orders, list)
    return orders


async def _chosen(tx: Tx, viewer: Viewer, order_id: int | None) -> tuple[Json | None, Json | None]:
    """The order beside the board, and the causes that may be said of it."""
    if order_id is None:
        return None, None
    try:
        row = await find_order(tx, viewer, order_id)
    except NotFound:
        return None, None
    choices = await cause_choices(tx, row, await newest_incident(tx, row))
    detail = await order_detail(tx, viewer, row)
    return detail | {"is_on_call": await _is_on_call(tx, row)}, choices


async def _telling(tx: Tx, services: Services, viewer: Viewer, order: Json | None) -> Standing | None:
    """Of work that is not done: how the asset is now."""
    if order is None or order["status"] in ("completed", "closed", "cancelled"):
        return None
    row = await tx.session.get(WorkOrderRow, order["id"])
    return await most_telling(tx, services, viewer, row) if row else None


async def _is_on_call(tx: Tx, row: WorkOrderRow) -> bool:
    """Whether the one who has the order is on call for its site now."""
    if row.assigned_to is None:
        return False
    asset = await tx.session.get(AssetRow, row.asset_id) if row.asset_id else None
    able = {user.id for user in await assignment.engineers(tx, row.tenant_id)}
    claim = await on_call_at(tx, row.tenant_id, asset.site_id if asset else None, clock.now(), able)
    return claim is not None and claim.turn.user_id == row.assigned_to


def _teller(order: Json | None, language: str) -> Callable[[str, str], str]:
    """Says a line of the order's history; lines of its checklist in the words of the checklist."""
    lines = order["checklist"] if order else []
    assert isinstance(lines, list)
    actions = (
        {line["text"]: line.get("text_ar") or line["text"] for line in lines} if language == "ar" else {}
    )

    def tell(kind: str, body: str) -> str:
        said = actions.get(body, body) if kind in ("ticked", "unticked") else body
        return history_line(kind, said, translate, causes_in(language))

    return tell


async def _assets(tx: Tx) -> list[tuple[int, str, str, int | None]]:
    query = select(AssetRow).where(AssetRow.is_active.is_not(False)).order_by(AssetRow.code)
    return [(row.id, row.code, row.name, row.site_id) for row in await tx.session.scalars(query)]
