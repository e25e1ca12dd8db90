"""An analysis that fails: tried again later and later, given up after five times, and then told to people."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from optria.blackbox import analyses, incidents
from optria.db.blackbox import IncidentRow
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.work import assignment
from optria.work.notifications import Notice, notify

MAX_ATTEMPTS: Final = 5


async def record_failure(database: Database, tenant_id: int, incident_id: UUID, reason: str) -> int:
    """Count a failed pass; after the fifth the incident is left alone, marked FAILED. The attempts so far.

    An incident that another process holds by now is not counted: 0.
    """
    async with database.transaction(tenant_id) as tx:
        incident = await _held(tx, incident_id)
        if incident is None:
            return 0
        incident.attempts += 1
        incident.last_error = reason[:2000].replace("\0", "")
        dead = incident.attempts >= MAX_ATTEMPTS
        incident.next_pass_at = None if dead else clock.now() + timedelta(seconds=2**incident.attempts)
        if dead:
            await _give_up(tx, incident)
        return incident.attempts


async def _held(tx: Tx, incident_id: UUID) -> IncidentRow | None:
    statement = select(IncidentRow).where(IncidentRow.id == incident_id).with_for_update(skip_locked=True)
    return (await tx.session.execute(statement)).scalar_one_or_none()


async def _give_up(tx: Tx, incident: IncidentRow) -> None:
    incident.rca_status = "FAILED"
    incidents.announce(tx, incident, "analysis_failed")
    await notify(tx, incident.tenant_id, await _who_minds(tx, incident), await _notice(tx, incident))


async def _who_minds(tx: Tx, incident: IncidentRow) -> list[int]:
    """Who would have had the order, and the admins of the tenant."""
    admins = await assignment.admins(tx, incident.tenant_id)
    engineer = await assignment.pick(tx, incident.tenant_id, incident.site_id, clock.now())
    return [*([engineer.id] if engineer else []), *(admin.id for admin in admins)]


async def _notice(tx: Tx, incident: IncidentRow) -> Notice:
    number = incident.incident_number or str(incident.id)
    return Notice(
        key=f"analysis_failed:{incident.id}:{await analyses.revisions(tx, incident)}",
        notification_type="SYSTEM_MESSAGE",
        title=f"The analysis of {number} failed",
        title_ar=f"تعذر تحليل الحادث {number}",
        body=f"It was tried {MAX_ATTEMPTS} times and is tried no more, so no work is ordered. "
        "Look at the incident yourself, and run its analysis again once the reason is mended.",
        body_ar=f"جرت المحاولة {MAX_ATTEMPTS} مرات ولن تتكرر، لذلك لا يصدر أمر عمل. "
        "افحص الحادث بنفسك، وأعد تشغيل تحليله بعد معالجة السبب.",
        severity=incident.severity,
        entity_type="incident",
        entity_id=str(incident.id),
        action_url=f"/blackbox/incidents/{incident.id}",
    )
