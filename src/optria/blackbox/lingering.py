"""A deviation that goes on after its incident was resolved is reported anew: nobody keeps a false all-clear.

The detectors set one anchor per episode, so without this an asset whose fault was not mended would have no
incident until it had once been normal (ISA-18.2: an alarm that is still active is not returned to normal).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from optria.blackbox.incidents import reached
from optria.core.incident import Anchor
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.kit import clock

REST = timedelta(minutes=5)
"""How long after a resolution values may take to come back."""
MEMORY = timedelta(days=1)
"""Resolutions before this are no longer looked at."""

Seen = Callable[[int, int], Anchor | None]
"""The anchor of the deviation that goes on at an asset of a tenant, if one does."""


async def lingering(tx: Tx, seen: Seen) -> list[tuple[int, Anchor]]:
    """Tenant and anchor, set now, of each asset that deviates although somebody resolved its incident.

    ``tx`` sees every tenant. An asset that an open incident has reached is left to that incident.
    """
    now = clock.now()
    resolved = select(IncidentRow.tenant_id, IncidentRow.root_asset_id).where(
        IncidentRow.resolved_by.is_not(None), IncidentRow.resolved_at.between(now - MEMORY, now - REST)
    )
    found = []
    for tenant_id, asset_id in (await tx.session.execute(resolved.distinct())).all():
        anchor = seen(tenant_id, asset_id or 0)
        if anchor is not None and not await _is_covered(tx, tenant_id, anchor.asset_id):
            found.append((tenant_id, replace(anchor, time=now)))
    return found


async def _is_covered(tx: Tx, tenant_id: int, asset_id: int) -> bool:
    """Whether an incident that is open, or was resolved just now, has reached the asset."""
    just_now = IncidentRow.resolved_at > clock.now() - REST
    recent = select(IncidentRow).where(
        IncidentRow.tenant_id == tenant_id, IncidentRow.dedup_key.is_not(None) | just_now
    )
    return any(asset_id in reached(row) for row in (await tx.session.execute(recent)).scalars())
