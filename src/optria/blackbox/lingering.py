"""A deviation that goes on after its incident was resolved is reported anew: nobody keeps a false all-clear.

The detectors set one anchor per episode, so without this an asset whose fault was not mended would have no
incident until it had once been normal (ISA-18.2: an alarm that is still active is not returned to normal).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import exists, or_, select, union

from optria.blackbox.incidents import reached
from optria.core.incident import Anchor
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock

REST = timedelta(minutes=5)
"""How long after a resolution values may take to come back."""
MEMORY = timedelta(days=1)
"""Resolutions before this are no longer looked at."""

Seen = Callable[[int, int], Anchor | None]
"""The anchor of the deviation that goes on at an asset of a tenant, if one does."""


async def lingering(tx: Tx, seen: Seen) -> list[tuple[int, Anchor]]:
    """Tenant and anchor, set now, of each asset that deviates although somebody resolved its incident, or
    completed its work.

    ``tx`` sees every tenant. An asset that an open incident has reached is left to that incident.
    """
    now = clock.now()
    a_day = now - MEMORY, now - REST
    resolved = select(IncidentRow.tenant_id, IncidentRow.root_asset_id).where(
        IncidentRow.resolved_by.is_not(None), IncidentRow.resolved_at.between(*a_day)
    )
    mended = select(WorkOrderRow.tenant_id, WorkOrderRow.asset_id).where(
        WorkOrderRow.incident_id.is_not(None), WorkOrderRow.completed_at.between(*a_day)
    )
    found = []
    for tenant_id, asset_id in (await tx.session.execute(union(resolved, mended))).all():
        anchor = seen(tenant_id, asset_id or 0)
        if anchor is not None and not await _is_covered(tx, tenant_id, anchor.asset_id):
            found.append((tenant_id, replace(anchor, time=now)))
    return found


async def _is_covered(tx: Tx, tenant_id: int, asset_id: int) -> bool:
    """Whether an incident that is open, or was resolved or mended just now, has reached the asset."""
    lately = clock.now() - REST
    mended = exists().where(
        WorkOrderRow.tenant_id == tenant_id,
        WorkOrderRow.id == IncidentRow.auto_work_order_id,
        WorkOrderRow.completed_at > lately,
    )
    recent = select(IncidentRow).where(
        IncidentRow.tenant_id == tenant_id,
        or_(IncidentRow.dedup_key.is_not(None), IncidentRow.resolved_at > lately, mended),
    )
    return any(asset_id in reached(row) for row in (await tx.session.execute(recent)).scalars())
