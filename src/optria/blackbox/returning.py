"""What was kept quiet is heard again: at the end of a shelving or a maintenance window, if it still goes on.

ISA-18.2-2016 (11.5): an alarm that is taken off the shelf is shown as what it is then. So what the detectors
still see, and a CRITICAL limit that is still crossed, opens its incident now. What a system only sent,
without ever saying that it ended, stays on the timeline.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import select, text

from optria.blackbox import incidents
from optria.blackbox.suppression import covers, quiet_now, subject_of_anchor
from optria.blackbox.triggers import open_for_critical
from optria.blackbox.watch import Watch
from optria.core.asset import Asset, PlantModel
from optria.core.event import Severity
from optria.core.incident import severity_of
from optria.core.messages import Message
from optria.db.alarms import MaintenanceWindow, Shelving
from optria.db.blackbox import EventRow
from optria.db.session import Database, Tx
from optria.kit import clock

AT_ONCE: Final = 100
_STILL_CROSSED: Final = text(
    """
    SELECT DISTINCT ON (alarm) id, alarm, state, severity FROM (
        SELECT e.id, regexp_replace(e.source_id, ':(crossed|returned)$', '') AS alarm, e.event_time,
               e.payload->>'state' AS state, e.severity
          FROM blackbox_events e
         WHERE e.tenant_id = :tenant AND e.asset_id = :asset AND e.event_time >= :since
           AND e.payload->>'state' IN ('crossed', 'returned')
           AND (e.payload->>'state' = 'returned' OR e.suppressed_by = :keeper)
    ) AS moves
    ORDER BY alarm, event_time DESC
    """
)
Plants = Callable[[int], PlantModel]
Over = Shelving | MaintenanceWindow


async def return_over(database: Database, plants: Plants, watch: Watch) -> int:
    """Look at what goes on behind every shelving and window that is over; how many there were."""
    async with database.platform("shelvings and windows that are over") as tx:
        due = await _over(tx)
    for found in due:
        tenant_id = found.tenant_id
        async with database.transaction(tenant_id) as tx:
            row = await _claimed(tx, found)
            if row is not None and row.returned_at is None:
                row.returned_at = clock.now()
                await _return(tx, plants(tenant_id), watch, row)
    return len(due)


async def _claimed(tx: Tx, found: Over) -> Over | None:
    """The same row, locked; None where another process has it."""
    if isinstance(found, Shelving):
        return await tx.session.get(Shelving, found.id, with_for_update={"skip_locked": True})
    return await tx.session.get(MaintenanceWindow, found.id, with_for_update={"skip_locked": True})


async def _over(tx: Tx) -> list[Over]:
    now = clock.now()
    shelved = select(Shelving).where(
        Shelving.returned_at.is_(None), (Shelving.until <= now) | (Shelving.ended_at <= now)
    )
    windows = select(MaintenanceWindow).where(
        MaintenanceWindow.returned_at.is_(None),
        (MaintenanceWindow.ends_at <= now) | (MaintenanceWindow.ended_at <= now),
    )
    return [
        *(await tx.session.scalars(shelved.limit(AT_ONCE))).all(),
        *(await tx.session.scalars(windows.limit(AT_ONCE))).all(),
    ]


async def _return(tx: Tx, plant: PlantModel, watch: Watch, row: Over) -> None:
    began = row.shelved_at if isinstance(row, Shelving) else row.starts_at
    if isinstance(row, MaintenanceWindow) and row.ended_at is not None and row.ended_at <= began:
        return  # called off before it began
    keeper = f"{'shelving' if isinstance(row, Shelving) else 'maintenance'}:{row.id}"
    for asset in assets_of(plant, row):
        if isinstance(row, MaintenanceWindow) and row.learn_anew:
            tx.publish(Message(plant.tenant_id, "baselines", "maintenance_over", str(row.id), asset.id))
        else:
            await _return_anchor(tx, plant, watch, asset)
        crossed = {"tenant": plant.tenant_id, "asset": asset.id, "since": began, "keeper": keeper}
        for move in (await tx.session.execute(_STILL_CROSSED, crossed)).all():
            if move.state == "crossed" and Severity.parse(move.severity) is Severity.CRITICAL:
                event = await tx.session.get_one(EventRow, move.id)
                await open_for_critical(tx, plant, event, asset)


def assets_of(plant: PlantModel, row: Over) -> Iterator[Asset]:
    """The assets that a shelving or window is about, as the plant is configured now."""
    if isinstance(row, Shelving):
        return (asset for asset in plant.assets if asset.id == row.asset_id)
    return (asset for asset in plant.assets if covers(row, asset.id, asset.site_id))


async def _return_anchor(tx: Tx, plant: PlantModel, watch: Watch, asset: Asset) -> None:
    anchor = watch.seen(plant.tenant_id, asset.id)
    if anchor is None:
        return
    now = clock.now()
    anchor = replace(
        anchor, time=now, probability=max(anchor.probability, watch.probability(plant.tenant_id, asset.id))
    )
    quiet = await quiet_now(tx, plant.tenant_id)
    if quiet.keeper_of(subject_of_anchor(asset, anchor)) is None:
        await incidents.open_incident(tx, plant, anchor, at=now)


async def hear_the_critical(database: Database, plants: Plants, watch: Watch) -> None:
    """A deviation that has grown CRITICAL on the shelf comes off it, unless CRITICAL was shelved too."""
    async with database.platform("shelved assets") as tx:
        lasting = select(Shelving.tenant_id, Shelving.asset_id).where(
            Shelving.returned_at.is_(None), Shelving.ended_at.is_(None), Shelving.includes_critical.is_(False)
        )
        shelved = {(tenant, asset) for tenant, asset in (await tx.session.execute(lasting)).all()}
    for tenant_id, asset_id in sorted(shelved):
        plant = plants(tenant_id)
        asset = plant.asset(asset_id)
        probability = watch.probability(tenant_id, asset_id)
        if asset is None or severity_of(probability, asset.criticality_rank) is not Severity.CRITICAL:
            continue
        async with database.transaction(tenant_id) as tx:
            if await incidents.is_reached(tx, tenant_id, asset_id):
                continue
            await _return_anchor(tx, plant, watch, asset)
