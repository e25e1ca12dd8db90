"""The approved references of an analysis: machine specs, costs, downtimes, carbon factors, clocks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypedDict

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from optria.core.asset import Asset
from optria.core.incident import cause_label
from optria.db import plant as rows
from optria.db.identity import User
from optria.db.learning import CauseConfirmation
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.rca.case import CarbonFactor, CostReference, DowntimeHistory, DowntimeReference, MachineSpec, Step

NAMED_ORDERS = 5
"""Orders that a downtime names as where it comes from."""


class References(TypedDict):
    """The part of a case that comes from approved references."""

    spec: MachineSpec | None
    typical_power_kw: Decimal | None
    cost_references: tuple[CostReference, ...]
    downtime_references: tuple[DowntimeReference, ...]
    downtime_history: tuple[DowntimeHistory, ...]
    carbon_factors: tuple[CarbonFactor, ...]
    clock_drift_s: dict[str, float]
    time_zones: dict[str, str]


async def load(tx: Tx, asset: Asset, at: datetime) -> References:
    """What was valid ``at`` that time. Row-level security limits every query to the transaction's tenant."""
    spec = await _spec(tx, asset)
    clocks = (await tx.session.execute(select(rows.ClockDrift))).scalars().all()
    return References(
        spec=spec,
        typical_power_kw=spec.typical_power_kw if spec else None,
        cost_references=await _costs(tx, at),
        downtime_references=await _downtimes(tx),
        downtime_history=await _downtime_history(tx, asset),
        carbon_factors=await _carbon(tx, at),
        clock_drift_s={row.source: row.drift_s for row in clocks},
        time_zones={row.source: row.time_zone for row in clocks if row.time_zone},
    )


async def _spec(tx: Tx, asset: Asset) -> MachineSpec | None:
    """The asset's own spec, else that of its type."""
    table = rows.MachineSpec
    statement = (
        select(table)
        .where(or_(table.asset_id == asset.id, table.asset_id.is_(None)))
        .where(or_(table.asset_type == asset.asset_type, table.asset_type.is_(None)))
        .order_by(table.asset_id.is_(None), table.asset_type.is_(None), table.id)
        .limit(1)
    )
    row = (await tx.session.execute(statement)).scalar_one_or_none()
    return machine_spec(row.spec) if row else None


def machine_spec(spec: dict[str, Any]) -> MachineSpec:
    """A stored spec as the analysis reads it; keys that are missing are unknown."""
    power = spec.get("typical_power_kw")
    return MachineSpec(
        document=spec.get("document", "MachineSpecs"),
        checklist_page=spec.get("checklist_page"),
        checklist=_steps(spec.get("checklist", ())),
        typical_power_kw=Decimal(str(power)) if power is not None else None,
        energy_type=spec.get("energy_type", "electricity"),
        expected={metric: (low, high) for metric, (low, high) in spec.get("expected", {}).items()},
        cause_pages=spec.get("cause_pages", {}),
        cause_steps={cause: _steps(steps) for cause, steps in spec.get("cause_steps", {}).items()},
    )


def _steps(stored: Sequence[Any]) -> tuple[Step, ...]:
    return tuple(
        Step(line) if isinstance(line, str) else Step(line["text"], line.get("text_ar", ""))
        for line in stored
    )


async def _costs(tx: Tx, at: datetime) -> tuple[CostReference, ...]:
    """Cost references that were in force, then v1's cost models as the fallback of a tenant without ours.

    Of several of the same scope the one approved last comes first; one without a date was always in force.
    What is in force now but was approved only later follows, marked so.
    """
    table = rows.CostReference
    latest = table.approved_at.desc().nulls_last(), table.id.desc()
    ever = or_(table.is_active, table.approved_at.is_not(None) & table.ended_at.is_not(None))
    statement = (
        select(table, User.full_name, User.username)
        .outerjoin(User, (User.id == table.approved_by) & (User.tenant_id == table.tenant_id))
        .where(ever, or_(table.is_active, table.ended_at > at))
        .order_by(*latest)
    )
    found = (await tx.session.execute(statement)).all()
    own = [_cost(row, full_name or username or "", at) for row, full_name, username in found]
    known = [cost for cost in own if not cost.came_later]
    active = {row.id for row, _, _ in found if row.is_active}
    later = [cost for cost in own if cost.came_later and cost.id in active]
    return (*known, *await _v1_costs(tx, at), *later)


