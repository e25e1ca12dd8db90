"""The signal mappings of a connection as rows of a table, with the value that each has now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from optria.core.asset import PlantModel
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Tx
from optria.web.assets.readings import Reading, latest_readings
from optria.web.filters import severity_key
from optria.web.integrations.mapping_table import FIELDS
from optria.web.page_words import signal_name
from optria.web.services import Services
from optria.web.shapes import mapping_json
from optria.web.twin.twin_page_model import Limit, SignalView

ROWS_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class MappingLine:
    """One mapping; ``fill`` is what its dialog is filled with, ``missing``: the source has no such tag."""

    id: int
    external_tag: str
    metric: str
    asset_id: int | None
    asset_code: str
    site_id: int | None
    signal: SignalView
    fill: Mapping[str, object]
    missing: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MappingPage:
    lines: tuple[MappingLine, ...]
    total: int
    offset: int

    @property
    def sites(self) -> list[int]:
        """The sites whose live values the lines need."""
        return sorted({line.site_id for line in self.lines if line.site_id is not None})

    @property
    def next_offset(self) -> int | None:
        end = self.offset + len(self.lines)
        return end if end < self.total else None


async def mapping_page(
    tx: Tx, services: Services, tenant_id: int, integration_id: int, text: str, offset: int
) -> MappingPage:
    """The active mappings by tag, those with ``text`` in their tag, metric, description or asset."""
    query = (
        select(MappingRow, AssetRow, func.count().over())
        .join(AssetRow, AssetRow.id == MappingRow.asset_id, isouter=True)
        .where(MappingRow.integration_id == integration_id, MappingRow.is_active.is_not(False))
        .order_by(MappingRow.external_tag, MappingRow.id)
    )
    if text:
        columns = (
            MappingRow.external_tag,
            MappingRow.internal_metric_name,
            MappingRow.description,
            AssetRow.code,
        )
        query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    found = (await tx.session.execute(query.limit(ROWS_PER_PAGE).offset(offset))).all()
    plant = services.plants(tenant_id)
    readings = latest_readings(services, tenant_id, [row.id for row, _, _ in found])
    missing = missing_tags(services, tenant_id, integration_id)
    lines = tuple(_line(row, asset, plant, readings, missing) for row, asset, _ in found)
    return MappingPage(lines, found[0][2] if found else 0, offset)


def missing_tags(services: Services, tenant_id: int, integration_id: int) -> frozenset[str]:
    """Mapped tags that the connected source said it does not have."""
    links = services.links(tenant_id)
    return frozenset(tag for link in links if link.integration_id == integration_id for tag in link.missing)


def _line(
    row: MappingRow,
    asset: AssetRow | None,
    plant: PlantModel,
    readings: Mapping[int, Reading],
    missing: frozenset[str],
) -> MappingLine:
    shown = mapping_json(row)
    return MappingLine(
        id=row.id,
        external_tag=row.external_tag,
        metric=row.internal_metric_name,
        asset_id=row.asset_id,
        asset_code=asset.code if asset else "",
        site_id=asset.site_id if asset else None,
        signal=_signal(row, readings.get(row.id), _limits(row, plant)),
        fill={name: shown[name] for name in FIELDS} | {"asset_id": row.asset_id or ""},
        missing=row.external_tag in missing,
        problem="unbound" if asset is None else "out_of_use" if asset.is_active is False else "",
    )


def _signal(row: MappingRow, reading: Reading | None, limits: tuple[Limit, ...]) -> SignalView:
    return SignalView(
        tag=row.id,
        external_tag=row.external_tag,
        label=signal_name(row.description, row.internal_metric_name, "en"),
        metric=row.internal_metric_name,
        unit=row.unit or "",
        decimals=row.decimals,
        range_low=row.range_low,
        range_high=row.range_high,
        normal_low=row.normal_low,
        normal_high=row.normal_high,
        limits=limits,
        scan_s=row.scan_s or 1.0,
        value=reading.value if reading else None,
        time_ms=int(reading.time.timestamp() * 1000) if reading else None,
        quality=reading.quality if reading else 0,
    )


def _limits(row: MappingRow, plant: PlantModel) -> tuple[Limit, ...]:
    asset = plant.asset(row.asset_id or 0)
    if asset is None:
        return ()
    found = plant.thresholds_of(asset, row.internal_metric_name)
    return tuple((severity_key(t.severity.name), t.direction, t.limit) for t in found)


async def asset_choices(tx: Tx, tenant_id: int) -> Sequence[tuple[int, str, str]]:
    """(id, code, name) of the assets that signals can be mapped to."""
    query = select(AssetRow.id, AssetRow.code, AssetRow.name).where(
        AssetRow.tenant_id == tenant_id, AssetRow.is_active.is_not(False)
    )
    return [
        (i, code, name) for i, code, name in (await tx.session.execute(query.order_by(AssetRow.code))).all()
    ]
