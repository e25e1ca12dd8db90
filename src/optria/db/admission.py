"""Nothing of a database is used until it has been checked: until then it is as if it could not be reached."""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

WAITING = "The database has not been reached since the start."


class Admission:
    """Refuses the connections of an engine until :meth:`open`. ``reason`` is why, None once it is open."""

    def __init__(self, engine: AsyncEngine, reason: str | None = None) -> None:
        self.reason = reason
        self._opened = asyncio.Event()
        event.listen(engine.sync_engine, "do_connect", self._refuse)
        if reason is None:
            self._opened.set()

    def close(self, reason: str) -> None:
        """Refuse from now on what is not connected yet."""
        self.reason = reason
        self._opened.clear()

    def open(self) -> None:
        self.reason = None
        self._opened.set()

    def after(self, run: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """``run`` as soon as the database may be used."""

        async def run_then() -> None:
            await self._opened.wait()
            await run()

        return run_then

    def _refuse(self, *_connecting: object) -> None:
        if self.reason is not None:
            raise ConnectionRefusedError(self.reason)