def _cost(row: rows.CostReference, approved_by: str, at: datetime) -> CostReference:
    return CostReference(
        row.cost_per_hour,
        row.currency,
        row.asset_id,
        row.site_id,
        row.asset_type,
        row.source or f"cost_references #{row.id}",
        row.id,
        row.approved_at,
        approved_by,
        came_later=row.approved_at is not None and row.approved_at > at,
    )


async def _v1_costs(tx: Tx, at: datetime) -> tuple[CostReference, ...]:
    """The cost model that was valid; of several the one that began last."""
    table = rows.CostModel
    statement = (
        select(table)
        .where(table.is_active.is_not(False))
        .where(or_(table.valid_from.is_(None), table.valid_from <= at))
        .where(or_(table.valid_to.is_(None), table.valid_to >= at))
        .order_by(table.valid_from.desc().nulls_last(), table.id.desc())
        .limit(1)
    )
    model = (await tx.session.execute(statement)).scalar_one_or_none()
    if model is None:
        return ()
    currency, source = model.currency or "SAR", f"cost model {model.name or model.id}"
    families = [
        CostReference(
            Decimal(str(cost)), currency, asset_type=family.replace("_", " ").title(), source=source
        )
        for family, cost in (model.cost_per_asset_family or {}).items()
    ]
    if model.default_downtime_cost_per_hour is not None:
        families.append(CostReference(model.default_downtime_cost_per_hour, currency, source=source))
    return tuple(families)


async def _downtimes(tx: Tx) -> tuple[DowntimeReference, ...]:
    statement = select(rows.DowntimeReference).order_by(rows.DowntimeReference.id)
    found = (await tx.session.execute(statement)).scalars().all()
    return tuple(
        DowntimeReference(cause_label(row.cause), row.hours, row.asset_type, row.source or "", row.id)
        for row in found
    )


async def _downtime_history(tx: Tx, asset: Asset) -> tuple[DowntimeHistory, ...]:
    """What confirmed orders of assets like this one took, by cause; a fix that did not hold is left out."""
    row, hours = CauseConfirmation, CauseConfirmation.downtime_hours
    codes = func.array_agg(aggregate_order_by(WorkOrderRow.code, row.confirmed_at.desc()))
    statement = (
        select(
            row.cause,
            func.count(),
            func.avg(hours),
            func.percentile_cont(0.1).within_group(hours),
            func.percentile_cont(0.9).within_group(hours),
            codes,
        )
        .outerjoin(
            WorkOrderRow, (WorkOrderRow.id == row.work_order_id) & (WorkOrderRow.tenant_id == row.tenant_id)
        )
        .where(row.asset_type == asset.asset_type, row.cause.is_not(None), hours.is_not(None))
        .where(row.is_effective, ~row.is_withdrawn)
        .group_by(row.cause)
        .order_by(row.cause)
    )
    return tuple(
        DowntimeHistory(cause or "", asset.asset_type, n, _h(mean), _h(low), _h(high), _newest(found))
        for cause, n, mean, low, high, found in (await tx.session.execute(statement)).all()
    )


def _h(hours: Decimal | float) -> Decimal:
    return Decimal(str(hours)).quantize(Decimal("0.01"))


def _newest(codes: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(code for code in codes if code is not None)[:NAMED_ORDERS]


async def _carbon(tx: Tx, at: datetime) -> tuple[CarbonFactor, ...]:
    """The factors that had come into force, the latest first: the first of an energy type is its factor."""
    table = rows.CarbonFactor
    statement = (
        select(table)
        .where(table.is_active)
        .where(or_(table.valid_from.is_(None), table.valid_from <= at.astimezone(UTC).date()))
        .order_by(table.valid_from.desc().nulls_last(), table.id.desc())
    )
    found = (await tx.session.execute(statement)).scalars().all()
    return tuple(
        CarbonFactor(row.energy_type, row.factor_kg_per_kwh, row.source or "", row.id, row.valid_from)
        for row in found
    )
