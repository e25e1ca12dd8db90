"""The course of a soak: faults each minute, outages, memory, and how long the screens saw nothing new."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Protocol

import httpx
import psutil
import websockets
from sqlalchemy import select

from benchmarks.soak_counts import Expected, Rows, Samples
from benchmarks.soak_plant import prefix
from optria.db.plant import SiteRow
from optria.db.seed import PEOPLE
from optria.db.session import Database
from optria.kit import clock
from tests.fakes.served import Served

FAULTS = (("bearing-wear", "P-102B"), ("cavitation", "PUMP-003"), ("bearing-wear", "COMP-001"))
"""What is broken in turn, each time in another plant."""
LASTS_S = 45.0
SAY_EVERY_S = 10.0
LOOK_EVERY_S = 1.0
SHED = "optria_history_shed_samples"


class Taken(Protocol):
    async def database(self, for_s: float) -> None: ...
    async def link(self, for_s: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Tally:
    """``begun`` to ``ended`` is what is counted; memory is the mean of the first and of the last minute."""

    begun: datetime
    ended: datetime
    faults: tuple[Expected, ...]
    outage_s: float
    cut_s: float
    rss_first_mb: float
    rss_last_mb: float
    longest_gap_s: float
    frames: int
    samples: Samples | None = None
    rows: Rows | None = None
    shed: float | None = None

    @property
    def seconds(self) -> float:
        return (self.ended - self.begun).total_seconds()


@dataclass(slots=True)
class Screen:
    """A screen that watches the values of a site."""

    last: float = field(default_factory=monotonic)
    longest_gap_s: float = 0.0
    frames: int = 0

    def saw(self) -> None:
        now = monotonic()
        self.longest_gap_s = max(self.longest_gap_s, now - self.last)
        self.last, self.frames = now, self.frames + 1


@dataclass(slots=True)
class Soak:
    served: Served
    process: psutil.Process
    database: Database
    tenant_id: int
    control_url: str
    plant_home: Path
    outages: Taken
    copies: int = 0

    async def settle(self, seconds: float) -> None:
        """Run without being counted: history is fetched, detectors learn."""
        async with httpx.AsyncClient(base_url=self.control_url, trust_env=False) as control:
            assets = (await control.get("/plant/catalogue")).json()["assets"]
        self.copies = len({asset["code"].partition("-")[0] for asset in assets})
        async with self._watched() as screen:
            for second in range(int(seconds)):
                await asyncio.sleep(1)
                if second % SAY_EVERY_S == 0:
                    self._say(f"settling {second} of {seconds:.0f} s, {screen.frames} frames")

    async def run(self, minutes: float, outage_s: float, cut_s: float) -> Tally:
        begun, started, length_s = clock.now(), monotonic(), minutes * 60
        faults: list[Expected] = []
        memory: list[tuple[float, float]] = []
        async with self._watched() as screen, asyncio.TaskGroup() as group:
            group.create_task(self._break_things(length_s, faults))
            group.create_task(self._take(length_s / 3, self.outages.database(outage_s), "database away"))
            group.create_task(self._take(length_s * 3 / 4, self.outages.link(cut_s), "link cut"))
            while (at := monotonic() - started) < length_s:
                memory.append((at, self.process.memory_info().rss / 2**20))
                if len(memory) % int(SAY_EVERY_S / LOOK_EVERY_S) == 1:
                    self._say(
                        f"{at:5.0f} s  {memory[-1][1]:6.0f} MB  {len(faults)} faults  "
                        f"longest gap {screen.longest_gap_s:.1f} s"
                    )
                await asyncio.sleep(LOOK_EVERY_S)
        first = [mb for at, mb in memory if at < 60]
        last = [mb for at, mb in memory if at >= length_s - 60]
        return Tally(
            begun,
            clock.now(),
            tuple(faults),
            outage_s,
            cut_s,
            sum(first) / len(first),
            sum(last) / len(last),
            screen.longest_gap_s,
            screen.frames,
        )

    async def _break_things(self, length_s: float, faults: list[Expected]) -> None:
        """One fault a minute on an asset that had none; the last early enough to be found."""
        async with httpx.AsyncClient(base_url=self.control_url, trust_env=False, timeout=20) as control:
            for minute in range(max(int(length_s // 60), 1)):
                kind, asset = FAULTS[minute // self.copies % len(FAULTS)]
                code = prefix(minute % self.copies) + asset
                body = {"kind": kind, "asset": code, "severity": 0.9, "ramp_s": 10, "duration_s": LASTS_S}
                (await control.post("/plant/faults", json=body)).raise_for_status()
                faults.append(Expected(kind, code, clock.now()))
                await asyncio.sleep(60 if minute + 1 < length_s // 60 else 0)

    async def _take(self, after_s: float, outage: object, words: str) -> None:
        await asyncio.sleep(after_s)
        self._say(f"       {words}")
        await outage  # type: ignore[misc]  # a coroutine
        self._say(f"       {words}: over")

    @asynccontextmanager
    async def _watched(self) -> AsyncGenerator[Screen]:
        screen = Screen()
        watching = asyncio.create_task(self._watch(screen))
        try:
            yield screen
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _watch(self, screen: Screen) -> None:
        person = PEOPLE[0]
        async with self.database.transaction(self.tenant_id) as tx:
            site = await tx.session.scalar(select(SiteRow.id).order_by(SiteRow.id.desc()).limit(1))
        async with httpx.AsyncClient(base_url=self.served.base, trust_env=False, timeout=30) as client:
            who = {"email": person.email, "password": person.password}
            answer = await client.post("/api/auth/login", json=who, headers={"Origin": self.served.base})
        cookies = answer.raise_for_status().cookies
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        headers = {"Cookie": cookie, "Origin": self.served.base}
        url = self.served.base.replace("http", "ws", 1) + "/ws"
        while True:
            with suppress(OSError, websockets.WebSocketException):
                async with websockets.connect(
                    url, additional_headers=headers, proxy=None, max_size=None
                ) as socket:
                    await socket.send(json.dumps({"op": "sub", "topic": f"v:site:{site}"}))
                    async for text in socket:
                        await self._see(socket, json.loads(text), screen)
            await asyncio.sleep(0.25)

    async def _see(
        self, socket: websockets.ClientConnection, frames: list[dict[str, object]], screen: Screen
    ) -> None:
        for frame in frames:
            if frame["op"] == "n":
                await socket.send(json.dumps({"op": "ack", "n": frame["n"]}))
            elif frame["op"] == "d":
                screen.saw()

    async def shed(self, token: str) -> float | None:
        """Samples that the product says it has shed; None where it does not say."""
        async with httpx.AsyncClient(base_url=self.served.base, trust_env=False, timeout=20) as client:
            answer = await client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        if not answer.is_success or SHED not in answer.text:
            return None
        lines = [line for line in answer.text.splitlines() if line.startswith(SHED)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if "_created" not in line)

    def _say(self, line: str) -> None:
        print(line, flush=True)
