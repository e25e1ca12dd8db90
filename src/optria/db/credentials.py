"""Passwords made by us, kept in ``$OPTRIA_HOME/credentials.json`` for nobody else to read."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optria.core.errors import ConfigurationError
from optria.kit import private_file

FILE = "credentials.json"


def secret(home: Path, name: str) -> str:
    """The password called ``name``; made and stored (mode 0600) when it is asked for first.

    Raises:
        ConfigurationError: when the file cannot be read or written.
    """
    try:
        with locked(home / ".credentials.lock"):
            known = _read(home / FILE)
            if name not in known:
                known[name] = secrets.token_urlsafe(32)
                _write(home / FILE, known)
            return known[name]
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The passwords in {home / FILE} cannot be used ({error}). "
            "Run as the user who made that file, or set OPTRIA_HOME to another folder."
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold ``path`` for this process alone; the kernel lets go of it even after a kill -9."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    stored = json.loads(path.read_text("utf-8"))
    if not isinstance(stored, dict) or not all(isinstance(value, str) for value in stored.values()):
        raise ValueError("it is not a JSON object of texts")
    return stored


def _write(path: Path, known: dict[str, str]) -> None:
    private_file.replace(path, json.dumps(known, indent=2).encode())
