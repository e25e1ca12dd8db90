"""Which database this is: the same after a restart and on a promoted replica, another after a new start."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from optria.db.url import normalise, plain_errors

_MAY_ASK = text("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
_SYSTEM = text("SELECT system_identifier::text FROM pg_control_system()")
_OWN = text("SELECT oid::text FROM pg_database WHERE datname = current_database()")


async def fingerprint(connection: AsyncConnection) -> str:
    """Numbers of the cluster (where the role may ask for it) and of the database within it."""
    may_ask = await connection.scalar(_MAY_ASK)
    system = await connection.scalar(_SYSTEM) if may_ask else "-"
    return f"{system}/{await connection.scalar(_OWN)}"


async def fingerprint_at(url: str) -> str:
    """The same over a connection of its own. Raises DatabaseUnavailable."""
    address, arguments = normalise(url)
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    try:
        with plain_errors(url):
            async with engine.connect() as connection:
                return await fingerprint(connection)
    finally:
        await engine.dispose()
