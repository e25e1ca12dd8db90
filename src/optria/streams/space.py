"""Whether the database has room for history, which leaves the last tenth to incidents."""

import asyncio
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import text

from optria.db.session import Database
from optria.db.url import first_cause
from optria.kit import clock

LOW_SHARE: Final = 0.10
LOW_BYTES: Final = 5_000_000_000
"""History pauses when less than a tenth of the disk is free; of a large disk, when less than this is."""
AGAIN: Final = 1.2
"""It goes on when this many times as much is free."""
CHECK_EVERY_S: Final = 5.0
DISK_FULL: Final = "53100"
_SIZE = text("SELECT pg_database_size(current_database())")


class Space:
    """Of one database. ``folder`` lies on its disk, where that is a disk of this machine; ``limit_bytes`` is
    how large the database may become (a hosted one's quota). Either may be unknown.

    ``why`` says what is lacking (None: nothing), ``since`` when it began.
    """

    def __init__(
        self, folder: Path | None, limit_bytes: int | None = None, check_every_s: float = CHECK_EVERY_S
    ) -> None:
        self._folder, self._limit_bytes, self._every_s = folder, limit_bytes, check_every_s
        self._checked_at = -check_every_s
        self.why: str | None = None
        self.since: datetime | None = None

    async def lacking(self, database: Database) -> str | None:
        """Why no history may be written now; looked at anew every few seconds."""
        if time.monotonic() - self._checked_at >= self._every_s:
            self._checked_at = time.monotonic()
            self._say(await self._of_disk() or await self._of_limit(database))
        return self.why

    def told(self, error: BaseException) -> None:
        """What the database said; of a full disk it knows more than we do."""
        if getattr(first_cause(error), "sqlstate", None) == DISK_FULL:
            self._checked_at = time.monotonic()
            self._say("The disk of the database is full. Free some space; history goes on by itself.")

    def _say(self, why: str | None) -> None:
        self.since = None if why is None else self.since or clock.now()
        self.why = why

    async def _of_disk(self) -> str | None:
        if self._folder is None:
            return None
        disk = await asyncio.to_thread(shutil.disk_usage, self._folder)
        if disk.free >= self._needed(disk.total):
            return None
        return (
            f"Only {disk.free / 1e9:.2f} GB of {disk.total / 1e9:.2f} GB are free on the database's disk. "
            "Free some space; history goes on by itself."
        )

    async def _of_limit(self, database: Database) -> str | None:
        if self._limit_bytes is None:
            return None
        async with database.platform("size of the database") as tx:
            used = int((await tx.session.execute(_SIZE)).scalar_one())
        if self._limit_bytes - used >= self._needed(self._limit_bytes):
            return None
        return (
            f"The database has {used / 1e9:.2f} GB of the {self._limit_bytes / 1e9:.2f} GB that it may have. "
            "Give it more, or keep less history; history goes on by itself."
        )

    def _needed(self, total: int) -> float:
        return min(total * LOW_SHARE, LOW_BYTES) * (AGAIN if self.why else 1.0)
