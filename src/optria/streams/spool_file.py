"""A file of spooled history: batches in compressed columns, oldest first, held by one process alone.

SQLite in WAL mode. A commit survives the death of the process (``synchronous=NORMAL``); a power cut may cost
the last commits, never the file. SQLite's own exclusive lock is freed by the kernel with the process.
"""

import contextlib
import sqlite3
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from optria.core.tag import SampleBatch, from_micros, to_micros
from optria.kit import clock

VERSION = 1
FAST = 1
"""zlib's level: 25,000 samples of 1,000 tags become 175 kB of 525 kB in 4 ms."""
_COLUMNS = (np.dtype("<i4"), np.dtype("<i8"), np.dtype("<f8"), np.dtype("<u1"))
_BYTES = sum(column.itemsize for column in _COLUMNS)
_TABLES = """
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, spooled_at INTEGER NOT NULL, samples INTEGER NOT NULL,
    packed BLOB NOT NULL
);
CREATE TABLE facts (name TEXT PRIMARY KEY, told TEXT NOT NULL);
"""


class HeldElsewhere(Exception):
    """Another process holds the file."""


class Damaged(Exception):
    """The file, or a batch of it, is not what was written."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A batch as it lies in the file."""

    id: int
    samples: int
    packed: bytes

    def batch(self) -> SampleBatch:
        """Raises Damaged."""
        try:
            raw = zlib.decompress(self.packed)
        except zlib.error as error:
            raise Damaged(f"batch {self.id}: {error}") from error
        if len(raw) != self.samples * _BYTES:
            raise Damaged(f"batch {self.id} has {len(raw)} bytes instead of {self.samples * _BYTES}")
        columns, start = [], 0
        for column in _COLUMNS:
            columns.append(np.frombuffer(raw, column, self.samples, start))
            start += self.samples * column.itemsize
        tag, time, value, quality = columns
        return SampleBatch(
            tag.astype(np.int32), time.astype(np.int64), value.astype(np.float64), quality.astype(np.uint8)
        )


def packed(batch: SampleBatch) -> bytes:
    columns = (
        batch.tag.astype("<i4"),
        batch.source_time.astype("<i8"),
        batch.value.astype("<f8"),
        batch.quality.astype("<u1"),
    )
    raw = b"".join(column.tobytes() for column in columns)
    return zlib.compress(raw, FAST)


class SpoolFile:
    """Opened and locked. Every call blocks: to be made from a thread, one at a time.

    Raises HeldElsewhere, Damaged (not a spool of this version), and sqlite3.Error or OSError for a folder
    that cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = _opened(path)
        self.batches, self.samples, self.bytes = self._totals()

    def append(self, batch: SampleBatch) -> None:
        column = packed(batch)
        with self._connection:
            self._connection.execute(
                "INSERT INTO batches (spooled_at, samples, packed) VALUES (?, ?, ?)",
                (to_micros(clock.now()), len(batch), column),
            )
        self._count(1, len(batch), len(column))

    def oldest(self) -> Spooled | None:
        """The batch that is next; it stays until it is removed."""
        row = self._connection.execute(
            "SELECT id, samples, packed FROM batches ORDER BY id LIMIT 1"
        ).fetchone()
        return None if row is None else Spooled(*row)

    def remove(self, spooled: Spooled) -> None:
        with self._connection:
            self._connection.execute("DELETE FROM batches WHERE id = ?", (spooled.id,))
        self._count(-1, -spooled.samples, -len(spooled.packed))

    def since(self) -> datetime | None:
        """When the oldest batch was spooled."""
        (micros,) = self._connection.execute("SELECT min(spooled_at) FROM batches").fetchone()
        return None if micros is None else from_micros(micros)

    def take_over(self, other: "SpoolFile") -> None:
        """Copy what a process that is gone has left behind it, and remove its file."""
        rows = other._connection.execute("SELECT spooled_at, samples, packed FROM batches ORDER BY id")
        with self._connection:
            self._connection.executemany(
                "INSERT INTO batches (spooled_at, samples, packed) VALUES (?, ?, ?)", rows
            )
        self._count(other.batches, other.samples, other.bytes)
        other.delete()

    def fact(self, name: str) -> str | None:
        row = self._connection.execute("SELECT told FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def tell(self, name: str, told: str) -> None:
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, told))

    def close(self) -> None:
        self._connection.close()

    def delete(self) -> None:
        self.close()
        for path in _parts(self.path):
            path.unlink(missing_ok=True)

    def _count(self, batches: int, samples: int, size: int) -> None:
        self.batches, self.samples, self.bytes = (
            self.batches + batches,
            self.samples + samples,
            self.bytes + size,
        )

    def _totals(self) -> tuple[int, int, int]:
        """Batches, samples and bytes; reading them all shows a file that was cut short."""
        try:
            row = self._connection.execute(
                "SELECT count(*), coalesce(sum(samples), 0), coalesce(sum(length(packed)), 0) FROM batches"
            ).fetchone()
        except sqlite3.DatabaseError as error:
            self.close()
            raise Damaged(str(error)) from error
        return int(row[0]), int(row[1]), int(row[2])


def set_aside(path: Path) -> Path:
    """Give a file another name, with its WAL, so that it is in nobody's way; where it is now."""
    aside = path.with_name(f"{path.name}.aside-{clock.now():%Y%m%dT%H%M%S%f}")
    for part in _parts(path):
        if part.exists():
            part.rename(part.with_name(part.name.replace(path.name, aside.name)))
    return aside


def _parts(path: Path) -> tuple[Path, Path, Path]:
    return path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise HeldElsewhere(str(path)) from error
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            raise Damaged(str(error)) from error
        raise
    with contextlib.suppress(OSError):
        path.chmod(0o600)
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("BEGIN EXCLUSIVE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version == 0 and tables == 0:
        for statement in filter(str.strip, _TABLES.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")
    elif version != VERSION:
        raise Damaged(f"it is of version {version}, not {VERSION}")
    connection.commit()
