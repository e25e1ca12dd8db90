"""``optria serve`` as a process of its own, which can be killed, paused and started again."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Served:
    """A server process. ``base`` is its address, new with each start; ``up`` is set while it serves."""

    environment: Mapping[str, str]
    arguments: Sequence[str] = ("--port", "0")
    base: str = ""
    process: asyncio.subprocess.Process | None = None
    log: Path = Path(os.devnull)
    """Where its log goes."""
    up: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def at(cls, url: str, home: Path, **more: str) -> "Served":
        """For the serving role's ``url``, with its data folder ``home`` and further variables."""
        return cls({**os.environ, "OPTRIA_APP_DATABASE_URL": url, "OPTRIA_HOME": str(home), **more})

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self) -> None:
        command = [sys.executable, "-m", "optria", "serve", *self.arguments]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        found = re.search(r"http://\S+", line)
        assert found, f"the server did not start: {line!r}"
        self.base = found[0]
        self.up.set()

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, and wait until it is gone."""
        assert self.process is not None
        self.up.clear()
        self.process.send_signal(number)
        await self.process.wait()

    async def end(self) -> None:
        """Kill it if it runs."""
        if self.process is not None and self.process.returncode is None:
            await self.kill()
