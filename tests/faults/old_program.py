"""The program as it was before its tables were changed last: taken from the history of the sources."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from optria.db.roles import APP_ROLE
from optria.db.upgrade import migrations_folder, newest

CHECKOUT = Path(__file__).parents[2]


@dataclass(slots=True)
class Answers:
    """What the old program answered to somebody who is signed in and looks around."""

    client: httpx.AsyncClient
    pages: tuple[str, ...] = ("/health/ready", "/login", "/api/auth/me", "/api/blackbox/incidents")
    good: int = 0
    bad: int = 0
    said: list[str] = field(default_factory=list)

    async def some(self) -> None:
        for _ in range(20):
            for page in self.pages:
                response = await self.client.get(page)
                fails = response.status_code >= 500
                self.bad, self.good = self.bad + fails, self.good + (not fails)
                self.said += [f"{page}: {response.text[:200]}"] if fails else []


@dataclass(frozen=True, slots=True)
class OldProgram:
    """The sources of the version before, in a folder."""

    folder: Path
    home: Path

    def _environment(self, **more: str) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("OPTRIA_")}
        return {**plain, "PYTHONPATH": str(self.folder / "src"), "OPTRIA_HOME": str(self.home), **more}

    async def upgrade(self, owner_url: str, password: str) -> None:
        """Make its tables, for a serving role that is there."""
        app = re.sub(r"//[^@]*@", f"//{APP_ROLE}:{password}@", owner_url)
        environment = self._environment(OPTRIA_DATABASE_URL=owner_url, OPTRIA_APP_DATABASE_URL=app)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "optria", "db", "upgrade", env=environment, cwd=self.folder
        )
        assert await process.wait() == 0

    @asynccontextmanager
    async def serving(self, url: str) -> AsyncGenerator[Answers]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "optria", "serve", "--port", "0"),
            env=self._environment(OPTRIA_APP_DATABASE_URL=url),
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", (await process.stdout.readline()).decode())
            assert found, "the program before did not start"
            async with httpx.AsyncClient(base_url=found[0], trust_env=False, timeout=30) as client:
                yield Answers(client)
        finally:
            process.kill()
            await process.wait()


def program_before(folder: Path) -> OldProgram | None:
    """The sources just before the newest migration came; None where their history is not there."""
    newest_file = next(migrations_folder().glob(f"versions/{newest()}_*.py"))
    asked = ["log", "--diff-filter=A", "--format=%H", "-1", "--", str(newest_file)]
    added = _git(*asked)
    archive = (
        _git("archive", f"{added.decode().strip()}~1", "src", "migrations", "templates") if added else b""
    )
    if not archive:
        return None
    target = folder / "before"
    target.mkdir()
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive, check=True)
    home = folder / "home"
    home.mkdir()
    return OldProgram(target, home)


def _git(*words: str) -> bytes:
    try:
        done = subprocess.run(["git", *words], cwd=CHECKOUT, capture_output=True, check=False)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""
