"""A backup read: what it is of, whether it is whole, and its rows."""

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from optria.core.errors import ConfigurationError
from optria.db.backup_file import FORMAT, HEADER, KEYS, MANIFEST, Header, Manifest, Stored


@dataclass(frozen=True, slots=True)
class BackupReader:
    """A backup that was begun to be read; made by :func:`open_backup`."""

    path: Path
    header: Header
    manifest: Manifest
    keys: Mapping[str, Any] | None
    parts: Mapping[str, Sequence[tuple[int, int]]]
    """Table to where its parts begin in the file, and their bytes."""

    def text(self, table: str) -> Iterator[bytes]:
        """The text of a table, part by part.

        Raises:
            ConfigurationError: at its end, when it is not what was written.
        """
        found = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                for begins, size in self.parts.get(table, ()):
                    file.seek(begins)
                    text = gzip.decompress(file.read(size))
                    found.update(text)
                    yield text
        except (OSError, EOFError, zlib.error) as error:
            raise _damaged(self.path, f"the rows of {table} cannot be read") from error
        if found.hexdigest() != self.manifest.tables[table].sha256:
            raise _damaged(self.path, f"the rows of {table} are not those that were written")

    def check(self) -> None:
        """Read everything once.

        Raises:
            ConfigurationError: something is not what was written; names the table.
        """
        for table in self.manifest.tables:
            for _ in self.text(table):
                pass


def open_backup(path: Path) -> BackupReader:
    """The backup in a file.

    Raises:
        ConfigurationError: it is none, was cut off, or is of a newer format.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            return _opened(tar, path)
    except FileNotFoundError as error:
        raise ConfigurationError(f"There is no file {path}.") from error
    except (OSError, tarfile.TarError, EOFError) as error:
        raise ConfigurationError(f"{path} is no backup of OPTRIA IQ, or was cut off.") from error


def _opened(tar: tarfile.TarFile, path: Path) -> BackupReader:
    entries = tar.getmembers()
    if not entries or entries[0].name != HEADER:
        raise ConfigurationError(f"{path} is no backup of OPTRIA IQ.")
    header = _load(tar, entries[0], path)
    if header.get("format") != FORMAT:
        raise ConfigurationError(
            f"{path} has format {header.get('format')}; this version reads {FORMAT}. Install a newer one."
        )
    if entries[-1].name != MANIFEST:
        raise _damaged(path, "its end is missing")
    keys = next((entry for entry in entries if entry.name == KEYS), None)
    try:
        said, manifest = Header(**header), _manifest(_load(tar, entries[-1], path))
        if said.tables.keys() != manifest.tables.keys():
            raise ValueError("its beginning and its end name other tables")
        for day in said.days:
            date.fromisoformat(day)
        return BackupReader(
            path, said, manifest, _load(tar, keys, path) if keys else None, _parts_of(entries)
        )
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise _damaged(path, "what it says of itself cannot be read") from error


def _manifest(found: Mapping[str, Any]) -> Manifest:
    return Manifest(
        {name: Stored(**each) for name, each in found["tables"].items()},
        {name: (int(last), bool(called)) for name, (last, called) in found["sequences"].items()},
    )


def _parts_of(entries: list[tarfile.TarInfo]) -> dict[str, list[tuple[int, int]]]:
    parts: dict[str, list[tuple[int, int]]] = {}
    for entry in entries:
        if entry.name.startswith("tables/") and entry.name.endswith(".copy.gz"):
            parts.setdefault(entry.name.split("/")[1], []).append((entry.offset_data, entry.size))
    return parts


def _load(tar: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> dict[str, Any]:
    try:
        packed = tar.extractfile(entry)
        content = json.loads(packed.read() if packed else b"")
    except (OSError, ValueError, tarfile.TarError) as error:
        raise _damaged(path, f"{entry.name} cannot be read") from error
    if not isinstance(content, dict):
        raise _damaged(path, f"{entry.name} cannot be read")
    return content


def _damaged(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError(f"The backup {path} is damaged: {what}. Take another one.")
