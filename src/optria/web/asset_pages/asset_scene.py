"""Assets with all that is known of them now: the same figures as the panel of the live twin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from optria.core.roles import Permission, can
from optria.core.tag import Quality, SignalMapping
from optria.core.work_order import ACTIVE_STATUSES
from optria.db.identity import User
from optria.db.plant import SiteRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.assets.asset_views import Found, active_incidents, detector_scores, plants_of
from optria.web.assets.readings import Reading, latest_readings
from optria.web.orders import work_order_views
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.twin.twin_page_model import AssetView, OrderView
from optria.web.twin.twin_scene import Scene, order_view, reached_assets


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
    orders = await open_orders(tx, viewer)
    return {
        tenant_id: Scene(
            viewer=viewer,
            plant=plant,
            scores=detector_scores(services, tenant_id),
            readings=latest_readings(services, tenant_id, [m.id for m in plant.mappings]),
            incidents=incidents,
            reached=reached_assets(incidents),
            orders=orders,
        )
        for tenant_id, plant in plants_of(services, found).items()
    }


def _line(scene: Scene, found: Found) -> AssetLine:
    row, site, _ = found
    mappings = list(scene.plant.mappings_of(row.id))
    known = [reading for m in mappings if (reading := scene.readings.get(m.id))]
    score = scene.scores.get(row.id)
    return AssetLine(
        view=scene.asset(found),
        site=site,
        anomaly=score[0] if score else None,
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


async def open_orders(tx: Tx, viewer: Viewer) -> Mapping[int, list[OrderView]]:
    """Unfinished orders by asset, the newest first; none for those who may not see orders."""
    if not can(viewer.role, Permission.VIEW_WORK_ORDERS):
        return {}
    query = (
        select(WorkOrderRow, User)
        .join(User, User.id == WorkOrderRow.assigned_to, isouter=True)
        .where(WorkOrderRow.status.in_(ACTIVE_STATUSES), work_order_views.visible(viewer))
        .order_by(WorkOrderRow.id.desc())
    )
    by_asset: dict[int, list[OrderView]] = {}
    for row, assignee in (await tx.session.execute(query)).all():
        if row.asset_id is not None:
            by_asset.setdefault(row.asset_id, []).append(order_view(row, assignee))
    return by_asset
