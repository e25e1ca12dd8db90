"""Ids that every log line of one piece of work names: the request, the anchor, the incident, the delivery.

They travel with the task (context variables), so a function that logs need not know them.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

LONGEST = 200


def correlate(**ids: object) -> None:
    """From now to the end of the transaction or request, every line names these."""
    bind_contextvars(**{name: str(value)[:LONGEST] for name, value in ids.items()})


def correlation() -> Mapping[str, str]:
    """What lines name now."""
    return get_contextvars()


@contextmanager
def correlated(**ids: object) -> Generator[None]:
    """Within the block every line names these too; afterwards none of what the block has added."""
    before = get_contextvars()
    correlate(**ids)
    try:
        yield
    finally:
        clear_contextvars()
        bind_contextvars(**before)
