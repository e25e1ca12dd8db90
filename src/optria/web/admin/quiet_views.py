"""Shelvings and maintenance windows as the API and the pages show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from optria.db.alarms import MaintenanceWindow, Shelving
from optria.db.blackbox import EventRow
from optria.db.identity import User
from optria.db.plant import AssetRow, MappingRow, SiteRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.people.on_call_views import people_of
from optria.web.people.people import user_name
from optria.web.shapes import Json

Row = Shelving | MaintenanceWindow


@dataclass(frozen=True, slots=True)
class Around:
    """What the rows name: people, assets, signals, sites, orders, and what each kept quiet."""

    people: Mapping[int, User]
    assets: Mapping[int, AssetRow]
    signals: Mapping[int, str]
    sites: Mapping[int, SiteRow]
    orders: Mapping[int, str]
    suppressed: Mapping[str, int]


def keeper(row: Row) -> str:
    """What an event that the row kept quiet names."""
    return f"{'shelving' if isinstance(row, Shelving) else 'maintenance'}:{row.id}"


async def around(tx: Tx, rows: Sequence[Row]) -> Around:
    """Read together what the rows name."""
    shelved = [row for row in rows if isinstance(row, Shelving)]
    windows = [row for row in rows if isinstance(row, MaintenanceWindow)]
    assets = {row.asset_id for row in shelved} | {each for row in windows for each in row.asset_ids}
    people = {row.shelved_by for row in shelved} | {row.planned_by for row in windows}
    signals = select(MappingRow.id, MappingRow.external_tag).where(
        MappingRow.id.in_({row.mapping_id for row in shelved} - {None})
    )
    orders = select(WorkOrderRow.id, WorkOrderRow.code).where(
        WorkOrderRow.id.in_({row.work_order_id for row in windows} - {None})
    )
    sites = select(SiteRow).where(SiteRow.id.in_({row.site_id for row in windows}))
    return Around(
        await people_of(tx, people | {row.ended_by for row in rows if row.ended_by is not None}),
        {row.id: row for row in await tx.session.scalars(select(AssetRow).where(AssetRow.id.in_(assets)))},
        dict((await tx.session.execute(signals)).all()),
        {row.id: row for row in await tx.session.scalars(sites)},
        dict((await tx.session.execute(orders)).all()),
        await _suppressed(tx, rows),
    )


async def _suppressed(tx: Tx, rows: Sequence[Row]) -> Mapping[str, int]:
    """How many events each row has kept quiet."""
    if not rows:
        return {}
    began = min(row.shelved_at if isinstance(row, Shelving) else row.starts_at for row in rows)
    statement = (
        select(EventRow.suppressed_by, func.count())
        .where(
            EventRow.tenant_id.in_({row.tenant_id for row in rows}),
            EventRow.event_time >= began,
            EventRow.suppressed_by.in_([keeper(row) for row in rows]),
        )
        .group_by(EventRow.suppressed_by)
    )
    counted = (await tx.session.execute(statement)).all()
    return {name: number for name, number in counted if name is not None}


def state_of(row: Row, now: datetime | None = None) -> str:
    """planned, active, ended (its time is over) or taken_back (before its time, by a person)."""
    now = now or clock.now()
    if row.ended_at is not None:
        return "taken_back"
    begins, ends = (row.shelved_at, row.until) if isinstance(row, Shelving) else (row.starts_at, row.ends_at)
    return "planned" if now < begins else "active" if now < ends else "ended"


def shelving_json(row: Shelving, known: Around) -> Json:
    asset = known.assets.get(row.asset_id)
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "asset_id": row.asset_id,
        "asset": asset.code if asset else None,
        "mapping_id": row.mapping_id,
        "signal": known.signals.get(row.mapping_id or 0),
        "mode": row.mode,
        "reason": row.reason,
        "includes_critical": row.includes_critical,
        "shelved_by": row.shelved_by,
        "shelved_by_name": _name(known, row.shelved_by),
        "shelved_by_name_ar": _name(known, row.shelved_by, "ar"),
        "shelved_at": row.shelved_at,
        "until": row.until,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by,
        "state": state_of(row),
        "suppressed": known.suppressed.get(keeper(row), 0),
    }


def window_json(row: MaintenanceWindow, known: Around) -> Json:
    site = known.sites.get(row.site_id)
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "site_id": row.site_id,
        "site": site.code if site else None,
        "asset_ids": list(row.asset_ids),
        "assets": [known.assets[each].code for each in row.asset_ids if each in known.assets],
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "reason": row.reason,
        "work_order_id": row.work_order_id,
        "work_order": known.orders.get(row.work_order_id or 0),
        "learn_anew": row.learn_anew,
        "planned_by": row.planned_by,
        "planned_by_name": _name(known, row.planned_by),
        "planned_by_name_ar": _name(known, row.planned_by, "ar"),
        "planned_at": row.planned_at,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by,
        "state": state_of(row),
        "suppressed": known.suppressed.get(keeper(row), 0),
    }


def _name(known: Around, user_id: int, language: str = "en") -> str | None:
    user = known.people.get(user_id)
    return user_name(user, language) if user else None


async def views(tx: Tx, rows: Iterable[Row]) -> list[Json]:
    """Each row as the API shows it."""
    listed = list(rows)
    known = await around(tx, listed)
    return [
        shelving_json(row, known) if isinstance(row, Shelving) else window_json(row, known) for row in listed
    ]
