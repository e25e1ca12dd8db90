"""A platform owner who looks across tenants, or into one, leaves a line in the audit log of that tenant."""

from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from starlette.requests import HTTPConnection

from optria.core.roles import Role
from optria.db.identity import Tenant
from optria.db.session import Database
from optria.kit import clock
from optria.web import audit, bodies
from optria.web.sessions import Viewer
from optria.web.texts import clean

_TENANT_ID = TypeAdapter(bodies.RowNumber)
"""Read as the routes read it: ``+7`` and ``7.0`` name tenant 7 there."""


class PlatformAccess:
    """Writes one line per session, tenant and hour, with the first address: open pages ask every few seconds.

    The line is committed before anything is read. After a restart the hour begins anew.
    """

    def __init__(self) -> None:
        self._hour: datetime | None = None
        self._noted: set[tuple[UUID, int | None]] = set()

    async def note(self, database: Database, viewer: Viewer, connection: HTTPConnection) -> None:
        """Write down that a platform owner comes in; nothing of anybody else."""
        if viewer.role is not Role.PLATFORM_OWNER:
            return
        self._forget_last_hour()
        visit = (viewer.session_id, named_tenant(connection))
        if visit in self._noted:
            return
        self._noted.add(visit)
        try:
            await _write(database, viewer, visit[1], connection)
        except BaseException:
            self._noted.discard(visit)
            raise

    def _forget_last_hour(self) -> None:
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour = hour
            self._noted.clear()


def named_tenant(connection: HTTPConnection) -> int | None:
    """The tenant that an address names, in its path or as ``?tenant_id=``; None where it names none."""
    named = connection.path_params.get("tenant_id") or connection.query_params.get("tenant_id") or ""
    try:
        return _TENANT_ID.validate_python(str(named))
    except ValidationError:
        return None


async def _write(
    database: Database, viewer: Viewer, tenant_id: int | None, connection: HTTPConnection
) -> None:
    async with database.platform(f"access of user {viewer.user_id}") as tx:
        if tenant_id is not None and await tx.session.get(Tenant, tenant_id) is None:
            tenant_id = None
        where = {
            "method": str(connection.scope.get("method", "SOCKET")),
            "path": clean(connection.url.path)[:500],
        }
        audit.record(
            tx, viewer.user_id, tenant_id, "platform_access", "tenant", tenant_id, connection, new=where
        )
