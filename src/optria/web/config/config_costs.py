"""``/api/config/cost-references``: what an hour of downtime costs, proposed and approved before it counts."""

from decimal import Decimal
from typing import Annotated

from fastapi import Request
from pydantic import AfterValidator, ConfigDict, Field
from sqlalchemy import select

from optria.core.errors import Conflict, Invalid
from optria.db.plant import CostReference
from optria.db.session import Tx
from optria.kit import clock
from optria.web import audit, bodies, changes
from optria.web.bodies import NewBody, Word100
from optria.web.changes import Change
from optria.web.config import config_proposals
from optria.web.config.config_bodies import Reason, Rejection, Source
from optria.web.config.config_proposals import ProposalStatus, has_status, life_json
from optria.web.config.config_scope import (
    Managing,
    Reading,
    TypeFilter,
    check_one_scope,
    find_asset,
    find_site,
    known_type,
    same,
    scope_words,
)
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, RowId, written_tenant
from optria.web.routing import api_router
from optria.web.rows import find, page
from optria.web.shapes import Json, number
from optria.web.turns import lock_settings

router = api_router(prefix="/api/config/cost-references", tags=["configuration"])

COST = "cost reference"
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
    LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK
    PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
    TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905 - readable as words
)
"""Currencies of ISO 4217 in use."""


def _in_use(code: str) -> str:
    """Raises ValueError for a code that is no currency."""
    if code not in CURRENCIES:
        raise ValueError("this is no currency of ISO 4217, such as SAR or USD")
    return code


Currency = Annotated[str, Field(min_length=3, max_length=3), AfterValidator(_in_use)]


