"""Where history waits on disk while the database is away: per tenant and process a file of its own.

The file is made when it is needed and removed when it is empty. What a killed process left is taken over by
the next one that spools or starts.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final, Literal, TypeVar

import structlog

from optria.core.tag import SampleBatch
from optria.streams.spool_file import Damaged, HeldElsewhere, Spooled, SpoolFile, set_aside

log = structlog.get_logger(__name__)

KEEP_FREE_SHARE: Final = 0.05
KEEP_FREE_BYTES: Final = 1_000_000_000
"""What the spool leaves free of its disk at least: 5 %, but no more than this."""
GB: Final = 1_000_000_000
DATABASE: Final = "database"

Refusal = Literal["spool_full", "spool_disk_low", "spool_failed"]
Found = TypeVar("Found")


@dataclass(slots=True)
class SpoolFigures:
    """``since`` is when the oldest batch was spooled; ``aside`` names the files that could not be read."""

    limit_bytes: int = 0
    samples: int = 0
    bytes: int = 0
    since: datetime | None = None
    drained: int = 0
    refusal: Refusal | None = None
    aside: list[str] = field(default_factory=list)


class Spool:
    """The spool of one tenant. ``limit_bytes`` is of the whole folder, which all tenants share."""

    def __init__(self, folder: Path, tenant_id: int, limit_bytes: int = 2 * GB) -> None:
        self._folder, self._tenant_id = folder, tenant_id
        self._file: SpoolFile | None = None
        self._thread: ThreadPoolExecutor | None = None
        self.figures = SpoolFigures(limit_bytes)

    async def take_up(self) -> None:
        """Find what was left behind by a stop or a kill."""
        await self._call(self._take_up)

    async def append(self, batch: SampleBatch) -> bool:
        """Whether the batch is on disk now; if not, ``figures.refusal`` says why."""
        return await self._call(lambda: self._append(batch))

    async def oldest(self) -> tuple[Spooled, SampleBatch] | None:
        """The batch that is next, which stays; one that cannot be read is set aside."""
        return await self._call(self._oldest)

    async def remove(self, spooled: Spooled) -> None:
        """Its samples are stored."""
        await self._call(lambda: self._remove(spooled))

    async def belongs_to(self, database: str) -> None:
        """From now on this is the spool of ``database``; one of another is set aside."""
        await self._call(lambda: self._belongs_to(database))

    async def close(self) -> None:
        if self._thread is not None:
            await self._call(self._close)
            self._thread.shutdown(wait=False)
            self._thread = None

    async def _call(self, work: Callable[[], Found]) -> Found:
        """In the spool's own thread: one thing after the other, also when whoever asked has gone."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _take_up(self) -> None:
        try:
            if any(self._folder.glob(self._name("*"))):
                self._opened()
                self._leave_if_empty()
        except (OSError, sqlite3.Error) as error:
            self._failed(error)

    def _append(self, batch: SampleBatch) -> bool:
        try:
            self.figures.refusal = self._lack_of_room()
            if self.figures.refusal is None:
                self._opened().append(batch)
        except (OSError, sqlite3.Error) as error:
            self._failed(error)
        self._look()
        return self.figures.refusal is None

    def _oldest(self) -> tuple[Spooled, SampleBatch] | None:
        while self._file is not None:
            try:
                spooled = self._file.oldest()
                if spooled is None:
                    break
                return spooled, spooled.batch()
            except Damaged as error:
                self._set_batch_aside(spooled, error)
            except sqlite3.DatabaseError as error:
                self._set_file_aside(error)
        self._leave_if_empty()
        return None

    def _remove(self, spooled: Spooled) -> None:
        if self._file is None:
            return
        try:
            self._file.remove(spooled)
            self.figures.drained += spooled.samples
        except sqlite3.DatabaseError as error:
            self._set_file_aside(error)
        self._leave_if_empty()

    def _belongs_to(self, database: str) -> None:
        try:
            told = self._file.fact(DATABASE) if self._file is not None else None
            if told is not None and told != database:
                self._set_file_aside(Damaged("it holds samples of another database"))
            elif self._file is not None and told is None:
                self._file.tell(DATABASE, database)
        except sqlite3.DatabaseError as error:
            self._set_file_aside(error)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> SpoolFile:
        """Our file: made when there is none, with what others left behind."""
        if self._file is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = next(file for n in count(1) if (file := self._claim(self._path(str(n)))))
            for path in sorted(self._folder.glob(self._name("*"))):
                if path != self._file.path and (left := self._claim(path)):
                    self._file.take_over(left)
            self._look()
        return self._file

    def _claim(self, path: Path) -> SpoolFile | None:
        """None when another process holds it; a damaged one is set aside, and a new one made."""
        try:
            return SpoolFile(path)
        except HeldElsewhere:
            return None
        except Damaged as error:
            self._say_aside(set_aside(path), error)
            return SpoolFile(path)

    def _leave_if_empty(self) -> None:
        if self._file is not None and self._file.batches == 0:
            self._file.delete()
            self._file = None
        self._look()

    def _set_file_aside(self, error: Exception) -> None:
        if self._file is not None:
            self._file.close()
            self._say_aside(set_aside(self._file.path), error, self._file.samples)
            self._file = None
        self._look()

    def _set_batch_aside(self, spooled: Spooled | None, error: Damaged) -> None:
        if self._file is not None and spooled is not None:
            aside = self._file.path.with_name(f"{self._file.path.name}.aside-batch-{spooled.id}")
            aside.write_bytes(spooled.packed)
            self._file.remove(spooled)
            self._say_aside(aside, error, spooled.samples)

    def _say_aside(self, aside: Path, error: Exception, samples: int | None = None) -> None:
        self.figures.aside.append(aside.name)
        log.warning("spool_set_aside", file=str(aside), samples=samples, error=str(error))

    def _failed(self, error: Exception) -> None:
        """A disk that is full or not ours: what cannot be spooled goes on waiting in memory."""
        if self.figures.refusal != "spool_failed":
            log.warning("spool_failed", folder=str(self._folder), error=str(error))
        self.figures.refusal = "spool_failed"

    def _lack_of_room(self) -> Refusal | None:
        used = (
            sum(path.stat().st_size for path in self._folder.glob("history-*"))
            if self._folder.is_dir()
            else 0
        )
        if used >= self.figures.limit_bytes:
            return "spool_full"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk = shutil.disk_usage(self._folder)
        return "spool_disk_low" if disk.free < min(disk.total * KEEP_FREE_SHARE, KEEP_FREE_BYTES) else None

    def _look(self) -> None:
        file, figures = self._file, self.figures
        figures.samples = file.samples if file else 0
        figures.bytes = file.bytes if file else 0
        figures.since = file.since() if file else None

    def _path(self, number: str) -> Path:
        return self._folder / self._name(number)

    def _name(self, number: str) -> str:
        return f"history-{self._tenant_id}-{number}.sqlite"
