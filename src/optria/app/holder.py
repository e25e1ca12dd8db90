"""The name of this process among all that may hold a lease, and which of the others are surely gone.

On one machine a killed server need not be waited for: its process is no more. Of another machine, or another
container, nothing is known but the time of its lease.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def holder_name() -> str:
    """Machine since its boot, space of process ids, process, its start, and a number of chance."""
    return "/".join((_space(), str(os.getpid()), _begun(os.getpid()), secrets.token_hex(4)))


def is_gone(holder: str) -> bool:
    """Whether a holder was a process of this machine that has ended."""
    boot, space, pid, begun, *_ = [*holder.split("/"), "", "", "", ""]
    if f"{boot}/{space}" != _space() or not pid.isdigit() or not begun:
        return False
    return _begun(int(pid)) != begun


def _space() -> str:
    """Empty parts where the system does not say: then nothing is concluded."""
    boot = inode = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        inode = str(Path("/proc/self/ns/pid").stat().st_ino)
    return f"{boot}/{inode}"


def _begun(pid: int) -> str:
    """Ticks from boot to the start of a process: a number that is used again is another process."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    return ""
