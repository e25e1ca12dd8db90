"""The database as the product sees it: one transaction, one tenant, messages after the commit."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

from optria.core.messages import Message
from optria.db.audit import chain_at_commit
from optria.db.url import normalise
from optria.kit.bus import Bus

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Tx:
    """One open transaction. ``publish`` keeps a message until the commit."""

    session: AsyncSession
    tenant_id: int | None
    outgoing: list[Message] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        self.outgoing.append(message)


class ScopedSession(Session):
    """A session that tells PostgreSQL at each begin whose rows it may see.

    ``info["tenant_id"]`` names a tenant; ``info["platform"]`` a reason to see every tenant. One of them
    must be there: a session with neither raises on first use.
    """


@event.listens_for(ScopedSession, "after_begin")
def _scope(session: Session, transaction: SessionTransaction, connection: Any) -> None:
    if transaction.nested:
        return
    tenant_id, reason = session.info.get("tenant_id"), session.info.get("platform")
    if tenant_id is not None:
        connection.execute(
            text("SELECT set_config('app.tenant_id', :tenant, true), set_config('app.scope', '', true)"),
            {"tenant": str(int(tenant_id))},
        )
    elif reason is not None:
        connection.execute(
            text("SELECT set_config('app.tenant_id', '', true), set_config('app.scope', 'platform', true)")
        )
    else:
        raise LookupError("A session was opened without a tenant and without a platform reason.")


chain_at_commit(ScopedSession)


class Database:
    """Opens transactions as the serving role; row-level security does the rest."""

    def __init__(self, url: str, bus: Bus | None = None, engine: AsyncEngine | None = None) -> None:
        self.bus = bus or Bus()
        self.engine = engine or _engine(url)
        self.sessions = async_sessionmaker(
            self.engine, expire_on_commit=False, sync_session_class=ScopedSession
        )

    @asynccontextmanager
    async def transaction(self, tenant_id: int) -> AsyncGenerator[Tx]:
        """One transaction that sees and writes the rows of one tenant."""
        async with self._transaction(tenant_id, {"tenant_id": tenant_id}) as tx:
            yield tx

    @asynccontextmanager
    async def platform(self, reason: str) -> AsyncGenerator[Tx]:
        """One transaction across tenants: sign-in, start-up and platform owners only."""
        log.debug("platform_scope", reason=reason)
        async with self._transaction(None, {"platform": reason}) as tx:
            yield tx

    @asynccontextmanager
    async def _transaction(self, tenant_id: int | None, info: dict[str, object]) -> AsyncGenerator[Tx]:
        async with self.sessions(info=info) as session:
            tx = Tx(session, tenant_id)
            async with session.begin():
                yield tx
            for message in tx.outgoing:
                self.bus.publish(message)

    async def dispose(self) -> None:
        await self.engine.dispose()


def _engine(url: str) -> AsyncEngine:
    address, connect_args = normalise(url)
    return create_async_engine(
        address,
        connect_args={"command_timeout": 30, **connect_args},
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
    )
