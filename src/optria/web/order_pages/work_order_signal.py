"""The signal of an order's asset that stands out most: what whoever goes there wants to know first."""

from dataclasses import dataclass
from typing import Final

from optria.core.errors import NotFound
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.assets.asset_views import find_asset
from optria.web.assets.readings import latest_readings
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.twin.spark import Sparkline, draw
from optria.web.twin.twin_page_model import SignalView
from optria.web.twin.twin_scene import History, Scene

_ALARMS: Final = ("critical", "major", "minor")


@dataclass(frozen=True, slots=True)
class Standing:
    """A signal with its last hour."""

    signal: SignalView
    spark: Sparkline


async def most_telling(tx: Tx, services: Services, viewer: Viewer, row: WorkOrderRow) -> Standing | None:
    """In alarm, else furthest outside its expected range; None while nothing of the asset stands out."""
    if row.asset_id is None or row.tenant_id not in services.pipelines:
        return None
    try:
        found = await find_asset(tx, row.asset_id)
    except NotFound:
        return None
    plant = services.plants(row.tenant_id)
    tags = [mapping.id for mapping in plant.mappings_of(row.asset_id)]
    readings = latest_readings(services, row.tenant_id, tags)
    scene = Scene(viewer, plant, {}, readings, {}, {}, {})
    signals = scene.asset(found, History(services, row.tenant_id)).signals
    telling = max(signals, key=standing_out, default=None)
    if telling is None or standing_out(telling) <= (0, 0.0):
        return None
    return Standing(telling, draw(telling, int(clock.now().timestamp() * 1000)))


def standing_out(signal: SignalView) -> tuple[int, float]:
    """How much the last value stands out: its alarm, then its distance from the expected range in widths."""
    value, low, high = signal.value, signal.normal_low, signal.normal_high
    if value is None:
        return 0, 0.0
    alarm = signal.alarm_of(value)
    rank = len(_ALARMS) - _ALARMS.index(alarm) if alarm in _ALARMS else 0
    if low is None or high is None or high <= low:
        return rank, 0.0
    return rank, max(0.0, low - value, value - high) / (high - low)
