"""At which of the assets that it has reached an incident began; its title and its order follow."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlalchemy import select

from optria.blackbox.case_loader import SensorReader, Shared, load_case
from optria.blackbox.incidents import GOING_ON, anchor_of, anchors_of
from optria.core.asset import PlantModel
from optria.core.incident import Analysis, Anchor
from optria.core.work_order import WorkOrderStatus
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.rca.case import Case
from optria.rca.engine import analyse
from optria.rca.localise import View, root_of

MOST_VIEWS = 6
"""Assets that an incident is looked at from: the first that it has reached, and its present root."""
NOT_BEGUN = (WorkOrderStatus.OPEN, WorkOrderStatus.PENDING_APPROVAL)


Told = Callable[[str, int | None, int | None], None]
"""Hears of a stage of an analysis, with the samples and the events that have been read."""


def untold(stage: str, samples: int | None = None, events: int | None = None) -> None:
    """Nobody listens."""


def _tell(told: Told, cases: Iterable[Case]) -> None:
    read = list(cases)
    told("weighing", sum(len(s.time) for case in read for s in case.series), sum(len(c.events) for c in read))


async def seen_from_its_root(
    tx: Tx, incident: IncidentRow, plant: PlantModel, sensors: SensorReader, told: Told = untold
) -> tuple[Case, Analysis]:
    """The case and its analysis from where it began; moves the incident there when the analysis is sure.

    Nobody's work is moved: an incident that is resolved, or whose order somebody has begun, stays where it
    is. Raises NotFound when the incident has no asset that the tenant's plant knows.
    """
    seen = viewpoints(incident, plant) if await _may_move(tx, incident) else ()
    if len(seen) < 2:
        case = await load_case(tx, incident, plant, sensors, _own(incident))
        _tell(told, [case])
        return case, await asyncio.to_thread(analyse, case)
    shared = Shared()
    cases = {
        anchor.asset_id: await load_case(
            tx, incident, plant, sensors, replace(anchor, time=incident.start_time), shared
        )
        for anchor in seen
    }
    _tell(told, cases.values())
    views = [
        View(anchor.asset_id, anchor.time, await asyncio.to_thread(analyse, cases[anchor.asset_id]))
        for anchor in seen
    ]
    chosen = root_of(views, incident.root_asset_id or 0, plant.links)
    case = cases[chosen.asset_id]
    incident.root_asset_id, incident.site_id = chosen.asset_id, case.asset.site_id
    return case, chosen.analysis


def viewpoints(incident: IncidentRow, plant: PlantModel) -> tuple[Anchor, ...]:
    """The anchors of the known assets that an incident has reached, in that order, ``MOST_VIEWS`` at most."""
    known = [anchor for anchor in anchors_of(incident) if plant.asset(anchor.asset_id) is not None]
    kept = known[:MOST_VIEWS]
    return tuple(kept + [a for a in known[MOST_VIEWS:] if a.asset_id == incident.root_asset_id])


def _own(incident: IncidentRow) -> Anchor | None:
    """What the detectors saw at the asset that the incident was moved to; None where it began there."""
    if anchor_of(incident).asset_id == incident.root_asset_id:
        return None
    own = next((a for a in anchors_of(incident) if a.asset_id == incident.root_asset_id), None)
    return replace(own, time=incident.start_time) if own else None


async def _may_move(tx: Tx, incident: IncidentRow) -> bool:
    if incident.status not in GOING_ON:
        return False
    if incident.auto_work_order_id is None:
        return True
    statement = select(WorkOrderRow.status).where(WorkOrderRow.id == incident.auto_work_order_id)
    return (await tx.session.execute(statement)).scalar_one_or_none() in NOT_BEGUN
