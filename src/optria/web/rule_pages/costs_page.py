"""``/rules/costs``: what downtime costs and takes, the cost model behind it, and the carbon of energy."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from fastapi import Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.arabic import CAUSE_AR
from optria.core.incident import OTHER
from optria.db.identity import Tenant
from optria.db.plant import CarbonFactor, CostModel, CostReference, DowntimeReference
from optria.db.session import Tx
from optria.kit import clock
from optria.web.config.config_costs import CURRENCIES, facts
from optria.web.config.config_proposals import demands_four_eyes, needs_another, status_of
from optria.web.config.config_scope import Reading
from optria.web.deps import OpenTx
from optria.web.routing import api_router
from optria.web.rule_pages import rules_section as section

router = api_router(include_in_schema=False)

MOST_SHOWN: Final = 300


@router.get("/rules/costs")
async def costs_page(request: Request, viewer: Reading, tx: OpenTx) -> Response:
    costs = await _costs(tx)
    factors = await _factors(tx)
    people = [one for row in costs for one in (row.proposed_by, row.approved_by)]
    tenant = await tx.session.get(Tenant, tx.tenant_id) if tx.tenant_id is not None else None
    context: dict[str, object] = {
        "waiting": [row for row in costs if status_of(row) == "proposed"],
        "in_force": [row for row in costs if status_of(row) == "in_force"],
        "cost_facts": lambda row: facts(row) | {"replaces_id": row.id},
        "factors": factors,
        "factors_of_now": _of_now(factors, clock.now().date()),
        "downtimes": (await tx.session.scalars(_DOWNTIMES)).all(),
        "models": (await tx.session.scalars(_MODELS)).all(),
        "names": await section.names_of(tx, people, viewer.language),
        "four_eyes": tenant is not None and demands_four_eyes(tenant),
        "needs_another": tenant is not None and needs_another(tenant, viewer),
        "assets": await section.asset_codes(tx),
        "sites": await section.site_codes(tx),
        "types": await section.asset_types(tx),
        "currencies": sorted(CURRENCIES),
        "causes": [label for label in CAUSE_AR if label != OTHER],
    }
    return await section.render_section(request, "config_costs.html", tx, viewer, "costs", **context)


_DOWNTIMES: Final = (
    select(DowntimeReference).order_by(DowntimeReference.cause, DowntimeReference.id).limit(MOST_SHOWN)
)
_MODELS: Final = (
    select(CostModel).where(CostModel.is_active.is_not(False)).order_by(CostModel.id.desc()).limit(5)
)


async def _costs(tx: Tx) -> Sequence[CostReference]:
    query = select(CostReference).order_by(
        CostReference.asset_id.is_(None),
        CostReference.site_id.is_(None),
        CostReference.asset_type.is_(None),
        CostReference.asset_type,
        CostReference.id,
    )
    return (await tx.session.scalars(query.limit(MOST_SHOWN))).all()


async def _factors(tx: Tx) -> Sequence[CarbonFactor]:
    latest = CarbonFactor.valid_from.desc().nulls_last()
    query = select(CarbonFactor).where(CarbonFactor.is_active)
    query = query.order_by(CarbonFactor.energy_type, latest, CarbonFactor.id.desc())
    return (await tx.session.scalars(query.limit(MOST_SHOWN))).all()


def _of_now(factors: Sequence[CarbonFactor], today: date) -> frozenset[int]:
    """The ids of those that count today: of each energy type the latest that has begun."""
    found: dict[str, int] = {}
    for row in factors:
        if row.valid_from is None or row.valid_from <= today:
            found.setdefault(row.energy_type.lower(), row.id)
    return frozenset(found.values())
