"""A NATS server with JetStream as a process of its own, which can be killed and begun again on its store."""

import asyncio
import signal
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.programs import free_port, program


@dataclass(slots=True)
class Broker:
    """``hub_port`` is where leaf nodes connect to it; ``remote`` the URL of the hub whose leaf it is."""

    folder: Path
    domain: str = ""
    remote: str = ""
    port: int = field(default_factory=free_port)
    hub_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def configuration(self) -> str:
        """A leaf keeps the messages of the log to itself: the hub draws them from its stream."""
        lines = [
            f"server_name: {self.domain or 'one'}",
            f"listen: 127.0.0.1:{self.port}",
            f'jetstream {{ store_dir: "{self.folder}", domain: "{self.domain or "centre"}" }}',
        ]
        if self.remote:
            lines.append(
                f'leafnodes {{ remotes: [ {{ url: "{self.remote}", deny_exports: "optria.log.>" }} ] }}'
            )
        else:
            lines.append(f'leafnodes {{ listen: "127.0.0.1:{self.hub_port}" }}')
        return "\n".join(lines)

    async def start(self) -> None:
        found = program("nats-server")
        assert found is not None, "there is no nats-server: run scripts/servers.sh"
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "nats.conf"
        file.write_text(self.configuration(), "utf-8")
        with (self.folder / "nats.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                str(found), "-c", str(file), stdout=log, stderr=log
            )
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                return

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)
            await self.process.wait()
