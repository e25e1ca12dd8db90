"""What must hold before an asset is written: its own code, no circle of parents, nothing that needs it."""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from optria.core.errors import Conflict, Invalid, NotFound
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Tx
from optria.web.sight import ACTIVE_INCIDENTS
from optria.web.turns import take_turns

NEEDED: Final = frozenset({"code", "name", "criticality", "status", "is_active"})
"""Fields of an asset that always have a value."""


async def lock_asset(tx: Tx, asset_id: int) -> AssetRow:
    """The asset, in use or not, for a change.

    Raises:
        NotFound: when the tenant of the transaction has no such asset.
    """
    await take_turns(tx, "asset")
    row = await tx.session.scalar(select(AssetRow).where(AssetRow.id == asset_id).with_for_update())
    if row is None:
        raise NotFound(f"There is no asset {asset_id}.")
    return row


async def claim_code(tx: Tx, code: str) -> None:
    """Raises Conflict when an asset of the tenant has the code, in use or not."""
    await take_turns(tx, "asset")
    query = select(AssetRow.is_active).where(AssetRow.code == code).order_by(AssetRow.is_active.desc())
    found = (await tx.session.scalars(query)).all()
    if found:
        rest = "" if found[0] is not False else "; it is out of use"
        raise Conflict(f"There is an asset {code} already{rest}.")


async def check_parent(tx: Tx, parent_id: int, own_id: int | None) -> None:
    """Whether ``parent_id`` may stand above ``own_id`` (None: an asset that is not stored yet).

    Raises:
        NotFound: no such asset in the tenant.
        Invalid: the asset would be above itself.
    """
    first = select(AssetRow.id, AssetRow.parent_asset_id).where(AssetRow.id == parent_id)
    above = first.cte("above", recursive=True)
    higher = aliased(AssetRow)
    step = select(higher.id, higher.parent_asset_id).join(above, higher.id == above.c.parent_asset_id)
    above = above.union(step)  # a union, not "all": a circle that is stored already ends it
    ids = (await tx.session.scalars(select(above.c.id))).all()
    if not ids:
        raise NotFound(f"There is no asset {parent_id}.")
    if own_id in ids:
        raise Invalid("An asset cannot be a part of itself.")


async def check_unneeded(tx: Tx, row: AssetRow) -> None:
    """Raises Conflict while the asset has open incidents, signals, or assets below it."""
    open_incident = (IncidentRow.root_asset_id == row.id) & IncidentRow.status.in_(ACTIVE_INCIDENTS)
    signal = (MappingRow.asset_id == row.id) & MappingRow.is_active.is_not(False)
    below = (AssetRow.parent_asset_id == row.id) & AssetRow.is_active.is_not(False)
    for condition, table, words in (
        (open_incident, IncidentRow, "open incidents. Close them first."),
        (signal, MappingRow, "mapped signals. Remove the mappings first."),
        (below, AssetRow, "assets below it. Move them or take them out of use first."),
    ):
        count = await tx.session.scalar(select(func.count()).select_from(table).where(condition))
        if count:
            raise Conflict(f"{row.code} has {count} {words}")
