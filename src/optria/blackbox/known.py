"""Whether something is known already: what a detector saw comes again when its samples are scored again."""

from sqlalchemy import exists, select

from optria.core.event import Event
from optria.db.blackbox import EventRow
from optria.db.session import Tx


async def is_stored(tx: Tx, tenant_id: int, event: Event) -> bool:
    """Whether the same event (by its ``source_id`` and time) is stored."""
    same = exists().where(
        EventRow.tenant_id == tenant_id,
        EventRow.source_id == event.source_id,
        EventRow.event_time == event.time,
    )
    return bool(await tx.session.scalar(select(same)))
