"""What a setting holds for: an asset, a site, an asset type, or all of the plant."""

from typing import Annotated

from fastapi import Query
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute

from optria.core.errors import Invalid
from optria.core.roles import Permission
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.web.deps import require, written_tenant
from optria.web.rows import find
from optria.web.sessions import Viewer

Reading = Annotated[Viewer, require(Permission.VIEW_RULES)]
Managing = Annotated[Viewer, require(Permission.MANAGE_RULES)]
TypeFilter = Annotated[str | None, Query(max_length=100, description="An asset type, in any case.")]


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
