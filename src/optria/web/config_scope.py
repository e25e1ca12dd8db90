"""What a setting holds for: an asset, a site, an asset type, or all of the plant."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Query
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from optria.core.errors import Invalid, NotFound
from optria.core.roles import Permission
from optria.db.base import TenantOwned
from optria.db.identity import Tenant
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.web.deps import require, written_tenant
from optria.web.sessions import Viewer

View = dict[str, object]
Row = TypeVar("Row", bound=TenantOwned)
Reading = Annotated[Viewer, require(Permission.VIEW_RULES)]
Managing = Annotated[Viewer, require(Permission.MANAGE_RULES)]
TypeFilter = Annotated[str | None, Query(max_length=100, description="An asset type, in any case.")]


async def page(tx: Tx, query: Select[Row], view: Callable[[Row], View], limit: int, offset: int) -> View:
    """A page of a list: ``items`` and the ``total`` of all that fit."""
    total = await tx.session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    rows = (await tx.session.scalars(query.limit(limit).offset(offset))).all()
    return {"items": [view(row) for row in rows], "total": total, "limit": limit, "offset": offset}


async def find(tx: Tx, table: type[Row], row_id: int, what: str, *, lock: bool = False) -> Row:
    """One row of the transaction's tenant. Raises NotFound."""
    row = await tx.session.get(table, row_id, with_for_update=lock, populate_existing=lock)
    if row is None:
        raise NotFound(f"There is no {what} {row_id}.")
    return row


async def lock_settings(tx: Tx) -> Tenant:
    """The tenant, locked until the end of the transaction: its settings change one after the other.

    Only so can a check such as "there is none yet" hold until the row is stored.
    """
    query = select(Tenant).where(Tenant.id == written_tenant(tx)).with_for_update(key_share=True)
    tenant = (await tx.session.scalars(query.execution_options(populate_existing=True))).first()
    if tenant is None:
        raise NotFound("There is no such tenant.")
    return tenant


def same(column: InstrumentedAttribute[str | None], word: str | None) -> ColumnElement[bool]:
    """Whether a column holds this word in any case, or none where none is asked for."""
    return column.is_(None) if word is None else func.lower(column) == word.lower()


async def known_type(tx: Tx, asset_type: str | None) -> str | None:
    """The asset type as the plant writes it; one that no asset has yet stays as it is."""
    if asset_type is None:
        return None
    query = select(AssetRow.asset_type).where(
        AssetRow.tenant_id == written_tenant(tx), same(AssetRow.asset_type, asset_type)
    )
    return await tx.session.scalar(query.order_by(AssetRow.id).limit(1)) or asset_type


def check_one_scope(*given: object) -> None:
    """Raises Invalid when more than one scope is named."""
    if sum(scope is not None for scope in given) > 1:
        raise Invalid("Name one of asset, site and asset type, or none of them for the whole plant.")


async def find_asset(tx: Tx, asset_id: int | None) -> AssetRow | None:
    """Raises NotFound for an asset that this tenant does not have."""
    return None if asset_id is None else await find(tx, AssetRow, asset_id, "asset")


async def find_site(tx: Tx, site_id: int | None) -> SiteRow | None:
    """Raises NotFound for a site that this tenant does not have."""
    return None if site_id is None else await find(tx, SiteRow, site_id, "site")


async def scope_words(
    tx: Tx, asset_id: int | None, asset_type: str | None, site_id: int | None = None
) -> str:
    """Whom a setting concerns, for a sentence."""
    if asset := await find_asset(tx, asset_id):
        return asset.code
    if site := await find_site(tx, site_id):
        return f"site {site.code}"
    return f"every {asset_type}" if asset_type else "every asset"