class CostProposal(NewBody):
    """The cost of an asset, of a site, of an asset type, or of whatever has none of its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asset_type": "Pump",
                    "cost_per_hour": 8500,
                    "currency": "SAR",
                    "source": "Plan 2027, finance department",
                    "reason": "Yearly review",
                }
            ]
        }
    )

    asset_id: bodies.RowNumber | None = None
    site_id: bodies.RowNumber | None = None
    asset_type: Word100 | None = None
    cost_per_hour: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=2)]
    currency: Currency = "SAR"
    source: Source | None = None
    replaces_id: bodies.RowNumber | None = Field(
        None, description="The cost that this one takes the place of."
    )
    reason: Reason | None = None


def facts(row: CostReference) -> Json:
    """What a cost reference says."""
    return {
        "asset_id": row.asset_id,
        "site_id": row.site_id,
        "asset_type": row.asset_type,
        "cost_per_hour": number(row.cost_per_hour),
        "currency": row.currency,
        "source": row.source,
    }


def cost_json(row: CostReference) -> Json:
    return {"id": row.id, "tenant_id": row.tenant_id} | facts(row) | life_json(row)


@router.get("", summary="List cost references")
async def list_costs(
    _viewer: Reading,
    tx: OpenTx,
    asset_id: IdFilter = None,
    site_id: IdFilter = None,
    asset_type: TypeFilter = None,
    status: ProposalStatus | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Json:
    """Of an asset the narrowest counts: its own, else that of its site, of its type, of the plant."""
    query = select(CostReference).order_by(CostReference.id)
    if asset_id is not None:
        query = query.where(CostReference.asset_id == asset_id)
    if site_id is not None:
        query = query.where(CostReference.site_id == site_id)
    if asset_type is not None:
        query = query.where(same(CostReference.asset_type, asset_type))
    if status is not None:
        query = query.where(has_status(CostReference, status))
    return await page(tx, query, cost_json, limit, offset)


@router.get("/{cost_id}", summary="Read a cost reference")
async def get_cost(_viewer: Reading, tx: OpenTx, cost_id: RowId) -> Json:
    return cost_json(await find(tx, CostReference, cost_id, COST))


@router.post("", summary="Propose a cost reference", status_code=201)
async def propose_cost(request: Request, viewer: Managing, tx: OpenTx, body: CostProposal) -> Json:
    """No estimate uses it until it is approved. A change names what it replaces."""
    await lock_settings(tx)
    check_one_scope(body.asset_id, body.site_id, body.asset_type)
    await find_asset(tx, body.asset_id)
    await find_site(tx, body.site_id)
    replaced = await config_proposals.replaced_by(tx, CostReference, body.replaces_id, COST)
    row = CostReference(
        **body.model_dump() | {"asset_type": await known_type(tx, body.asset_type)},
        tenant_id=written_tenant(tx),
        is_active=False,
        proposed_by=viewer.user_id,
        created_at=clock.now(),
    )
    await _check_fits(tx, row, replaced)
    tx.session.add(row)
    await tx.session.flush()
    deed = "cost_reference_proposed", "cost_reference", row.id
    audit.record(tx, viewer.user_id, row.tenant_id, *deed, request, new=facts(row))
    return cost_json(row)


async def _check_fits(tx: Tx, row: CostReference, replaced: CostReference | None) -> None:
    """Raises Invalid for a change of scope, Conflict where the scope has another cost in force."""
    names = ("asset_id", "site_id", "asset_type")
    if replaced and any(getattr(row, name) != getattr(replaced, name) for name in names):
        raise Invalid(f"Cost reference {replaced.id} is of another asset, site or asset type.")
    query = select(CostReference.id).where(
        CostReference.tenant_id == row.tenant_id,
        CostReference.is_active,
        CostReference.asset_id.is_not_distinct_from(row.asset_id),
        CostReference.site_id.is_not_distinct_from(row.site_id),
        same(CostReference.asset_type, row.asset_type),
    )
    found = (await tx.session.scalars(query.order_by(CostReference.id))).all()
    other = next((one for one in found if replaced is None or one != replaced.id), None)
    if other is not None:
        raise Conflict(f"Cost reference {other} is in force there already: name it in replaces_id.")


@router.post("/{cost_id}/approve", summary="Approve a cost reference")
async def approve_cost(request: Request, viewer: Managing, tx: OpenTx, cost_id: RowId) -> Json:
    """The next estimate uses it, and no longer the one it replaces.

    403 for the proposer where the tenant's setting ``four_eyes`` is on.
    """
    tenant, row = await config_proposals.to_decide(tx, CostReference, cost_id, COST)
    config_proposals.check_four_eyes(tenant, row, viewer)
    replaced = await config_proposals.replaced_by(tx, CostReference, row.replaces_id, COST)
    await _check_fits(tx, row, replaced)
    config_proposals.put_in_force(row, replaced, viewer)
    instead = f", instead of {_amount(replaced)}" if replaced else ""
    summary = f"Cost of downtime of {await _whom(tx, row)} set to {_amount(row)}{instead}"
    old = facts(replaced) if replaced else {}
    change = Change(
        "cost_reference_approved", "cost_reference", row.id, summary, old, facts(row), row.asset_id
    )
    await changes.record(tx, viewer, request, change)
    return cost_json(row)


async def _whom(tx: Tx, row: CostReference) -> str:
    return await scope_words(tx, row.asset_id, row.asset_type, row.site_id)


def _amount(row: CostReference) -> str:
    return f"{row.cost_per_hour:.2f} {row.currency} an hour"


@router.post("/{cost_id}/reject", summary="Turn a proposed cost reference down")
async def reject_cost(
    request: Request, viewer: Managing, tx: OpenTx, cost_id: RowId, body: Rejection
) -> Json:
    """Its proposer may do so too, to take it back."""
    _, row = await config_proposals.to_decide(tx, CostReference, cost_id, COST)
    config_proposals.turn_down(row, body.reason)
    deed = "cost_reference_rejected", "cost_reference", row.id
    said = {"reason": body.reason}
    audit.record(tx, viewer.user_id, row.tenant_id, *deed, request, old=facts(row), new=said)
    return cost_json(row)


@router.post("/{cost_id}/retire", summary="Take a cost reference out of force")
async def retire_cost(request: Request, viewer: Managing, tx: OpenTx, cost_id: RowId) -> Json:
    """Nothing takes its place: that of the next wider scope counts again, if there is one."""
    row = await config_proposals.take_out_of_force(tx, CostReference, cost_id, COST)
    summary = f"Cost of downtime of {await _whom(tx, row)} ({_amount(row)}) is no longer in force"
    ended = {"is_active": False}
    change = Change(
        "cost_reference_retired", "cost_reference", row.id, summary, facts(row), ended, row.asset_id
    )
    await changes.record(tx, viewer, request, change)
    return cost_json(row)
