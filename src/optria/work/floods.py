"""A flood of alarms is ten notifications and a digest to a person, not hundreds: more cannot be answered.

The terms are those of ISA-18.2-2016 (3.1, 16.5) and EEMUA 191: a flood begins when more than 10 alarms come
to one operator within 10 minutes, and ends when fewer than 5 do. What comes meanwhile is stored as ever, and
folded into the digest of its ten minutes; the incidents, their orders and who has them are not touched.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select, text

from optria.core.event import Severity
from optria.db.session import Tx
from optria.db.work import NotificationRow
from optria.kit import clock
from optria.work.delivery_planning import FLOOD_WINDOW, is_flood

ALARMS: Final = (
    "INCIDENT_CREATED",
    "WORK_ORDER_CREATED",
    "WORK_ORDER_REOPENED",
    "RCA_COMPLETED",
    "ALERT_CRITICAL",
)
"""What the plant brings about; what people write to each other is no alarm."""
DIGEST: Final = "ALARM_DIGEST"
MINUTES: Final = int(FLOOD_WINDOW.total_seconds() // 60)
LOCK_CLASS: Final = 0x6F707466  # "optf"
MOST_ASSETS: Final = 1_000


async def alone(tx: Tx, user_ids: Sequence[int]) -> None:
    """Until the commit nobody else tells these people of an alarm; always in the same order."""
    lock = text("SELECT pg_advisory_xact_lock(:class, :user)")
    for user_id in sorted(set(user_ids)):
        await tx.session.execute(lock, {"class": LOCK_CLASS, "user": user_id})


async def fold(tx: Tx, row: NotificationRow, asset_id: int | None) -> NotificationRow | None:
    """Fold a new notification into the digest of its flood; None where there is no flood.

    The person is held by :func:`alone`. The digest is told anew when it begins, gets graver or has doubled.
    """
    if row.notification_type not in ALARMS or not await _is_flooded(tx, row):
        return None
    digest = await _running(tx, row) or await _begun(tx, row)
    row.folded_into = digest.id
    known: Mapping[str, object] = digest.payload or {}
    assets = known.get("assets")
    listed = set(assets) if isinstance(assets, list) else set()
    listed |= {asset_id} - {None}
    count = _number(known, "count") + 1
    critical = _number(known, "critical") + (Severity.parse(row.severity) is Severity.CRITICAL)
    digest.payload = {"count": count, "critical": critical, "assets": sorted(listed)[:MOST_ASSETS]}
    digest.title, digest.title_ar = title(count, len(listed), critical)
    graver = Severity.parse(row.severity) > Severity.parse(digest.severity)
    if graver:
        digest.severity = row.severity
    digest.is_read = digest.is_dismissed = False
    await tx.session.flush()
    return digest if count == 1 or graver or count & (count - 1) == 0 else None


def _number(payload: Mapping[str, object], name: str) -> int:
    value = payload.get(name)
    return value if isinstance(value, int) else 0


async def _is_flooded(tx: Tx, row: NotificationRow) -> bool:
    """Whether a flood is on when ``row`` comes."""
    lately = (
        select(NotificationRow.folded_into)
        .where(
            NotificationRow.tenant_id == row.tenant_id,
            NotificationRow.user_id == row.user_id,
            NotificationRow.created_at > clock.now() - FLOOD_WINDOW,
            NotificationRow.notification_type.in_(ALARMS),
            NotificationRow.id != row.id,
        )
        .order_by(NotificationRow.created_at.desc())
        .limit(50)
    )
    found = (await tx.session.scalars(lately)).all()
    return is_flood(len(found), goes_on=bool(found) and found[0] is not None)


async def _running(tx: Tx, row: NotificationRow) -> NotificationRow | None:
    """The digest of these ten minutes."""
    statement = (
        select(NotificationRow)
        .where(
            NotificationRow.tenant_id == row.tenant_id,
            NotificationRow.user_id == row.user_id,
            NotificationRow.notification_type == DIGEST,
            NotificationRow.created_at > clock.now() - FLOOD_WINDOW,
        )
        .order_by(NotificationRow.created_at.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await tx.session.scalars(statement)).first()


async def _begun(tx: Tx, row: NotificationRow) -> NotificationRow:
    digest = NotificationRow(
        tenant_id=row.tenant_id,
        user_id=row.user_id,
        notification_type=DIGEST,
        title="",
        severity=Severity.INFO.name,
        entity_type="digest",
        body=BODY,
        body_ar=BODY_AR,
        payload={},
    )
    tx.session.add(digest)
    await tx.session.flush()
    digest.action_url = f"/notifications?digest={digest.id}"
    digest.entity_id = str(digest.id)
    return digest


BODY: Final = (
    "More than 10 alarms came within 10 minutes. The first were told one by one; these are listed together."
    " Every incident is open and every work order is made as ever."
)
BODY_AR: Final = (
    "وردت أكثر من 10 إنذارات خلال 10 دقائق. أُبلغت الأولى واحدًا واحدًا، وهذه مجموعة في قائمة."
    " كل حادثة مفتوحة وكل أمر عمل مُنشأ كالمعتاد."
)


def title(count: int, assets: int, critical: int) -> tuple[str, str]:
    """What a digest says at a glance, in English and Arabic."""
    of = f" of {assets} asset{'s' if assets != 1 else ''}" if assets else ""
    grave = f", {critical} critical" if critical else ""
    said = f"{count} more alarm{'s' if count != 1 else ''}{of} in the last {MINUTES} minutes{grave}"
    of_ar = f"، أصول: {assets}" if assets else ""
    grave_ar = f"، حرجة: {critical}" if critical else ""
    return said, f"إنذارات إضافية في آخر {MINUTES} دقائق: {count}{of_ar}{grave_ar}"
