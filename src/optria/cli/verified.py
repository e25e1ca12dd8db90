"""Is what is stored whole: the chains of the audit log, and the seals of recordings."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import select

from optria.blackbox.seal_check import check_seal
from optria.db.audit_check import check_chain
from optria.db.blackbox import IncidentRow
from optria.db.identity import Tenant
from optria.db.seals import SealRow
from optria.db.session import Database


@dataclass(slots=True)
class Verified:
    """What a check of everything found; ``broken`` are sentences."""

    chains: int = 0
    audit_rows: int = 0
    seals: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        return not self.broken

    def __str__(self) -> str:
        counted = (
            f"Audit log: {self.chains} chains, {self.audit_rows:,} rows verified. "
            f"Recordings: {self.seals:,} seals verified."
        )
        return " ".join([counted, *(self.broken or ["Everything is intact."])])


async def verify(database: Database, told: Callable[[str], None]) -> Verified:
    """Walk along every chain of the audit log and hash every sealed recording anew."""
    found = Verified()
    async with database.platform("verify all") as tx:
        tenants = list(await tx.session.scalars(select(Tenant.id).order_by(Tenant.id)))
    for tenant_id in [*tenants, None]:
        async with database.platform("verify all") as tx:
            report = await check_chain(tx, tenant_id)
        found.chains += 1
        found.audit_rows += report.checked
        if report.first_bad is not None:
            place = f"row {report.first_bad.sequence}: {report.first_bad.reason}"
            found.broken.append(f"The audit log of tenant {tenant_id or 'nobody'} is broken at {place}.")
    for tenant_id in tenants:
        await _verify_seals(database, tenant_id, found)
        told(f"tenant {tenant_id}: {found.seals:,} recordings verified so far")
    return found


async def _verify_seals(database: Database, tenant_id: int, found: Verified) -> None:
    async with database.transaction(tenant_id) as tx:
        sealed = list(await tx.session.scalars(select(SealRow.incident_id).order_by(SealRow.sequence)))
    for incident_id in sealed:
        async with database.transaction(tenant_id) as tx:
            incident = await tx.session.get_one(IncidentRow, incident_id)
            check = await check_seal(tx, incident)
        found.seals += 1
        if check is not None and not check.is_intact:
            kinds = ", ".join(sorted({each.kind for each in check.differences}))
            found.broken.append(
                f"The recording of {incident.incident_number} is not what was sealed: {kinds}."
            )
