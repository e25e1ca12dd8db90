"""How a person wants to be told, between the row and the planning."""

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from optria.core.event import Severity
from optria.db.delivery import NotificationPreferenceRow
from optria.db.session import Tx
from optria.work.delivery_planning import ChannelChoice, Preferences, QuietHours

DEFAULT_ZONE: Final = "UTC"


def fresh_row(tenant_id: int, user_id: int) -> NotificationPreferenceRow:
    """The row of somebody who has chosen nothing yet."""
    return NotificationPreferenceRow(
        tenant_id=tenant_id,
        user_id=user_id,
        channels={},
        quiet_start=None,
        quiet_end=None,
        quiet_weekdays=list(range(1, 8)),
        time_zone=DEFAULT_ZONE,
        critical_breaks_through=True,
        digest_minutes=0,
        handover_digest=False,
    )


async def row_of(tx: Tx, tenant_id: int, user_id: int) -> NotificationPreferenceRow | None:
    statement = select(NotificationPreferenceRow).where(
        NotificationPreferenceRow.tenant_id == tenant_id, NotificationPreferenceRow.user_id == user_id
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


async def of_person(tx: Tx, tenant_id: int, user_id: int) -> tuple[Preferences, ZoneInfo]:
    """What the person wants, and the zone they read times in."""
    row = await row_of(tx, tenant_id, user_id) or fresh_row(tenant_id, user_id)
    zone = ZoneInfo(row.time_zone)
    return Preferences(
        channels={name: _choice(words) for name, words in row.channels.items()},
        quiet=_quiet(row, zone),
        critical_breaks_through=row.critical_breaks_through,
        digest_minutes=row.digest_minutes,
    ), zone


def _choice(words: Mapping[str, object]) -> ChannelChoice:
    return ChannelChoice(bool(words.get("is_on", True)), Severity.parse(str(words.get("min_severity", ""))))


def _quiet(row: NotificationPreferenceRow, zone: ZoneInfo) -> QuietHours | None:
    if row.quiet_start is None or row.quiet_end is None:
        return None
    return QuietHours(row.quiet_start, row.quiet_end, zone, frozenset(row.quiet_weekdays))
