"""Processes of a PostgreSQL server that are paused, killed and let go on: only those of the server given."""

import contextlib
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil


def postmaster_of(home: Path) -> psutil.Process:
    """The server process of the data folder ``home``."""
    number = (home / "postgres" / "postmaster.pid").read_text("utf-8").splitlines()[0]
    return psutil.Process(int(number))


@contextmanager
def frozen(home: Path) -> Generator[None]:
    """The server and all its backends stand still for the block; those they begin meanwhile too."""
    server = postmaster_of(home)
    signal_all(server, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(server, signal.SIGCONT)


def kill(home: Path) -> None:
    """The server and all its backends die at once, as in a power cut; until none of them is left."""
    server = postmaster_of(home)
    family = [server, *server.children(recursive=True)]
    signal_all(server, signal.SIGKILL)
    psutil.wait_procs(family, timeout=10)


def signal_all(server: psutil.Process, number: signal.Signals) -> None:
    for process in [server, *server.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
