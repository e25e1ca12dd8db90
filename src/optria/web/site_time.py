"""Times as people at a site mean them."""

from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx

DEFAULT_ZONE: Final = "Asia/Riyadh"
"""What the database gives a site that names none."""


def zone_of(site: SiteRow | None) -> ZoneInfo:
    """The time zone of a site; the default one where it is missing or unknown."""
    try:
        return ZoneInfo((site.time_zone if site else None) or DEFAULT_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(DEFAULT_ZONE)


async def zone_of_asset(tx: Tx, asset_id: int | None) -> ZoneInfo:
    """The time zone of the site where an asset stands."""
    same_site = (SiteRow.id == AssetRow.site_id) & (SiteRow.tenant_id == AssetRow.tenant_id)
    query = select(SiteRow).join(AssetRow, same_site).where(AssetRow.id == asset_id)
    return zone_of(None if asset_id is None else await tx.session.scalar(query))


def last_moment_of(day: date, zone: ZoneInfo) -> datetime:
    """When a day is over in a zone, in UTC."""
    return datetime.combine(day, time.max, zone).astimezone(UTC)
