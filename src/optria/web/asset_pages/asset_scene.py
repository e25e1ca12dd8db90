"""Assets with all that is known of them now: the same figures as the panel of the live twin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from optria.core.tag import Quality, SignalMapping
from optria.db.plant import SiteRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.assets.asset_views import Found, active_incidents
from optria.web.assets.condition import BLIND
from optria.web.assets.readings import Reading
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.twin.present_scene import open_orders, present_scene
from optria.web.twin.twin_page_model import AssetView, OrderView
from optria.web.twin.twin_scene import Scene


@dataclass(frozen=True, slots=True)
class AssetLine:
    """An asset of the register.

    ``anomaly`` is the detectors' score over its limit (1.0 is at the limit); ``fresh`` of ``mapped`` signals
    have a good value that is not stale, ``newest`` is the time of the last value of any.
    """

    view: AssetView
    site: SiteRow | None
    anomaly: float | None = None
    mapped: int = 0
    fresh: int = 0
    newest: datetime | None = None

    @property
    def is_silent(self) -> bool:
        return self.fresh == 0

    @property
    def is_troubled(self) -> bool:
        return bool(self.view.incidents or self.view.reached_by)


async def lines_of(tx: Tx, services: Services, viewer: Viewer, found: Sequence[Found]) -> list[AssetLine]:
    """Each asset with its condition, what is going on at it, and how its signals do."""
    scenes = await scenes_of(tx, services, viewer, found)
    return [_line(scenes[row[0].tenant_id], row) for row in found]


async def scenes_of(
    tx: Tx, services: Services, viewer: Viewer, found: Sequence[Found]
) -> Mapping[int, Scene]:
    """By tenant: what is known of its plant, as far as the viewer may know."""
    incidents = await active_incidents(tx, viewer)
    orders = await _newest_orders(tx, viewer)
    return {
        tenant_id: present_scene(services, viewer, tenant_id, incidents, orders)
        for tenant_id in {row.tenant_id for row, _, _ in found}
    }


def _line(scene: Scene, found: Found) -> AssetLine:
    row, site, _ = found
    mappings = list(scene.plant.mappings_of(row.id))
    known = [reading for m in mappings if (reading := scene.readings.get(m.id))]
    score = scene.scores.get(row.id)
    return AssetLine(
        view=scene.asset(found),
        site=site,
        anomaly=score[0] if score and score != BLIND else None,
        mapped=len(mappings),
        fresh=_fresh(mappings, scene.readings, clock.now()),
        newest=max((reading.time for reading in known), default=None),
    )


def _fresh(mappings: Sequence[SignalMapping], readings: Mapping[int, Reading], now: datetime) -> int:
    known = ((m, readings.get(m.id)) for m in mappings)
    return sum(
        reading.quality != Quality.BAD and reading.is_fresh(m.scan_s, now)
        for m, reading in known
        if reading is not None
    )


async def _newest_orders(tx: Tx, viewer: Viewer) -> Mapping[int, list[OrderView]]:
    """Unfinished orders by asset, the newest first."""
    by_asset: dict[int, list[OrderView]] = {}
    for row, view in reversed(await open_orders(tx, viewer)):
        if row.asset_id is not None:
            by_asset.setdefault(row.asset_id, []).append(view)
    return by_asset
