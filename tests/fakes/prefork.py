"""A process that has imported the product once and forks a fresh process of it on demand.

``optria serve`` spends most of its start on imports. A fork of a process that is through with them is the
same program, with sockets, a database pool and a fate of its own, a moment later: so a process can be killed
hundreds of times in a test. ``python -m tests.fakes.prefork`` is the process that forks.
"""

import asyncio
import importlib
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

ROOT: Final = Path(__file__).parents[2]
LOOK_EVERY_S: Final = 0.005
TOLD: Final = 3
"""File descriptor of what forked processes tell; what they print goes to stderr."""


@dataclass(slots=True)
class Born:
    """A forked process, and the lines it has told by :func:`tell`."""

    pid: int
    lines: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    @property
    def alive(self) -> bool:
        return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def said(self) -> str:
        """Its next line. Raises RuntimeError when it has ended without one."""
        while True:
            was_alive = self.alive
            with suppress(queue.Empty):
                return self.lines.get_nowait()
            if not was_alive:
                raise RuntimeError(f"Process {self.pid} has ended; it said why on stderr.")
            await asyncio.sleep(LOOK_EVERY_S)

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, and wait until it is gone."""
        self.send(number)
        await self.gone()

    async def gone(self) -> None:
        while True:
            if not self.alive:
                return
            await asyncio.sleep(LOOK_EVERY_S)


class Prefork:
    """Whoever begins processes; they all end with the block of :func:`prefork`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._begun: queue.SimpleQueue[Born | None] = queue.SimpleQueue()
        self._born: dict[int, Born] = {}

    async def begin(self, function: str, **arguments: object) -> Born:
        """A process that runs the coroutine ``module:function`` with JSON ``arguments`` and ends."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([function, arguments]) + "\n")
        self._process.stdin.flush()
        born = await asyncio.to_thread(self._begun.get)
        if born is None:
            raise RuntimeError("The process that forks has ended; it said why on stderr.")
        return born

    def listen(self) -> None:
        """In a thread of its own, so that tests with loops of their own share one of these."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            pid, said = json.loads(line)
            if said is None:
                self._born[pid] = Born(pid)
                self._begun.put(self._born[pid])
            elif pid in self._born:
                self._born[pid].lines.put(said)
        self._begun.put(None)

    def end(self) -> None:
        for born in self._born.values():
            born.send(signal.SIGKILL)
        self._process.kill()
        self._process.wait()


@contextmanager
def prefork(*modules: str) -> Generator[Prefork]:
    """Forks processes that have imported ``modules``; every one of them is killed at the end."""
    command = [sys.executable, "-m", "tests.fakes.prefork", *modules]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    forking = Prefork(process)
    listening = threading.Thread(target=forking.listen, name="prefork", daemon=True)
    listening.start()
    try:
        yield forking
    finally:
        forking.end()
        listening.join(10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def tell(line: str) -> None:
    """Said by a forked process to whoever began it."""
    os.write(TOLD, json.dumps([os.getpid(), line]).encode() + b"\n")


def main(modules: list[str]) -> None:
    os.dup2(1, TOLD)
    os.dup2(2, 1)
    for module in modules:
        importlib.import_module(module)
    # Nobody waits for the children: the numbers of the dead stay theirs, so that no stranger is ever killed.
    for line in sys.stdin:
        function, arguments = json.loads(line)
        go, going = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(go, 1)  # the parent has named us
            os.close(go)
            os.close(going)
            _live(function, arguments)
        os.write(TOLD, json.dumps([pid, None]).encode() + b"\n")
        os.write(going, b".")
        os.close(go)
        os.close(going)


def _live(function: str, arguments: dict[str, object]) -> None:
    """What a child does, and nothing after it."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    random.seed()  # else every child draws the same
    module, _, name = function.partition(":")
    code = 1
    try:
        asyncio.run(getattr(importlib.import_module(module), name)(**arguments))
        code = 0
    except Exception:  # noqa: BLE001  # it is about to end
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
