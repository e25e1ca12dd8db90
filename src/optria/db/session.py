"""The database as the product sees it: one transaction, one tenant, messages after the commit."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import asyncpg
import structlog
from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

from optria.core.messages import Message
from optria.db.audit import chain_at_commit
from optria.db.url import CONNECT_TIMEOUT_S, first_cause, normalise
from optria.kit import clock
from optria.kit.bus import Bus
from optria.kit.correlation import correlated, correlation

log = structlog.get_logger(__name__)

LOGGED: Final = {"incidents": "incident", "workorders": "order", "notify": "notification"}
"""Topics whose committed messages are logged, and the key of what they are about."""

TIMEOUT_S: Final = 10.0
IDLE_S: Final = 30.0
"""A worker that is paused or cut off in the middle of a transaction loses its locks after this long, whoever
made the role that serves."""
BEGINNINGS: Final = 5
"""Tries to begin a transaction on a connection that is alive."""
AWAY: Final = (DBAPIError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What beginning a transaction raises when the database cannot be reached, refuses us or is frozen."""
HUNG_UP: Final = (
    TimeoutError,
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)


@dataclass(slots=True)
class Tx:
    """One open transaction. ``publish`` keeps a message until the commit."""

    session: AsyncSession
    tenant_id: int | None
    outgoing: list[Message] = field(default_factory=list)
    _named: list[Mapping[str, str]] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        self.outgoing.append(message)
        self._named.append(correlation())

    def told(self) -> None:
        """Log what was committed, each with the ids of when it was said."""
        for message, ids in zip(self.outgoing, self._named, strict=True):
            if (name := LOGGED.get(message.topic)) is not None:
                own = {name: message.entity_id, "asset": message.asset_id, "user": message.user_id}
                known = {key: value for key, value in own.items() if value is not None}
                log.info(message.kind, **{"tenant": message.tenant_id, **ids, **known})


_SCOPE: Final = text(
    "SELECT set_config('app.tenant_id', :tenant, true), set_config('app.scope', :scope, true),"
    " set_config('idle_in_transaction_session_timeout', :idle, true)"
)


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
    if tenant_id is None and reason is None:
        raise LookupError("A session was opened without a tenant and without a platform reason.")
    connection.execute(
        _SCOPE,
        {
            "tenant": "" if tenant_id is None else str(int(tenant_id)),
            "scope": "platform" if tenant_id is None else "",
            "idle": str(int(session.info.get("idle_s", IDLE_S) * 1000)),
        },
    )


chain_at_commit(ScopedSession)


class Database:
    """Opens transactions as the serving role; row-level security does the rest.

    Nothing waits for ever: a statement ends after ``timeout_s`` at the latest, a new connection and the wait
    for a free one after half of that. ``away_since`` is when it was found that the database does not answer;
    ``on_back`` are called when it does again.
    """

    def __init__(
        self,
        url: str,
        bus: Bus | None = None,
        engine: AsyncEngine | None = None,
        timeout_s: float = TIMEOUT_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self.bus = bus or Bus()
        self.engine = engine or _engine(url, timeout_s)
        self.sessions = async_sessionmaker(
            self.engine, expire_on_commit=False, sync_session_class=ScopedSession
        )
        self._idle_s = idle_s
        self.away_since: datetime | None = None
        self.on_back: list[Callable[[], None]] = []

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
        async with await self._begun(info) as session:
            tx = Tx(session, tenant_id)
            with correlated():
                try:
                    yield tx
                except BaseException:
                    await session.rollback()
                    raise
                await session.commit()
            tx.told()
            for message in tx.outgoing:
                self.bus.publish(message)

    async def _begun(self, info: dict[str, object]) -> AsyncSession:
        """A session whose transaction has begun. A connection that was ended between its check and the first
        statement is replaced: nothing had been done with it."""
        for tries_left in range(BEGINNINGS - 1, -1, -1):
            session = self.sessions(info={**info, "idle_s": self._idle_s})
            try:
                await session.connection()
            except BaseException as error:
                await session.close()
                if tries_left and isinstance(error, DBAPIError) and error.connection_invalidated:
                    continue
                self._note_away(error)
                raise
            self._note_answer()
            return session
        raise AssertionError("unreachable")

    def _note_away(self, error: BaseException) -> None:
        if self.away_since is None and isinstance(error, AWAY):
            self.away_since = clock.now()
            log.warning("database_lost", error=str(error).partition("\n")[0] or type(error).__name__)

    def _note_answer(self) -> None:
        if self.away_since is not None:
            log.info("database_back", away_s=round((clock.now() - self.away_since).total_seconds(), 1))
            self.away_since = None
            for tell in self.on_back:
                tell()

    async def dispose(self) -> None:
        await self.engine.dispose()


def _engine(url: str, timeout_s: float) -> AsyncEngine:
    address, connect_args = normalise(url)
    if connect_args.get("timeout") == CONNECT_TIMEOUT_S:
        connect_args["timeout"] = min(CONNECT_TIMEOUT_S, timeout_s / 2)
    engine = create_async_engine(
        address,
        connect_args={"command_timeout": timeout_s, **connect_args},
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=timeout_s / 2,
    )
    event.listen(engine.sync_engine, "handle_error", _give_up)
    return engine


def _give_up(context: ExceptionContext) -> None:
    """A connection whose server stopped answering or hung up is dropped. It is not rolled back, which would
    wait for it; and the driver does not always know yet that it was closed."""
    if isinstance(first_cause(context.original_exception), HUNG_UP):
        context.is_disconnect = True
