"""Late samples: an incident that is open and not yet sealed is analysed again with them.

They have reached memory and history by then, never a detector. A recording that is sealed stays what it was;
the check of its seal says how many samples came after it (:mod:`optria.blackbox.seal_check`).
"""

from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Select, exists, select

from optria.blackbox.incidents import GOING_ON, announce, reached
from optria.db.blackbox import IncidentRow
from optria.db.seals import SealRow
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.streams.late import Late

log = structlog.get_logger(__name__)

PENDING: Final = "PENDING"
"""``rca_status`` of an incident whose analysis does not know yet what came since."""


class LateSamples:
    """What came late since the last look, by tenant and asset; bounded by the number of assets."""

    def __init__(self) -> None:
        self._noted: dict[int, dict[int, Late]] = {}

    def __bool__(self) -> bool:
        return bool(self._noted)

    def note(self, tenant_id: int, late: Late) -> None:
        """Remember it; never waits."""
        of_tenant = self._noted.setdefault(tenant_id, {})
        known = of_tenant.get(late.asset_id)
        of_tenant[late.asset_id] = known.with_more(late) if known else late

    async def bring_forward(self, database: Database) -> int:
        """Have the incidents analysed that it belongs to; how many. What is not committed is kept."""
        found = 0
        for tenant_id in list(self._noted):
            noted = self._noted.pop(tenant_id)
            try:
                async with database.transaction(tenant_id) as tx:
                    found += await bring_forward(tx, noted)
            except BaseException:
                for late in noted.values():
                    self.note(tenant_id, late)
                raise
        return found


async def bring_forward(tx: Tx, noted: dict[int, Late]) -> int:
    """Have every open incident analysed that ``noted`` samples, by asset, belong to; how many."""
    found = 0
    for incident in (await tx.session.scalars(_open_ones().with_for_update())).all():
        mine = [noted[asset] for asset in reached(incident) if asset in noted]
        samples = sum(late.samples for late in mine if _meets(incident, late))
        if samples:
            incident.rca_status, incident.next_pass_at = PENDING, _sooner(incident.next_pass_at, clock.now())
            announce(tx, incident, "late_samples")
            log.info("late_samples", incident=str(incident.id), samples=samples)
            found += 1
    return found


def is_pending(incident: IncidentRow) -> bool:
    """Whether it waits for an analysis, also where a final one is there already."""
    return incident.rca_status == PENDING


def _open_ones() -> Select[IncidentRow]:
    sealed = exists().where(SealRow.tenant_id == IncidentRow.tenant_id, SealRow.incident_id == IncidentRow.id)
    return (
        select(IncidentRow)
        .where(IncidentRow.status.in_(GOING_ON), IncidentRow.window_start.is_not(None), ~sealed)
        .where(IncidentRow.analysed_at.is_not(None))
        .order_by(IncidentRow.id)
    )


def _meets(incident: IncidentRow, late: Late) -> bool:
    """Whether samples are of the incident's window."""
    assert incident.window_start is not None
    assert incident.window_end is not None
    return late.first <= incident.window_end and late.last >= incident.window_start


def _sooner(planned: datetime | None, now: datetime) -> datetime:
    return now if planned is None else min(planned, now)
