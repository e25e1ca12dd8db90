"""A connection whose certificate or sign-in is refused: an event, and one notification for each tenant admin.

Nothing gets better by itself then: the source stays silent until somebody acts.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.blackbox.events import store_event
from optria.core.errors import ConnectorRefused, DatabaseUnavailable
from optria.core.event import Event, EventCategory, Severity
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.work.assignment import admins
from optria.work.notifications import Notice, notify

log = structlog.get_logger(__name__)

SOURCE: Final = "OPTRIA_CONNECTION"
TellRefusal: TypeAlias = Callable[[int, int, str, ConnectorRefused], Awaitable[bool]]
"""Of a tenant, a connection, its name and what it said; whether it could be told."""


def refusals_told(database: Database) -> TellRefusal:
    """What stores event and notifications. The same fact reaches a person once a day."""

    async def tell(tenant_id: int, integration_id: int, name: str, refusal: ConnectorRefused) -> bool:
        try:
            async with database.transaction(tenant_id) as tx:
                await _store(tx, tenant_id, integration_id, name, refusal)
        except (SQLAlchemyError, DatabaseUnavailable, OSError, TimeoutError):
            log.warning("refusal_not_told", tenant=tenant_id, integration=integration_id)
            return False
        return True

    return tell


async def _store(tx: Tx, tenant_id: int, integration_id: int, name: str, refusal: ConnectorRefused) -> None:
    now = clock.now()
    people = [admin.id for admin in await admins(tx, tenant_id)]
    key = f"connection_refused:{integration_id}:{refusal.key[:64]}:{now:%Y-%m-%d}"
    rows = await notify(tx, tenant_id, people, _notice(key, integration_id, name, refusal))
    if rows or not people:
        await store_event(tx, tenant_id, _event(integration_id, name, refusal))


def _notice(key: str, integration_id: int, name: str, refusal: ConnectorRefused) -> Notice:
    return Notice(
        key=key,
        notification_type="SYSTEM_MESSAGE",
        title=f"Connection {name} is refused: nothing is read from it",
        title_ar=f"الاتصال {name} مرفوض: لا يُقرأ منه شيء",
        body=str(refusal),
        body_ar=str(refusal),
        severity=Severity.MAJOR.name,
        entity_type="integration",
        entity_id=str(integration_id),
        action_url=f"/integrations/{integration_id}",
    )


def _event(integration_id: int, name: str, refusal: ConnectorRefused) -> Event:
    return Event(
        time=clock.now(),
        severity=Severity.MAJOR,
        category=EventCategory.SYSTEM,
        summary=f"Connection {name} is refused. {refusal}",
        source_system=SOURCE,
        source_type="CONNECTION_REFUSED",
        source_id=f"connection:{integration_id}",
        payload={"integration_id": integration_id, "name": name, "key": refusal.key},
    )
