"""Telling work that can never succeed from a database that is away."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from optria.core.errors import DatabaseUnavailable, OptriaError

BAD_DATA = (
    OptriaError,
    SQLAlchemyError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What one malformed row can raise. Ask :func:`is_poison` before blaming it."""


def is_poison(error: Exception) -> bool:
    """Whether the work itself is at fault; False where the connection is, so that trying again may help."""
    if isinstance(error, (DatabaseUnavailable, OperationalError, InterfaceError, PoolTimeout)):
        return False
    return not (isinstance(error, DBAPIError) and error.connection_invalidated)


def words_of(error: Exception) -> str:
    """What an error says; its class where it says nothing."""
    return str(error) or type(error).__name__
