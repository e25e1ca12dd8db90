"""Numbers for people: INC-2026-00017, WO-BB-2026-00042; never the same twice."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import Counter, WorkOrderRow
from optria.kit import clock


async def next_incident_number(tx: Tx, tenant_id: int) -> str:
    """``INC-<year>-00001``, counted per tenant."""
    taken = select(func.count()).select_from(IncidentRow).where(IncidentRow.tenant_id == tenant_id)
    return await _next(tx, tenant_id, "INC", taken.scalar_subquery())


async def next_order_number(tx: Tx, tenant_id: int) -> str:
    """``WO-BB-<year>-00001``, counted per tenant."""
    taken = select(func.count()).select_from(WorkOrderRow).where(WorkOrderRow.tenant_id == tenant_id)
    return await _next(tx, tenant_id, "WO-BB", taken.scalar_subquery())


async def _next(tx: Tx, tenant_id: int, prefix: str, taken: object) -> str:
    """One more than the last; the first follows what v1 had already numbered by counting."""
    year = clock.now().year
    statement = (
        insert(Counter)
        .values(tenant_id=tenant_id, name=f"{prefix}-{year}", value=taken + 1)  # type: ignore[operator]
        .on_conflict_do_update(
            index_elements=[Counter.tenant_id, Counter.name], set_={"value": Counter.value + 1}
        )
        .returning(Counter.value)
    )
    number = (await tx.session.execute(statement)).scalar_one()
    return f"{prefix}-{year}-{number:05d}"
