"""Whether a limit fits the tags it is for and the limits that hold already."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from optria.core.errors import Conflict, Invalid
from optria.db.plant import AssetRow, MappingRow, ThresholdRow
from optria.db.session import Tx
from optria.rca.words import KNOWN_METRICS
from optria.web.config.config_scope import same, scope_words
from optria.web.config.known_words import closest
from optria.web.shapes import Json

LIMIT = "limit"


def facts(row: ThresholdRow) -> Json:
    """What a limit says."""
    return {
        "asset_id": row.asset_id,
        "asset_type": row.asset_type,
        "metric": row.metric,
        "direction": row.direction,
        "limit_value": row.limit_value,
        "unit": row.unit,
        "severity": row.severity,
        "dead_band_percent": row.dead_band_percent,
        "on_delay_s": row.on_delay_s,
        "off_delay_s": row.off_delay_s,
    }


def limit_words(row: ThresholdRow) -> str:
    """``high 7.1 mm/s (CRITICAL)``"""
    unit = f" {row.unit}" if row.unit else ""
    return f"{row.direction} {row.limit_value:g}{unit} ({row.severity})"


async def _unit(tx: Tx, row: ThresholdRow) -> str | None:
    """The unit of a limit: its own, else the one of its tags. Raises Invalid where they do not agree."""
    tags = await _tags(tx, row)
    if row.unit is None:
        units = list(dict.fromkeys(unit for _, unit in tags))
        if len(units) > 1:
            raise Invalid(
                f"The tags of {row.metric} are measured in {', '.join(units)}: one limit cannot hold for all."
            )
        return next(iter(units), None)
    other = next(((tag, unit) for tag, unit in tags if unit != row.unit), None)
    if other is not None:
        raise Invalid(f"{other[0]} is measured in {other[1]}, so its limit cannot be in {row.unit}.")
    return row.unit


async def _tags(tx: Tx, row: ThresholdRow) -> Sequence[tuple[str, str]]:
    """External tag and unit of what the limit would watch."""
    query = (
        select(MappingRow.external_tag, MappingRow.unit)
        .join(AssetRow, AssetRow.id == MappingRow.asset_id)
        .where(
            MappingRow.tenant_id == row.tenant_id,
            MappingRow.internal_metric_name == row.metric,
            MappingRow.is_active.is_not(False),
            MappingRow.unit != "",
        )
        .order_by(MappingRow.id)
    )
    found = await tx.session.execute(query.where(*_of_scope(row)))
    return [(tag, (unit or "").strip()) for tag, unit in found.all()]


def _of_scope(row: ThresholdRow) -> list[ColumnElement[bool]]:
    """What mappings, joined with their assets, meet if a limit is for them."""
    if row.asset_id is not None:
        return [MappingRow.asset_id == row.asset_id]
    if row.asset_type is not None:
        return [same(AssetRow.asset_type, row.asset_type)]
    return []


async def limit_warnings(tx: Tx, row: ThresholdRow) -> list[str]:
    """A sentence if no tag that the limit is for measures its metric."""
    watched = select(MappingRow.internal_metric_name).join(AssetRow, AssetRow.id == MappingRow.asset_id)
    watched = watched.where(MappingRow.tenant_id == row.tenant_id, MappingRow.is_active.is_not(False))
    measured = set(await tx.session.scalars(watched.where(*_of_scope(row)).distinct()))
    if row.metric in measured:
        return []
    near = closest(row.metric, measured | KNOWN_METRICS)
    meant = f" Is {near} meant?" if near and near != row.metric else ""
    whose = await scope_words(tx, row.asset_id, row.asset_type)
    return [f"No tag measures {row.metric} of {whose}: the limit watches nothing until one does.{meant}"]


async def check_fits(tx: Tx, row: ThresholdRow, replaced: ThresholdRow | None) -> None:
    """A limit against its tags, whose unit it takes, and those in force of the same scope and metric.

    Raises:
        Invalid: its unit is not that of the tags, it replaces one of something else, or the low limit
            would not be below the high one.
        Conflict: there is one of the same direction and severity already.
    """
    row.unit = await _unit(tx, row)
    _check_same_thing(row, replaced)
    for other in await _in_force(tx, row, replaced):
        if other.direction != row.direction:
            low, high = (row, other) if row.direction == "low" else (other, row)
            if low.limit_value >= high.limit_value:
                raise Invalid(
                    f"The low limit {low.limit_value:g} must be below the high limit {high.limit_value:g}"
                    f" of the same scope (limit {other.id})."
                )
        elif other.severity == row.severity:
            raise Conflict(
                f"Limit {other.id} ({limit_words(other)}) is in force already: name it in replaces_id."
            )


def _check_same_thing(row: ThresholdRow, replaced: ThresholdRow | None) -> None:
    names = ("asset_id", "asset_type", "metric", "direction")
    if replaced and any(getattr(row, name) != getattr(replaced, name) for name in names):
        raise Invalid(
            f"Limit {replaced.id} is of another asset, asset type, metric or direction: "
            "a change keeps these. Retire it and propose a new one."
        )


async def _in_force(tx: Tx, row: ThresholdRow, replaced: ThresholdRow | None) -> Sequence[ThresholdRow]:
    query = select(ThresholdRow).where(
        ThresholdRow.tenant_id == row.tenant_id,
        ThresholdRow.is_active,
        ThresholdRow.metric == row.metric,
        ThresholdRow.asset_id.is_not_distinct_from(row.asset_id),
        same(ThresholdRow.asset_type, row.asset_type),
    )
    found = (await tx.session.scalars(query.order_by(ThresholdRow.id))).all()
    return [one for one in found if replaced is None or one.id != replaced.id]
