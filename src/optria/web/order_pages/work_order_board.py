"""The board: its columns, the pages of the list, and where a card may go and why it may not."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import func, select

from optria.core.roles import can
from optria.core.work_order import VERBS, WorkOrderStatus, verb_between
from optria.db.session import Tx
from optria.db.work import WorkOrderHistory
from optria.web.orders.work_order_views import list_orders
from optria.web.rendering import translate
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.words import _

COLUMNS: Final = (
    WorkOrderStatus.PENDING_APPROVAL,
    WorkOrderStatus.OPEN,
    WorkOrderStatus.IN_PROGRESS,
    WorkOrderStatus.COMPLETED,
)
CARDS: Final = 60
"""The most of one column; the head says how many more there are."""
ROWS: Final = 50
"""One page of the list."""


VERB_WORDS: Final = {
    "approve": _("Approve"),
    "start": _("Start work"),
    "complete": _("Complete"),
    "close": _("Close order"),
    "reopen": _("Reopen"),
    "pause": _("Back to open"),
    "cancel": _("Cancel order"),
}
_FINISHED: Final = _("It is finished: make a new work order for more work.")
_WHY_NOT: Final = {
    "approve": _("Only an optimization engineer or a tenant admin approves."),
    "cancel": _("Only an optimization engineer or a tenant admin cancels."),
}
_YOUR_ROLE: Final = _("Your role may not do this to a work order.")


async def columns(tx: Tx, viewer: Viewer, filters: Mapping[str, object]) -> dict[str, Json]:
    """Of each column its first cards and the ``total``: the most urgent first, the last completed first."""
    found: dict[str, Json] = {}
    for status in COLUMNS:
        order = "-completed" if status is WorkOrderStatus.COMPLETED else "urgency"
        narrowed = {**filters, "stands": status}
        found[status.value] = await list_orders(tx, viewer, narrowed, CARDS, sort=order)
    return found


async def latest_lines(tx: Tx, order_ids: Sequence[object]) -> dict[int, int]:
    """The newest line of each order's history: what came after it, somebody has not seen yet."""
    query = (
        select(WorkOrderHistory.work_order_id, func.max(WorkOrderHistory.id))
        .where(WorkOrderHistory.work_order_id.in_(order_ids))
        .group_by(WorkOrderHistory.work_order_id)
    )
    return {row[0]: row[1] for row in await tx.session.execute(query)}


def moves(viewer: Viewer) -> dict[str, dict[str, Json]]:
    """From each status to each other: the verb and its word, or why not, in the language of the page."""
    return {
        here.value: {there.value: _move(viewer, here, there) for there in WorkOrderStatus if there != here}
        for here in WorkOrderStatus
    }


def _move(viewer: Viewer, here: WorkOrderStatus, there: WorkOrderStatus) -> Json:
    name = verb_between(here, there)
    if name is None:
        return {"why": translate(_no_way(here, there))}
    if not can(viewer.role, VERBS[name].needs):
        return {"why": translate(_WHY_NOT.get(name, _YOUR_ROLE))}
    return {"verb": name, "word": translate(VERB_WORDS[name])}


def _no_way(here: WorkOrderStatus, there: WorkOrderStatus) -> str:
    """Why no verb leads from one status to another."""
    if here in (WorkOrderStatus.CLOSED, WorkOrderStatus.CANCELLED):
        return _FINISHED
    if here is WorkOrderStatus.PENDING_APPROVAL:
        return _("It waits for approval: approve it first.")
    if there is WorkOrderStatus.PENDING_APPROVAL:
        return _("An approval is not taken back.")
    if here is WorkOrderStatus.COMPLETED:
        return _("Completed work is reopened: move it to In progress.")
    return _("The work is completed first, then the order is closed.")


def offers(viewer: Viewer) -> dict[str, list[Json]]:
    """For each status the moves that the viewer may make, for the menu of a card."""
    table: dict[str, list[Json]] = {}
    for here, targets in moves(viewer).items():
        table[here] = [{"there": there, **move} for there, move in targets.items() if "verb" in move]
    return table
