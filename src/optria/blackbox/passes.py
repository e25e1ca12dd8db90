"""One pass over an incident: load the case, analyse it, order the work, tell people, in one transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from optria.blackbox import analyses, confirmations, incidents
from optria.blackbox.case_loader import SensorReader
from optria.blackbox.events import link_event
from optria.blackbox.on_demand import nothing_found
from optria.blackbox.recurrence import reopen_order
from optria.blackbox.rooting import Told, seen_from_its_root, untold
from optria.core.asset import PlantModel
from optria.core.event import EventCategory, Severity
from optria.core.incident import Analysis
from optria.core.work_order import needs_work_order
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.case import Case
from optria.work import orders
from optria.work.incident_orders import Ordered, create_from_incident

WATCH_EVERY = timedelta(minutes=5)
"""How often an incident whose anomaly goes on after its window is looked at again."""
INTERIM = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
"""A cause shows itself as the fault grows: the analysis is repeated this long after the anchor."""
MOST_CHANGES = 100
"""Changes of the configuration that one incident is linked to: the latest of its window."""
LATE_SAMPLES = timedelta(seconds=15)
"""Patience for samples of the window that are still on their way when it closes."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did."""

    incident: IncidentRow
    analysis: Analysis
    ordered: Ordered | None


async def run_pass(
    tx: Tx,
    incident: IncidentRow,
    plant: PlantModel,
    sensors: SensorReader,
    *,
    user_id: int | None = None,
    order: bool = True,
    told: Told = untold,
) -> Pass:
    """Analyse a locked incident and do what follows. Nothing is committed here.

    ``told`` hears of each stage.
    """
    case, analysis = await seen_from_its_root(tx, incident, plant, sensors, told)
    told("storing", analysis.samples_in_window, analysis.events_in_window)
    await _link_changes(tx, incident, case)
    analysis = nothing_found(incident, analysis, case.asset)
    await analyses.store_analysis(tx, incident, analysis, case.asset.code, user_id)
    await confirmations.note_final(tx, incident, analysis)
    ordered = await _order(tx, incident, analysis, plant) if order else None
    incident.next_pass_at = _next_pass(incident, analysis)
    incident.attempts, incident.last_error = 0, None
    return Pass(incident, analysis, ordered)


async def _link_changes(tx: Tx, incident: IncidentRow, case: Case) -> None:
    """What people changed in the configuration within the window belongs to the incident's timeline."""
    changes = [e for e in case.events if e.category == EventCategory.CONFIG_CHANGE and e.id is not None]
    for change in changes[-MOST_CHANGES:]:
        if isinstance(change.time, datetime) and change.time in case.window:
            await link_event(tx, incident, UUID(change.id), "CONTEXT")


async def order_of_latest(tx: Tx, incident: IncidentRow, plant: PlantModel) -> None:
    """Order the work that the newest analysis calls for, where none is ordered yet."""
    analysis = await analyses.latest(tx, incident)
    if analysis is not None and incident.auto_work_order_id is None:
        await _order(tx, incident, analysis, plant)


async def _order(tx: Tx, incident: IncidentRow, analysis: Analysis, plant: PlantModel) -> Ordered | None:
    policy = await orders.load_policy(tx, incident.tenant_id)
    if incident.auto_work_order_id is None and incident.status in incidents.GOING_ON:
        reopened = await reopen_order(tx, incident, analysis, policy)
        if reopened is not None:
            return Ordered(reopened, created=False)
    called_for = needs_work_order(Severity.parse(incident.severity), analysis, policy)
    if not called_for and incident.auto_work_order_id is None:
        return None
    asset = plant.asset(incident.root_asset_id or 0)
    return await create_from_incident(tx, incident, analysis, asset, policy)


def _next_pass(incident: IncidentRow, analysis: Analysis) -> datetime | None:
    """While the window is open the next repetition, then the final one, then a look until it is over."""
    if analysis.provisional:
        anchored = incident.anchored_at or analysis.analysed_at
        repeats = [anchored + after for after in INTERIM if anchored + after > clock.now()]
        return min([*repeats, analysis.window.end + LATE_SAMPLES])
    return clock.now() + WATCH_EVERY if incident.dedup_key else None
