"""People who are not, or no longer, let in."""

import asyncio
import statistics
import time
from collections import Counter

import httpx
import pytest
from sqlalchemy import delete

from optria.core.roles import Role
from optria.db.identity import UserSession
from optria.db.session import Database
from optria.web.connection import SIGNED_OUT, Timing
from optria.web.limits import ATTEMPTS_PER_ACCOUNT, ATTEMPTS_PER_ADDRESS
from tests.faults.figures import Figures, Scale
from tests.web.browsers import served as served_pages
from tests.web.house import House, build
from tests.web.sockets import opened, served


@pytest.fixture
async def house(database: Database) -> House:
    return await build(database)


async def guess(client: httpx.AsyncClient, email: str) -> tuple[int, str, float]:
    """Status, answer and seconds of one guess."""
    begun = time.monotonic()
    answer = await client.post("/api/auth/login", json={"email": email, "password": "a guess 1"})
    return answer.status_code, answer.text, time.monotonic() - begun


async def test_guessing(house: House, scale: Scale, figures: Figures) -> None:
    """Known and unknown accounts answer alike, in words, in number and in time."""
    guesses = scale.of(200, 12)
    known, unknown = house.user(Role.VIEWER).email, "nobody@plant.test"
    counts: Counter[int] = Counter()
    answers: dict[str, list[tuple[int, str, float]]] = {known: [], unknown: []}
    async with (
        served_pages(house) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
    ):
        for number in range(guesses):
            for email in (known, unknown):
                answers[email].append(await guess(client, email))
                counts[answers[email][-1][0]] += 1
            if number == ATTEMPTS_PER_ACCOUNT:
                others = [await guess(client, f"{other}@plant.test") for other in range(ATTEMPTS_PER_ADDRESS)]
    told = {email: [answer[:2] for answer in given] for email, given in answers.items()}
    slow = {email: statistics.median(a[2] for a in given if a[0] == 401) for email, given in answers.items()}
    figures.load = f"{2 * guesses} guesses at two accounts"
    figures.notes.append(
        f"{counts[401]} verified, {counts[429]} throttled; known {slow[known] * 1000:.0f} ms, "
        f"unknown {slow[unknown] * 1000:.0f} ms"
    )
    assert counts == {401: 2 * ATTEMPTS_PER_ACCOUNT, 429: 2 * (guesses - ATTEMPTS_PER_ACCOUNT)}
    assert told[known] == told[unknown]
    assert Counter(status for status, _, _ in others)[401] == ATTEMPTS_PER_ADDRESS - 2 * ATTEMPTS_PER_ACCOUNT
    if scale.full:
        assert 0.5 < slow[known] / slow[unknown] < 2


async def test_revoked(database: Database, scale: Scale, figures: Figures) -> None:
    """Another process ended the session: nobody here is told, only the check of the session finds it."""
    timing = Timing() if scale.full else Timing(session_check_s=0.3)
    house = await build(database, timing)
    async with served(house) as url, opened(house, url, Role.ENGINEER) as browser:
        await browser.ask(op="sub", topic="e:incidents")
        await browser.next("snap", "e:incidents")
        async with database.platform("test") as tx:
            await tx.session.execute(delete(UserSession))
        begun = time.monotonic()
        async with asyncio.timeout(90):
            await browser.socket.wait_closed()
        figures.recovered_s = time.monotonic() - begun
    figures.load = f"1 socket, session checked every {timing.session_check_s:g} s"
    assert browser.socket.close_code == SIGNED_OUT
    if scale.full:
        assert figures.recovered_s <= 61
