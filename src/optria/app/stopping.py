"""Being asked to stop, and what is still done then: all of it in bounded time."""

import asyncio
import signal
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress

import anyio
import structlog
from sqlalchemy.exc import SQLAlchemyError

from optria.app.duty import Duty
from optria.app.streams import Streams
from optria.blackbox.recorder import Recorder
from optria.db.session import Database

log = structlog.get_logger(__name__)

LAST_WORDS_S = 3.0
HANG_UP_S = 1.0


async def unless(stop: anyio.Event, work: Coroutine[None, None, None]) -> bool:
    """Whether ``work`` was done before ``stop`` was set; it is not waited for any longer then."""
    async with asyncio.TaskGroup() as group:
        doing, stopped = group.create_task(work), group.create_task(stop.wait())
        await asyncio.wait([doing, stopped], return_when=asyncio.FIRST_COMPLETED)
        is_done = doing.done()
        for task in (doing, stopped):
            task.cancel()
    return is_done


async def disposed(database: Database) -> None:
    """Connections to a server that does not answer are left to themselves."""
    with suppress(TimeoutError):
        async with asyncio.timeout(HANG_UP_S):
            await database.dispose()


async def last_words(streams: Streams, recorder: Recorder, duty: Duty) -> None:
    """What was learned and what is held, stored if the database can be reached; said if not."""
    try:
        async with asyncio.timeout(LAST_WORDS_S):
            await recorder.drain()
            await streams.save()
            await duty.end()
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("not_stored_at_stop", **recorder.inbox.waiting, error=str(error) or type(error).__name__)


@contextmanager
def signals(stop: anyio.Event) -> Generator[None]:
    """SIGINT and SIGTERM ask for a stop; a second SIGINT ends at once."""
    loop = asyncio.get_running_loop()

    def asked() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, asked)
    loop.add_signal_handler(signal.SIGTERM, asked)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
