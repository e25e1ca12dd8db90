"""The database runs out of space: one notification for each tenant admin, once an hour at most.

History pauses then and goes on by itself; incidents are stored as long as anything is.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.core.event import Severity
from optria.db.session import Database
from optria.streams.space import Space
from optria.work.assignment import admins
from optria.work.notifications import Notice, notify

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 2.0


class SpaceAlerts:
    """Tells the administrators of ``tenants`` when ``space`` begins to lack something.

    ``told`` is since when it does, as far as they know it.
    """

    def __init__(
        self, database: Database, space: Space, tenants: Iterable[int], look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._database, self._space, self._tenants = database, space, tenants
        self._look_every_s = look_every_s
        self.told: datetime | None = None

    async def run(self) -> None:
        """Look for ever; what could not be told is tried again."""
        while True:
            await asyncio.sleep(self._look_every_s)
            since = self._space.since
            if since == self.told:
                continue
            if since is None or await self._tell_all(since):
                self.told = since

    async def _tell_all(self, since: datetime) -> bool:
        try:
            for tenant_id in list(self._tenants):
                await self._tell(tenant_id, since)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("space_alert_not_told", error=str(error).partition("\n")[0])
            return False
        log.warning("history_paused", reason=self._space.why)
        return True

    async def _tell(self, tenant_id: int, since: datetime) -> None:
        async with self._database.transaction(tenant_id) as tx:
            people = [admin.id for admin in await admins(tx, tenant_id)]
            await notify(tx, tenant_id, people, _notice(tenant_id, since))


def _notice(tenant_id: int, since: datetime) -> Notice:
    return Notice(
        key=f"database_space:{tenant_id}:{since:%Y-%m-%dT%H}",
        notification_type="SYSTEM_MESSAGE",
        title="The database runs out of space: history is paused",
        title_ar="مساحة قاعدة البيانات على وشك النفاد: تم إيقاف حفظ السجل مؤقتاً",
        body="Values stay live and incidents are stored. Samples wait on disk until there is space again: "
        "free some, or give the database more.",
        body_ar="تبقى القيم مباشرة وتُحفظ الحوادث. تنتظر العينات على القرص حتى تتوفر مساحة: "
        "حرّر بعض المساحة أو امنح قاعدة البيانات المزيد.",
        severity=Severity.CRITICAL.name,
        entity_type="database",
        entity_id="space",
        action_url="/admin/system",
    )
