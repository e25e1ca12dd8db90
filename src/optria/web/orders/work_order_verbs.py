"""What may be done with a work order as it stands, and by whom: one table of verbs."""

from typing import Final

from optria.core.errors import Invalid
from optria.core.roles import Permission, can
from optria.core.work_order import ACTIVE_STATUSES, VERBS, Verb, WorkOrderStatus, verb_between
from optria.db.work import WorkOrderRow
from optria.web.sessions import Viewer
from optria.work.orders import status_of

FINISHED: Final = (WorkOrderStatus.CLOSED, WorkOrderStatus.CANCELLED)
"""An order here no longer changes; it still takes notes."""


_OTHERS: Final = {"note": Permission.UPDATE_WORK_ORDERS, "assign": Permission.CREATE_WORK_ORDERS}


def permitted(viewer: Viewer, row: WorkOrderRow) -> list[str]:
    """The verbs that the viewer may use on the order as it stands, with ``note`` and ``assign``."""
    here = status_of(row)
    needs = {name: verb.needs for name, verb in VERBS.items() if here in verb.sources} | _OTHERS
    names = [name for name, permission in needs.items() if can(viewer.role, permission)]
    return [name for name in names if name != "assign" or here in ACTIVE_STATUSES]


def may_correct(viewer: Viewer, row: WorkOrderRow) -> bool:
    """Whether the viewer may give a better word for the cause of a finished order."""
    done = status_of(row) in (WorkOrderStatus.COMPLETED, WorkOrderStatus.CLOSED)
    return done and can(viewer.role, Permission.UPDATE_WORK_ORDERS)


def check_verb(row: WorkOrderRow, name: str) -> None:
    """Raises Invalid when a verb does not lead on from where the order is."""
    if status_of(row) not in VERBS[name].sources:
        raise Invalid(f"A work order that is {_words(status_of(row))} cannot be {VERBS[name].done}.")


def check_not_finished(row: WorkOrderRow) -> None:
    """Raises Invalid for an order that no longer changes."""
    if status_of(row) in FINISHED:
        raise Invalid(f"A work order that is {_words(status_of(row))} no longer changes. Add a note to it.")


def check_assignable(row: WorkOrderRow) -> None:
    """Raises Invalid for an order whose work is done."""
    if status_of(row) not in ACTIVE_STATUSES:
        raise Invalid("A finished work order cannot be given to someone else.")


def verb_to(row: WorkOrderRow, there: str) -> Verb:
    """The verb that leads from where an order is to a status. Raises Invalid: none does."""
    name = verb_between(status_of(row), there)
    if name is None:
        raise Invalid(f"A work order that is {_words(status_of(row))} cannot become {_words(there)}.")
    return VERBS[name]


def _words(status: str) -> str:
    return status.replace("_", " ")
