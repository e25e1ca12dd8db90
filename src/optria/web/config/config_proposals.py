"""The life of a limit or a cost: proposed, approved and in force, replaced or retired, or turned down."""

from datetime import datetime
from typing import Literal, TypedDict, TypeVar

from sqlalchemy import ColumnElement, and_, or_

from optria.core.errors import Conflict, NotAllowed
from optria.db.identity import Tenant
from optria.db.plant import CostReference, ThresholdRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.rows import find
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when
from optria.web.turns import lock_settings

Proposed = TypeVar("Proposed", ThresholdRow, CostReference)
ProposalStatus = Literal["in_force", "proposed", "ended"]
FOUR_EYES = "four_eyes"
"""The tenant's setting by which nobody approves what they have proposed themselves."""
FOUR_EYES_ENDED = "four_eyes_ended"
"""When it was switched off, and who by: ``{"at": ISO 8601, "by": user id}``; not there while it is on."""


class Ended(TypedDict):
    at: str
    by: int


def status_of(row: ThresholdRow | CostReference) -> ProposalStatus:
    if row.is_active:
        return "in_force"
    return "proposed" if row.ended_at is None and row.proposed_by is not None else "ended"


def has_status(
    table: type[ThresholdRow] | type[CostReference], status: ProposalStatus
) -> ColumnElement[bool]:
    """:func:`status_of` as a condition of a query."""
    if status == "in_force":
        return table.is_active.is_(True)
    waits = and_(table.ended_at.is_(None), table.proposed_by.is_not(None))
    over = or_(table.ended_at.is_not(None), table.proposed_by.is_(None))
    return and_(table.is_active.is_(False), waits if status == "proposed" else over)


def life_json(row: ThresholdRow | CostReference) -> Json:
    """Who has proposed and approved it, and when; ``turned_down`` where it never was in force."""
    status = status_of(row)
    return {
        "status": status,
        "is_active": row.is_active,
        "turned_down": status == "ended" and row.proposed_by is not None and row.approved_at is None,
        "reason": row.reason,
        "replaces_id": row.replaces_id,
        "proposed_by": row.proposed_by,
        "approved_by": row.approved_by,
        "approved_at": when(row.approved_at),
        "ended_at": when(row.ended_at),
        "created_at": when(row.created_at),
    }


async def replaced_by(tx: Tx, table: type[Proposed], row_id: int | None, what: str) -> Proposed | None:
    """What a proposal takes the place of.

    Raises:
        NotFound: there is none of this id.
        Conflict: it is not in force (any more).
    """
    if row_id is None:
        return None
    row = await find(tx, table, row_id, what, lock=True)
    if not row.is_active:
        raise Conflict(f"The {what} {row_id} is not in force, so it cannot be replaced.")
    return row


async def to_decide(tx: Tx, table: type[Proposed], row_id: int, what: str) -> tuple[Tenant, Proposed]:
    """A proposal that waits, locked. Raises NotFound, or Conflict when it is decided already."""
    tenant = await lock_settings(tx)
    row = await find(tx, table, row_id, what, lock=True)
    if status_of(row) != "proposed":
        raise Conflict(f"The {what} {row_id} is no proposal that waits for a decision.")
    return tenant, row


def check_four_eyes(tenant: Tenant, row: ThresholdRow | CostReference, viewer: Viewer) -> None:
    """Raises NotAllowed where a second person is wanted and this is the first.

    What was proposed while four eyes were demanded still needs a second person when they no longer are.
    """
    if row.proposed_by != viewer.user_id:
        return
    ended = _ended(tenant)
    if needs_another(tenant, viewer) or (ended and row.created_at <= datetime.fromisoformat(ended["at"])):
        raise NotAllowed("You have proposed this yourself: here, somebody else has to approve it.")


def needs_another(tenant: Tenant, viewer: Viewer) -> bool:
    """Whether the viewer may put nothing in force alone; whoever switched four eyes off still may not."""
    ended = _ended(tenant)
    return demands_four_eyes(tenant) or bool(ended and ended["by"] == viewer.user_id)


def demands_four_eyes(tenant: Tenant) -> bool:
    return (tenant.settings or {}).get(FOUR_EYES) is True


def set_four_eyes(tenant: Tenant, is_on: bool, viewer: Viewer) -> None:
    """Switch them, and keep when and by whom they were switched off."""
    kept = {name: value for name, value in (tenant.settings or {}).items() if name != FOUR_EYES_ENDED}
    ended = _ended(tenant)
    if not is_on and (ended or demands_four_eyes(tenant)):
        at = ended["at"] if ended else clock.now().isoformat()
        kept[FOUR_EYES_ENDED] = {"at": at, "by": viewer.user_id}
    tenant.settings = {**kept, FOUR_EYES: is_on}


def _ended(tenant: Tenant) -> Ended | None:
    found: Ended | None = (tenant.settings or {}).get(FOUR_EYES_ENDED)
    return found


def put_in_force(row: Proposed, replaced: Proposed | None, viewer: Viewer) -> None:
    """From now on it holds, and what it replaces does not."""
    now = clock.now()
    row.is_active, row.approved_by, row.approved_at = True, viewer.user_id, now
    if replaced is not None:
        replaced.is_active, replaced.ended_at = False, now


def turn_down(row: ThresholdRow | CostReference, reason: str) -> None:
    """The proposal ends; its reason stays, with the answer under it."""
    row.ended_at = clock.now()
    row.reason = "\n".join([*([row.reason] if row.reason else []), f"Turned down: {reason}"])


async def take_out_of_force(tx: Tx, table: type[Proposed], row_id: int, what: str) -> Proposed:
    """Raises NotFound, or Conflict where it is not in force."""
    await lock_settings(tx)
    row = await find(tx, table, row_id, what, lock=True)
    if not row.is_active:
        raise Conflict(f"The {what} {row_id} is not in force.")
    row.is_active, row.ended_at = False, clock.now()
    return row
