"""A disk that is small and of its own, so that it can be filled."""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MOUNTED = "mount -t tmpfs -o mode=755,size={size} tmpfs {path}"


@contextmanager
def small_disk(size_mb: int) -> Generator[Path]:
    """A folder on a tmpfs of ``size_mb``.

    Without the right to mount it lies in a namespace of a process of its own, and is reached through it.
    """
    with TemporaryDirectory(prefix="optria-disk-") as folder:
        command = MOUNTED.format(size=f"{size_mb}m", path=folder)
        if os.geteuid() == 0 and _runs(command):
            try:
                yield Path(folder)
            finally:
                subprocess.run(["umount", "-l", folder], check=True)
            return
        keeper = subprocess.Popen(
            ["unshare", "-Urm", "sh", "-c", f"{command} && echo mounted && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert keeper.stdout is not None
            assert keeper.stdout.readline() == b"mounted\n", "a small disk can be made in no way here"
            yield Path(f"/proc/{keeper.pid}/root{folder}")
        finally:
            keeper.kill()
            keeper.communicate()


def _runs(command: str) -> bool:
    return subprocess.run(command.split(), check=False, capture_output=True).returncode == 0


def fill(folder: Path, leave_bytes: int) -> Path:
    """A file that leaves no more than so much free on the disk of ``folder``."""
    disk = os.statvfs(folder)
    filler = folder / "filler"
    with filler.open("wb") as file:
        left = disk.f_bavail * disk.f_frsize - leave_bytes
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))
    return filler
