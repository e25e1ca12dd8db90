"""The file of a backup, format 1: a tar that is read and written in one pass, whatever its size.

``backup.json`` comes first and says what is in it; then ``tables/<name>/<number>.copy.gz``, PostgreSQL's COPY
text cut into parts (a part may end within a row); then perhaps ``keys.json``; last ``manifest.json`` with the
rows, bytes and SHA-256 of each table's text, and the sequences. Without it the file was cut off.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final

from optria.core.errors import ConfigurationError
from optria.kit import clock

FORMAT: Final = 1
HEADER, MANIFEST, KEYS = "backup.json", "manifest.json", "keys.json"
PART_BYTES: Final = 4 * 1024 * 1024
"""Of text before it is compressed."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup is of. ``history_days`` None: all samples; else of the last days, and recordings.

    ``days`` are the days (ISO) of the history to whether they are retired; ``left_out`` are our tables whose
    rows are not in it, ``others`` tables of other programs.
    """

    taken_at: str
    version: str
    revision: str
    history_days: int | None
    tables: Mapping[str, list[str]]
    days: Mapping[str, bool]
    left_out: list[str]
    others: list[str]
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Stored:
    """One table of a backup: its rows, and size and hash of its text."""

    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``sequences``: name to the last number and whether it was given out."""

    tables: Mapping[str, Stored]
    sequences: Mapping[str, tuple[int, bool]]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


class BackupWriter:
    """Writes beside ``path`` and takes that name once everything is in it; else nothing is left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draft = path.with_name(f".{path.name}.part")
        self._sums: dict[str, Stored] = {}
        self._finished = False

    def __enter__(self) -> "BackupWriter":
        try:
            opened = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be written ({error.strerror}).") from error
        self._file = os.fdopen(opened, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w|", format=tarfile.PAX_FORMAT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, ValueError):
            self._tar.close()
        with suppress(OSError):
            self._file.close()
        if not self._finished:
            self._draft.unlink(missing_ok=True)

    def header(self, header: Header) -> None:
        self._add(HEADER, _json(asdict(header)))

    def table(self, name: str) -> "TableWriter":
        return TableWriter(self, name)

    def keys(self, sealed: Mapping[str, object]) -> None:
        self._add(KEYS, _json(sealed))

    def finish(self, sequences: Mapping[str, tuple[int, bool]]) -> Manifest:
        """The last entry; from now on the backup has its name."""
        manifest = Manifest(self._sums, sequences)
        self._add(MANIFEST, _json(asdict(manifest)))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._draft.replace(self.path)
        self._finished = True
        return manifest

    def stored(self, name: str, stored: Stored) -> None:
        self._sums[name] = stored

    def add_part(self, name: str, number: int, text: bytes) -> None:
        self._add(f"tables/{name}/{number:06d}.copy.gz", gzip.compress(text, 6, mtime=0))

    def _add(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = len(content), 0o600, int(clock.now().timestamp())
        try:
            self._tar.addfile(entry, io.BytesIO(content))
        except OSError as error:
            raise ConfigurationError(
                f"The backup could not be written ({error.strerror}); nothing is left of it."
            ) from error


class TableWriter:
    """Takes the text of one table as it comes."""

    def __init__(self, backup: BackupWriter, name: str) -> None:
        self._backup, self._name = backup, name
        self._waiting = bytearray()
        self._hash = hashlib.sha256()
        self._parts = 0
        self.bytes = 0

    async def write(self, text: bytes) -> None:
        self._waiting += text
        self._hash.update(text)
        self.bytes += len(text)
        if len(self._waiting) >= PART_BYTES:
            self._flush()

    def close(self, rows: int) -> None:
        self._flush()
        self._backup.stored(self._name, Stored(rows, self.bytes, self._hash.hexdigest()))

    def _flush(self) -> None:
        if self._waiting:
            self._backup.add_part(self._name, self._parts, bytes(self._waiting))
            self._parts += 1
            self._waiting.clear()


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1).encode()


def name_for(moment: datetime) -> str:
    """What a backup is called when only a folder is given."""
    return f"optria-{moment:%Y%m%d-%H%M%S}.tar"
