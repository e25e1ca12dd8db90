"""``/rules/limits``: the operating limits in force, the proposals that wait, and what has ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Final

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.event import Severity
from optria.core.tag import Quality
from optria.db.identity import Tenant
from optria.db.plant import AssetRow, MappingRow, ThresholdRow
from optria.db.session import Tx
from optria.kit import clock
from optria.streams.live import Latest
from optria.web.bodies import LARGEST_ID
from optria.web.config.config_limits import facts
from optria.web.config.config_proposals import demands_four_eyes, status_of
from optria.web.config.config_scope import Reading
from optria.web.deps import Given, OpenTx
from optria.web.routing import api_router
from optria.web.rule_pages import rules_section as section
from optria.web.services import Services
from optria.web.shapes import Json

router = api_router(include_in_schema=False)

MOST_SHOWN: Final = 300
MOST_ENDED: Final = 50
OLDEST_S: Final = 180.0
Metric = Annotated[str, Query(max_length=100)]
AssetId = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]


@dataclass(frozen=True, slots=True)
class Nearest:
    """The good value of now that is nearest to a limit, or furthest beyond it."""

    value: float
    asset: str


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A limit with whom it is for, in words, and how many tags it watches now."""

    row: ThresholdRow
    status: str
    whose: str
    is_type: bool
    tags: int
    nearest: Nearest | None
    facts: Json


@dataclass(frozen=True, slots=True)
class Tag:
    """A mapped tag: its metric, its asset, the asset's type in small letters, its good value of now."""

    metric: str
    asset_id: int
    code: str
    asset_type: str
    value: float | None


@router.get("/rules/limits")
async def limits_page(
    request: Request,
    viewer: Reading,
    tx: OpenTx,
    services: Given,
    metric: Metric = "",
    asset: AssetId = None,
) -> Response:
    """All limits, or those of one ``metric``, or those that hold for one ``asset``, its type's with them."""
    rows = await _rows(tx, metric)
    codes = await section.asset_codes(tx)
    watched = await _watched(tx, services)
    own = [tag for tag in watched if tag.asset_id == asset]
    rows = [row for row in rows if asset is None or any(_is_for(row, tag) for tag in own)]
    lines = [_line(row, codes, watched) for row in rows]
    people = [one for row in rows for one in (row.proposed_by, row.approved_by)]
    tenant = await tx.session.get(Tenant, tx.tenant_id) if tx.tenant_id is not None else None
    context: dict[str, object] = {
        "waiting": [one for one in lines if one.status == "proposed"],
        "in_force": [one for one in lines if one.status == "in_force"],
        "ended": [one for one in lines if one.status == "ended"][:MOST_ENDED],
        "names": await section.names_of(tx, people, viewer.language),
        "four_eyes": tenant is not None and demands_four_eyes(tenant),
        "metrics": await section.metrics(tx),
        "all_metrics": await _limited_metrics(tx),
        "metric": metric,
        "only": codes.get(asset or 0),
        "assets": codes,
        "types": await section.asset_types(tx),
        "severities": [severity.name for severity in reversed(Severity)],
    }
    return await section.render_section(request, "config_limits.html", tx, viewer, "limits", **context)


async def _rows(tx: Tx, metric: str) -> Sequence[ThresholdRow]:
    query = select(ThresholdRow).order_by(
        ThresholdRow.metric,
        ThresholdRow.asset_type.nulls_last(),
        ThresholdRow.asset_id,
        ThresholdRow.id.desc(),
    )
    if metric:
        query = query.where(ThresholdRow.metric == metric)
    return (await tx.session.scalars(query.limit(MOST_SHOWN))).all()


async def _limited_metrics(tx: Tx) -> list[str]:
    query = select(ThresholdRow.metric).distinct().order_by(ThresholdRow.metric)
    return list((await tx.session.scalars(query)).all())


async def _watched(tx: Tx, services: Services) -> Sequence[Tag]:
    """Every mapped tag with its value of now; none where the stream has none that is good."""
    query = (
        select(
            MappingRow.id, MappingRow.internal_metric_name, AssetRow.id, AssetRow.code, AssetRow.asset_type
        )
        .join(AssetRow, AssetRow.id == MappingRow.asset_id)
        .where(MappingRow.is_active.is_not(False))
    )
    pipeline = services.pipelines.get(tx.tenant_id) if tx.tenant_id is not None else None
    known = pipeline.live.snapshot() if pipeline else {}
    return [
        Tag(metric, asset, code, (kind or "").casefold(), _good(known.get(number)))
        for number, metric, asset, code, kind in (await tx.session.execute(query)).all()
    ]


def _good(latest: Latest | None) -> float | None:
    """The value, if it is good and no older than some minutes."""
    if latest is None:
        return None
    value, time_ms, quality = latest
    age_s = clock.now().timestamp() - time_ms / 1000
    return value if quality != Quality.BAD and isfinite(value) and age_s <= OLDEST_S else None


def _line(row: ThresholdRow, codes: Mapping[int, str], tags: Sequence[Tag]) -> LimitLine:
    watched = [tag for tag in tags if _is_for(row, tag)]
    return LimitLine(
        row=row,
        status=status_of(row),
        whose=codes.get(row.asset_id or 0, "") if row.asset_id else row.asset_type or "",
        is_type=row.asset_id is None,
        tags=len(watched),
        nearest=_nearest(row, watched),
        facts=facts(row) | {"replaces_id": row.id},
    )


def _nearest(row: ThresholdRow, watched: Sequence[Tag]) -> Nearest | None:
    values = [(tag.value, tag.code) for tag in watched if tag.value is not None]
    if not values:
        return None
    return Nearest(*(max(values) if row.direction == "high" else min(values)))


def _is_for(row: ThresholdRow, tag: Tag) -> bool:
    if tag.metric != row.metric:
        return False
    if row.asset_id is not None:
        return tag.asset_id == row.asset_id
    return row.asset_type is None or row.asset_type.casefold() == tag.asset_type
