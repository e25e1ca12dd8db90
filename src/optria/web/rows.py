"""Rows as a route asks for them: one by its number, how many there are, a page of a list."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from sqlalchemy import Select, func, select

from optria.core.errors import NotFound
from optria.db.base import TenantOwned
from optria.db.session import Tx
from optria.web.shapes import Json

Row = TypeVar("Row", bound=TenantOwned)
Columns = TypeVarTuple("Columns")


async def find(tx: Tx, table: type[Row], row_id: int, what: str, *, lock: bool = False) -> Row:
    """One row of the transaction's tenant. Raises NotFound."""
    row = await tx.session.get(table, row_id, with_for_update=lock, populate_existing=lock)
    if row is None:
        raise NotFound(f"There is no {what} {row_id}.")
    return row


async def count(tx: Tx, query: Select[*Columns]) -> int:
    """How many rows a list has, whatever page of it is shown."""
    return await tx.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0


async def page(tx: Tx, query: Select[Row], view: Callable[[Row], Json], limit: int, offset: int) -> Json:
    """A page of a list: ``items`` and the ``total`` of all that fit."""
    rows = (await tx.session.scalars(query.limit(limit).offset(offset))).all()
    items = [view(row) for row in rows]
    return {"items": items, "total": await count(tx, query), "limit": limit, "offset": offset}
