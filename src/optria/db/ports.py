"""The port that an embedded server listens on: the one of its last start where that is free."""

import re
import socket
from pathlib import Path


def usual_port(data: Path) -> int:
    """The port of the last start, so that whoever knows it finds the server again; else a free one."""
    try:
        found = re.search(r"port=(\d+)", (data / "postmaster.opts").read_text("utf-8"))
    except OSError:
        found = None
    return int(found[1]) if found and _is_free(int(found[1])) else _free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
