"""What the page of an asset tells beside its state: limits, maker's data, neighbours, parts, detectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from optria.core.tag import SignalMapping
from optria.db.asset_details import AssetComponent, FailureMode
from optria.db.blackbox import EventRow
from optria.db.plant import AssetLink, AssetRow, Integration, MachineSpec, ThresholdRow
from optria.db.session import Tx
from optria.web.assets.asset_views import component_json, failure_mode_json
from optria.web.config.config_proposals import has_status
from optria.web.config.config_scope import same
from optria.web.config.config_specs import spec_json
from optria.web.config.config_thresholds import threshold_json
from optria.web.services import Pipeline
from optria.web.shapes import Json


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An asset beside this one; ``link_id`` is of the line between them."""

    id: int
    code: str
    name: str
    name_ar: str
    link_id: int | None = None


@dataclass(frozen=True, slots=True)
class Neighbours:
    parent: Neighbour | None
    parts: Sequence[Neighbour]
    """Assets that stand below it."""
    upstream: Sequence[Neighbour]
    downstream: Sequence[Neighbour]


@dataclass(frozen=True, slots=True)
class Watch:
    """What the detectors know of a signal: the range expected of its next value (None while they learn)."""

    expected: tuple[float, float] | None
    scored: datetime | None


@dataclass(frozen=True, slots=True)
class Detection:
    """How the detectors do at an asset. ``anew`` is when somebody last had them learn it anew."""

    watches: Mapping[int, Watch]
    anew: datetime | None

    @property
    def learning(self) -> int:
        return sum(watch.expected is None for watch in self.watches.values())

    @property
    def watching(self) -> int:
        return len(self.watches) - self.learning

    @property
    def last_scored(self) -> datetime | None:
        return max((watch.scored for watch in self.watches.values() if watch.scored), default=None)


async def detection_of(
    tx: Tx, pipeline: Pipeline | None, asset: AssetRow, mappings: Sequence[SignalMapping]
) -> Detection | None:
    """None where nothing streams for the tenant."""
    if pipeline is None:
        return None
    watches = {m.id: Watch(pipeline.expected(m.id), pipeline.scored_until(m.id)) for m in mappings}
    query = (
        select(EventRow.event_time)
        .where(
            EventRow.tenant_id == asset.tenant_id,
            EventRow.asset_id == asset.id,
            EventRow.source_type == "CONFIG_CHANGE",
            EventRow.payload["action"].astext == "asset_rebaselined",
        )
        .order_by(EventRow.event_time.desc())
        .limit(1)
    )
    return Detection(watches, await tx.session.scalar(query))


async def limits_of(tx: Tx, asset: AssetRow, metrics: Sequence[str]) -> list[Json]:
    """The limits that hold for the asset, its own instead of its type's, and proposals that wait."""
    scope = or_(
        ThresholdRow.asset_id == asset.id,
        and_(
            ThresholdRow.asset_id.is_(None),
            or_(ThresholdRow.asset_type.is_(None), same(ThresholdRow.asset_type, asset.asset_type)),
        ),
    )
    shown = or_(has_status(ThresholdRow, "in_force"), has_status(ThresholdRow, "proposed"))
    query = (
        select(ThresholdRow)
        .where(ThresholdRow.tenant_id == asset.tenant_id, scope, shown, ThresholdRow.metric.in_(metrics))
        .order_by(ThresholdRow.metric, ThresholdRow.limit_value.desc(), ThresholdRow.id)
    )
    rows = (await tx.session.scalars(query)).all()
    own = {row.metric for row in rows if row.is_active and row.asset_id is not None}
    return [
        threshold_json(row)
        for row in rows
        if not (row.is_active and row.asset_id is None and row.metric in own)
    ]


async def spec_of(tx: Tx, asset: AssetRow) -> Json | None:
    """The maker's data of the asset, else of its type."""
    query = select(MachineSpec).where(
        MachineSpec.tenant_id == asset.tenant_id,
        or_(
            MachineSpec.asset_id == asset.id,
            and_(MachineSpec.asset_id.is_(None), same(MachineSpec.asset_type, asset.asset_type)),
        ),
    )
    row = await tx.session.scalar(query.order_by(MachineSpec.asset_id.asc().nulls_last()).limit(1))
    return spec_json(row) if row else None


async def neighbours_of(tx: Tx, asset: AssetRow) -> Neighbours:
    parent, below, source, target = (aliased(AssetRow) for _ in range(4))
    mine = AssetLink.tenant_id == asset.tenant_id
    above = select(parent).where(parent.id == asset.parent_asset_id, parent.tenant_id == asset.tenant_id)
    parts = select(below).where(
        below.parent_asset_id == asset.id,
        below.tenant_id == asset.tenant_id,
        below.is_active.is_not(False),
    )
    into = select(source, AssetLink.id).join(AssetLink, AssetLink.source_asset_id == source.id)
    into = into.where(mine, AssetLink.target_asset_id == asset.id, source.is_active.is_not(False))
    out = select(target, AssetLink.id).join(AssetLink, AssetLink.target_asset_id == target.id)
    out = out.where(mine, AssetLink.source_asset_id == asset.id, target.is_active.is_not(False))
    found = await tx.session.scalar(above)
    return Neighbours(
        parent=_neighbour(found) if found else None,
        parts=[_neighbour(row) for row in await tx.session.scalars(parts.order_by(below.code))],
        upstream=[_neighbour(*pair) for pair in await tx.session.execute(into.order_by(source.code))],
        downstream=[_neighbour(*pair) for pair in await tx.session.execute(out.order_by(target.code))],
    )


def _neighbour(row: AssetRow, link_id: int | None = None) -> Neighbour:
    return Neighbour(row.id, row.code, row.name, row.name_ar or row.name, link_id)


async def parts_of(tx: Tx, asset: AssetRow) -> list[Json]:
    query = select(AssetComponent).where(
        AssetComponent.asset_id == asset.id, AssetComponent.is_active.is_not(False)
    )
    rows = await tx.session.scalars(query.order_by(AssetComponent.code, AssetComponent.id))
    return [component_json(row) for row in rows]


async def failure_modes_of(tx: Tx, asset: AssetRow) -> list[Json]:
    """The gravest first, by the risk priority number of IEC 60812; the unrated last."""
    query = select(FailureMode).where(FailureMode.asset_id == asset.id, FailureMode.is_active.is_not(False))
    rows = [failure_mode_json(row) for row in await tx.session.scalars(query.order_by(FailureMode.code))]
    return sorted(rows, key=lambda row: -int(str(row["rpn"] or 0)))


async def sources_of(tx: Tx, mappings: Sequence[SignalMapping]) -> Mapping[int, str]:
    """The name of each connection that the signals come over."""
    ids = {m.integration_id for m in mappings}
    rows = await tx.session.execute(select(Integration.id, Integration.name).where(Integration.id.in_(ids)))
    return {row.id: row.name for row in rows}
