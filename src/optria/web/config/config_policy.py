"""``/api/config/work-order-policy``: when incidents get orders, how these begin, and who watches them."""

from typing import Annotated, Literal

from fastapi import Request
from pydantic import ConfigDict, Field

from optria.core.errors import Invalid
from optria.core.work_order import WorkOrderPolicy
from optria.db.session import Tx
from optria.db.work import WorkOrderPolicyRow
from optria.web import bodies, changes
from optria.web.bodies import NewBody, SeverityWord
from optria.web.changes import Change
from optria.web.config.config_scope import Managing, Reading
from optria.web.deps import OpenTx, written_tenant
from optria.web.routing import api_router
from optria.web.shapes import Json
from optria.web.turns import lock_settings
from optria.work import orders
from optria.work.assignment import who_may_see_orders

router = api_router(prefix="/api/config/work-order-policy", tags=["configuration"])


class PolicyBody(NewBody):
    """What of the policy is to change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "min_severity": "MAJOR",
                    "min_probability": 0.6,
                    "initial_status": "pending_approval",
                    "watchers": [3],
                    "verification_hours": 48,
                }
            ]
        }
    )

    min_severity: SeverityWord = Field(
        "MAJOR", description="From this severity on an incident gets an order."
    )
    min_probability: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        0.6, description="So does one whose named top cause is at least this likely."
    )
    initial_status: Literal["open", "pending_approval"] = "open"
    watchers: Annotated[list[bodies.RowNumber], Field(max_length=50)] = Field(
        default_factory=list, description="Users who are told of every order made by the Black Box."
    )
    verification_hours: Annotated[float, Field(ge=0, le=8760, allow_inf_nan=False)] = Field(
        24, description="An anomaly that comes back within this time reopens the order; 0 never does."
    )
    rebaseline_when_closed: bool = Field(
        True, description="Closing a corrective order has the detectors learn the asset anew."
    )
    longest_shelving_hours: Annotated[float, Field(ge=1, le=720, allow_inf_nan=False)] = Field(
        24, description="For how long people may shelve alarms at most."
    )


def policy_json(tenant_id: int, policy: WorkOrderPolicy) -> Json:
    return {
        "tenant_id": tenant_id,
        "min_severity": policy.min_severity.name,
        "min_probability": policy.min_probability,
        "initial_status": policy.initial_status.value,
        "watchers": list(policy.watchers),
        "verification_hours": policy.verification_hours,
        "rebaseline_when_closed": policy.rebaseline_when_closed,
        "longest_shelving_hours": policy.longest_shelving_hours,
    }


@router.get("", summary="Read the work-order policy")
async def get_policy(_viewer: Reading, tx: OpenTx) -> Json:
    """The tenant's own, or what holds where it has set none."""
    tenant_id = written_tenant(tx)
    return policy_json(tenant_id, await orders.load_policy(tx, tenant_id))


@router.put("", summary="Change the work-order policy")
async def change_policy(request: Request, viewer: Managing, tx: OpenTx, body: PolicyBody) -> Json:
    """Only what is sent changes. Watchers are active users whose role may see work orders."""
    await lock_settings(tx)
    tenant_id = written_tenant(tx)
    old = policy_json(tenant_id, await orders.load_policy(tx, tenant_id))
    sent = body.model_dump(exclude_unset=True)
    sent |= {"watchers": await _watchers(tx, tenant_id, body)} if "watchers" in sent else {}
    row = await tx.session.get(WorkOrderPolicyRow, tenant_id)
    if row is None:
        row = WorkOrderPolicyRow(tenant_id=tenant_id)
        tx.session.add(row)
    for name, value in sent.items():
        setattr(row, name, value)
    await tx.session.flush()
    new = policy_json(tenant_id, await orders.load_policy(tx, tenant_id))
    change = Change("work_order_policy_changed", "work_order_policy", tenant_id, _summary(new), old, new)
    await changes.record(tx, viewer, request, change)
    return new


async def _watchers(tx: Tx, tenant_id: int, body: PolicyBody) -> list[int]:
    """Each once. Raises Invalid for somebody who could not see the orders."""
    fit = await who_may_see_orders(tx, tenant_id, body.watchers)
    unfit = next((user_id for user_id in body.watchers if user_id not in fit), None)
    if unfit is not None:
        raise Invalid(f"User {unfit} is no active user of this tenant who may see work orders.")
    return fit


def _summary(new: Json) -> str:
    likely = f"at a cause of {float(str(new['min_probability'])):.0%}"
    return f"Work orders: from {new['min_severity']} on or {likely}, beginning {new['initial_status']}"
