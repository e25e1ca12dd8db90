"""What happened on somebody's watch, told at the hand-over to who leaves and who comes, if they want it.

Built from rows at the hand-over time of the rota, once for each person and hand-over, whichever process is
first. The rota decides when that is (:mod:`optria.core.rota`), daylight-saving days included.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from optria.core.event import Severity
from optria.core.rota import Claim, deciding, merged
from optria.db.alarms import MaintenanceWindow, Shelving
from optria.db.blackbox import EventRow, IncidentRow
from optria.db.delivery import NotificationPreferenceRow
from optria.db.plant import SiteRow
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.work import assignment
from optria.work.notifications import Notice, notify
from optria.work.on_call import claims_between

LOOK_EVERY_S: Final = 60.0
LATE: Final = timedelta(hours=2)
"""A hand-over that was longer ago than this is no news any more."""
LONGEST_WATCH: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Watched:
    """What happened at a site between two hand-overs."""

    opened: int
    critical: int
    still_open: int
    suppressed: int
    shelved: int
    in_maintenance: int


async def tell_handovers(database: Database) -> None:
    """Tell those who asked for it of each hand-over, for ever."""
    while True:
        await tell_due(database, clock.now())
        await asyncio.sleep(LOOK_EVERY_S)


async def tell_due(database: Database, now: datetime) -> int:
    """Tell of the hand-overs of the last two hours that nobody was told of; how many notifications."""
    async with database.platform("tenants with hand-over digests") as tx:
        wanted = select(NotificationPreferenceRow.tenant_id).where(NotificationPreferenceRow.handover_digest)
        tenants = (await tx.session.scalars(wanted.distinct())).all()
    told = 0
    for tenant_id in tenants:
        async with database.transaction(tenant_id) as tx:
            told += await _tell_tenant(tx, tenant_id, now)
    return told


async def _tell_tenant(tx: Tx, tenant_id: int, now: datetime) -> int:
    wanting = select(NotificationPreferenceRow.user_id).where(
        NotificationPreferenceRow.tenant_id == tenant_id, NotificationPreferenceRow.handover_digest
    )
    people = set((await tx.session.scalars(wanting)).all())
    fit = {user.id for user in await assignment.engineers(tx, tenant_id)}
    sites = select(SiteRow).where(SiteRow.tenant_id == tenant_id, SiteRow.is_active.is_not(False))
    told = 0
    for site in (await tx.session.scalars(sites.order_by(SiteRow.id))).all():
        start = now - LONGEST_WATCH - LATE
        claims = await claims_between(tx, tenant_id, site.id, start, now, fit)
        for moment in handed_over(claims, start, now):
            if moment > now - LATE:
                told += await _tell(tx, site, claims, moment, people)
    return told


def handed_over(claims: Sequence[Claim], start: datetime, end: datetime) -> list[datetime]:
    """When a watch ended or began in (start, end], also where the same person went on."""
    stretches = merged(claims, start, end)
    changes = {each.turn.starts_at for each in stretches} | {each.turn.ends_at for each in stretches}
    turns = {claim.turn.starts_at for claim in claims}
    return sorted(moment for moment in changes | turns if start < moment <= end and moment != end)


async def _tell(tx: Tx, site: SiteRow, claims: Sequence[Claim], moment: datetime, people: set[int]) -> int:
    before = [each for each in handed_over(claims, moment - LONGEST_WATCH, moment) if each < moment]
    since = before[-1] if before else moment - timedelta(days=1)
    leaving = deciding(claims, moment - timedelta(microseconds=1))
    coming = deciding(claims, moment)
    concerned = {claim.turn.user_id for claim in (leaving, coming) if claim is not None} & people
    if not concerned:
        return 0
    notice = notice_of(site, since, moment, await watched(tx, site, since, moment))
    return len(await notify(tx, site.tenant_id, sorted(concerned), notice))


async def watched(tx: Tx, site: SiteRow, since: datetime, until: datetime) -> Watched:
    """Count what happened at a site in [since, until), and what is left."""
    here = (IncidentRow.tenant_id == site.tenant_id, IncidentRow.site_id == site.id)
    opened = IncidentRow.start_time.between(since, until)
    critical = opened & (IncidentRow.severity == Severity.CRITICAL.name)
    still_open = IncidentRow.status.in_(("OPEN", "INVESTIGATING"))
    counts = select(
        func.count().filter(opened), func.count().filter(critical), func.count().filter(still_open)
    ).where(*here)
    found = (await tx.session.execute(counts)).one()
    suppressed = select(func.count()).where(
        EventRow.tenant_id == site.tenant_id,
        EventRow.site_id == site.id,
        EventRow.event_time.between(since, until),
        EventRow.suppressed_by.is_not(None),
    )
    shelved = select(func.count()).where(
        Shelving.tenant_id == site.tenant_id, Shelving.ended_at.is_(None), Shelving.until > until
    )
    windows = select(func.count()).where(
        MaintenanceWindow.tenant_id == site.tenant_id,
        MaintenanceWindow.site_id == site.id,
        MaintenanceWindow.ended_at.is_(None),
        MaintenanceWindow.starts_at <= until,
        MaintenanceWindow.ends_at > until,
    )
    return Watched(
        found[0],
        found[1],
        found[2],
        await tx.session.scalar(suppressed) or 0,
        await tx.session.scalar(shelved) or 0,
        await tx.session.scalar(windows) or 0,
    )


def notice_of(site: SiteRow, since: datetime, until: datetime, seen: Watched) -> Notice:
    """One notification, in English and Arabic; the key is of the site and the moment."""
    name_ar = site.name_ar or site.name
    return Notice(
        key=f"hand-over:{site.id}:{until.isoformat()}",
        notification_type="HANDOVER_DIGEST",
        title=f"Hand-over at {site.name}: {seen.opened} opened, {seen.still_open} still open",
        title_ar=f"تسليم المناوبة في {name_ar}: فُتحت {seen.opened}، وما زالت مفتوحة {seen.still_open}",
        body=(
            f"Since {since:%Y-%m-%d %H:%M} UTC: {seen.opened} incidents opened ({seen.critical} critical),"
            f" {seen.still_open} are open now. {seen.suppressed} alarms were kept quiet;"
            f" {seen.shelved} shelvings and {seen.in_maintenance} maintenance windows last."
        ),
        body_ar=(
            f"منذ {since:%Y-%m-%d %H:%M} UTC: حوادث مفتوحة حديثًا {seen.opened} (حرجة {seen.critical})،"
            f" ومفتوحة الآن {seen.still_open}. إنذارات مكتومة {seen.suppressed}؛"
            f" إنذارات معلّقة {seen.shelved} ونوافذ صيانة جارية {seen.in_maintenance}."
        ),
        severity=Severity.INFO.name,
        entity_type="site",
        entity_id=str(site.id),
        action_url="/blackbox/incidents",
    )
