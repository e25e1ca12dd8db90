"""Servers and libraries that the tests start: installed, or unpacked by scripts/servers.sh."""

import os
import shutil
import socket
from pathlib import Path
from typing import Final

UNPACKED: Final = Path(__file__).parents[2] / ".venv" / "servers"
"""Where scripts/servers.sh puts them on a machine that has none."""


def program(name: str) -> Path | None:
    """A server on this machine."""
    unpacked = (UNPACKED / "usr" / folder / name for folder in ("sbin", "bin"))
    candidates = (shutil.which(name), f"/usr/sbin/{name}", *unpacked)
    return next((Path(found) for found in candidates if found and Path(found).is_file()), None)


def library(name: str) -> Path | None:
    """A shared library on this machine, ``name`` as in ``libfaketime.so.1``."""
    found = (path for root in (Path("/usr/lib"), UNPACKED) for path in root.glob(f"**/{name}"))
    return next(found, None)


def libraries() -> str:
    """``LD_LIBRARY_PATH`` of an unpacked server."""
    folders = {str(found.parent) for found in UNPACKED.glob("usr/lib/**/lib*.so*")}
    return ":".join([*sorted(folders), os.environ.get("LD_LIBRARY_PATH", "")]).strip(":")


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
