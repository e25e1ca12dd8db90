"""CRITICAL events open incidents of their own accord, unless something keeps them quiet."""

from optria.blackbox import incidents
from optria.blackbox.events import link_event
from optria.blackbox.suppression import Quiet, quiet_now, subject_of_event
from optria.core.asset import Asset, PlantModel
from optria.core.event import Severity
from optria.core.incident import Anchor
from optria.db.blackbox import EventRow
from optria.db.session import Tx
from optria.kit import clock


async def open_for_event(
    tx: Tx, plant: PlantModel, event: EventRow, quiet: Quiet | None = None
) -> incidents.Opened | None:
    """Open (or join) the incident of a CRITICAL event; None for an event that calls for none.

    An event that is shelved or of an asset in maintenance is marked so, and calls for none. ``quiet`` is what
    holds something back, where the caller knows it already.
    """
    asset = plant.asset(event.asset_id) if event.asset_id is not None else None
    if asset is None:
        return None
    quiet = quiet or await quiet_now(tx, plant.tenant_id)
    event.suppressed_by = quiet.keeper_of(subject_of_event(plant, asset, event))
    event.is_processed = event.is_processed or event.suppressed_by is not None
    if event.suppressed_by is not None or Severity.parse(event.severity) is not Severity.CRITICAL:
        return None
    return await open_for_critical(tx, plant, event, asset)


async def open_for_critical(tx: Tx, plant: PlantModel, event: EventRow, asset: Asset) -> incidents.Opened:
    """The incident of a CRITICAL event that nothing holds back; a folded one is counted, not listed again."""
    anchor = Anchor(asset.id, event.event_time, 1.0, 1.0, (), detector="event")
    opened = await incidents.open_incident(tx, plant, anchor, Severity.CRITICAL)
    if opened.created or event.folded_into is None:
        await link_event(tx, opened.incident, event.id, "CAUSE" if opened.created else "SYMPTOM")
    event.is_processed = True
    if opened.created:
        opened.incident.trigger_event_id = event.id
        opened.incident.incident_type = "FAILURE"
    else:
        if incidents.lift(tx, opened.incident, Severity.CRITICAL):
            opened.incident.next_pass_at = clock.now()
    return opened
