"""A plant for floods: its people, its assets, and events by the thousand."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import httpx

from optria.core.roles import Role
from optria.db.rota import OnCallShift
from optria.db.session import Database
from optria.kit import clock
from tests import factories

AT_ONCE: Final = 8
"""Connections that send side by side, as many one by one as in batches."""
BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Flooded:
    tenant_id: int
    assets: Sequence[int]
    on_call: int
    """The engineer who has the shift."""
    other: int
    sender: str
    """E-mail of the one who sends events."""


async def flooded_plant(database: Database, assets: int) -> Flooded:
    """Assets of one site, linked in pairs; of two engineers one is on call."""
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
        engineer = await factories.user(tx, tenant_id, Role.ENGINEER, email="on-call@example.com")
        other = await factories.user(tx, tenant_id, Role.ENGINEER)
        sender = await factories.user(tx, tenant_id, Role.OPTIMIZATION_ENGINEER, email="dcs@example.com")
    async with database.transaction(tenant_id) as tx:
        site = await factories.site(tx, tenant_id)
        rows = [await factories.asset(tx, site) for _ in range(assets)]
        for one, next_one in list(pairwise(rows))[::2]:
            await factories.link(tx, one, next_one)
        hour = timedelta(hours=1)
        shift = OnCallShift(
            user_id=engineer.id, starts_at=clock.now() - hour, ends_at=clock.now() + 24 * hour
        )
        shift.tenant_id = tenant_id
        tx.session.add(shift)
    return Flooded(tenant_id, [row.id for row in rows], engineer.id, other.id, sender.email)


async def signed_in(base: str, email: str) -> httpx.AsyncClient:
    """A client of somebody's session."""
    client = httpx.AsyncClient(base_url=base, timeout=300.0, headers={"Origin": base})
    answer = await client.post("/api/auth/login", json={"email": email, "password": factories.PASSWORD})
    assert answer.status_code == 200, answer.text
    return client


def event_of(number: int, asset_id: int, *, critical: bool) -> dict[str, object]:
    """One of a flood: its own, though others say the same."""
    return {
        "asset_id": asset_id,
        "source_system": "DCS",
        "source_type": "ALARM",
        "source_id": f"DCS-{number}",
        "event_time": (clock.now() - timedelta(seconds=number % 7)).isoformat(),
        "severity": "CRITICAL" if critical else ("MAJOR", "MINOR", "WARNING")[number % 3],
        "event_category": "ALERT",
        "summary": f"Level {80 + number % 17}.{number % 10} % is above its limit",
    }


async def send_all(client: httpx.AsyncClient, events: Sequence[dict[str, object]], over_s: float) -> int:
    """Send each event once, evenly over ``over_s``: a tenth one by one, the rest in batches; how many."""
    one_by_one = [("/api/blackbox/events", event, 1) for event in events[::10]]
    rest = [event for number, event in enumerate(events) if number % 10]
    parts = [rest[at : at + BATCH] for at in range(0, len(rest), BATCH)]
    batches: list[tuple[str, dict[str, object], int]] = [
        ("/api/blackbox/events/batch", {"events": part}, len(part)) for part in parts
    ]
    loop = asyncio.get_running_loop()
    begun, taken = loop.time(), 0

    async def work(posts: Sequence[tuple[str, dict[str, object], int]], first: int, step: int) -> None:
        nonlocal taken
        for number in range(first, len(posts), step):
            await asyncio.sleep(begun + over_s * number / len(posts) - loop.time())
            path, body, size = posts[number]
            answer = await client.post(path, json=body)
            assert answer.status_code == 200, answer.text
            taken += size

    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(work(one_by_one, number, AT_ONCE))
            group.create_task(work(batches, number, AT_ONCE))
    return taken


def resident_mb(pid: int) -> float:
    """What a process keeps in memory."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no such process")
