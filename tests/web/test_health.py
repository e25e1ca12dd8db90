"""Is it up, is it ready, and how is each part."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from optria.core.roles import Role
from optria.db.session import Database
from optria.kit import clock
from optria.kit.supervise import TaskState
from optria.streams.spool import SpoolFigures
from optria.streams.vitals import StreamVitals
from optria.web.readiness import DatabaseLook, reasons_of
from optria.web.server import create_app
from optria.web.services import Vitals
from tests.web.house import House, Source, build

GONE = "postgresql://nobody:nothing@127.0.0.1:1/nowhere"


async def _ready(house: House) -> tuple[int, dict[str, object]]:
    house.app = create_app(house.services)
    async with house.client() as browser:
        answer = await browser.get("/health/ready")
    return answer.status_code, answer.json()


async def test_everything_runs(house: House) -> None:
    status, body = await _ready(house)
    assert (status, body["status"]) == (200, "ready")
    assert body["checks"] == {
        "database": True,
        "ai_service": True,
        "optimization_engine": False,
        "integrations": True,
        "tasks": True,
    }


async def test_a_lost_source_and_a_stopped_task_are_named(house: House) -> None:
    house.services = replace(
        house.services,
        links=lambda _tenant: [Source(1, "OPC UA", state="lost")],
        health=lambda: {"recorder": TaskState("recorder", running=False, last_error="no")},
    )
    status, body = await _ready(house)
    assert (status, body["status"]) == (200, "degraded")
    checks = body["checks"]
    assert isinstance(checks, dict)
    assert (checks["integrations"], checks["tasks"]) == (False, False)


async def test_without_the_database_it_is_alive_and_not_ready(house: House) -> None:
    gone = Database(GONE)
    house.services = replace(house.services, database=gone)
    status, body = await _ready(house)
    async with house.client() as browser:
        live = await browser.get("/health/live")
        page = await browser.get("/api/auth/me", headers={"Authorization": "Bearer x"})
    await gone.dispose()
    assert (status, body["status"]) == (503, "not_ready")
    assert live.status_code == 200
    assert (page.status_code, page.headers["retry-after"]) == (503, "5")
    assert "Try again" in page.json()["detail"]


@pytest.mark.parametrize(("role", "status"), [(Role.PLATFORM_OWNER, 200), (Role.TENANT_ADMIN, 403)])
async def test_the_whole_state_is_for_platform_owners(house: House, role: Role, status: int) -> None:
    async with house.client(role) as browser:
        answer = await browser.get("/health/internal/config/status")
    assert answer.status_code == status
    if status == 200:
        body = answer.json()
        assert body["database"]["reachable"] is True
        assert body["sockets"]["connections"] == 0
        assert body["deliveries"] is not None
        assert body["integrations"][str(house.own.tenant.id)][0]["state"] == "connected"


def _reasons(body: dict[str, object]) -> dict[str, dict[str, object]]:
    found = body["reasons"]
    assert isinstance(found, list)
    for each in found:
        assert each.keys() == {"part", "state", "since", "reason", "what_to_do"}
        assert each["since"].endswith("Z") or "+00:00" in each["since"]
    return {each["part"]: each for each in found}


def _stream(**values: object) -> StreamVitals:
    nothing = {"tags": 0, "samples": 0, "busy_s": 0.0, "learning": 0, "watching": 0, "failing": 0}
    rest = {"anchored": 0, "dropped": {}, "history_waiting": 0, "history_bound": 1, "history_written": 0}
    return StreamVitals(**nothing | rest | {"history_error": None} | values)  # type: ignore[arg-type]


async def test_nothing_is_said_while_all_is_well(house: House) -> None:
    assert (await _ready(house))[1]["reasons"] == []


async def test_a_reason_says_since_when_and_what_to_do_and_names_nobody(house: House) -> None:
    since = clock.now() - timedelta(minutes=3)
    lost = Source(1, "Secret name", state="lost", since=since, last_error="opc.tcp://10.0.0.1 refused")
    house.services = replace(house.services, links=lambda _tenant: [Source(2, "Other"), lost])
    status, body = await _ready(house)
    reason = _reasons(body)["sources"]
    assert (status, body["status"], reason["state"]) == (200, "degraded", "degraded")
    assert reason["since"] == since.isoformat()
    assert "2 of 4" in str(reason["reason"])
    assert "Secret" not in str(body)
    assert "10.0.0.1" not in str(body)


async def test_since_when_is_remembered_until_it_is_well(house: House) -> None:
    house.services = replace(house.services, health=lambda: {"recorder": TaskState("recorder")})
    house.app = create_app(house.services)
    async with house.client() as browser:
        first, second = [(await browser.get("/health/ready")).json() for _ in range(2)]
    assert _reasons(first)["tasks"]["since"] == _reasons(second)["tasks"]["since"]


async def test_the_database_away_fails_and_says_what_goes_on(house: House) -> None:
    gone = Database(GONE)
    house.services = replace(house.services, database=gone)
    status, body = await _ready(house)
    await gone.dispose()
    assert (status, _reasons(body)["database"]["state"]) == (503, "failing")


@pytest.mark.parametrize(
    ("stream", "part", "state", "status"),
    [
        (_stream(history_paused="full"), "history", "degraded", "degraded"),
        (_stream(spool=SpoolFigures(limit_bytes=1000, samples=5, bytes=10)), "spool", "warning", "ready"),
        (
            _stream(spool=SpoolFigures(limit_bytes=1000, samples=5, bytes=900)),
            "spool",
            "degraded",
            "degraded",
        ),
    ],
)
async def test_samples_that_wait_are_told(
    house: House, stream: StreamVitals, part: str, state: str, status: str
) -> None:
    house.services = replace(house.services, vitals=lambda: Vitals({1: stream}))
    code, body = await _ready(house)
    assert (code, body["status"], _reasons(body)[part]["state"]) == (200, status, state)


async def test_a_day_without_a_partition_is_told(database: Database, fresh_database: str) -> None:
    owner = await asyncpg.connect(fresh_database)
    try:
        await owner.execute(f"DROP TABLE history_chunks_{clock.now():%Y%m%d}")
    finally:
        await owner.close()
    _, body = await _ready(await build(database))
    assert str(clock.now().date()) in str(_reasons(body)["partitions"]["reason"])


def test_clocks_that_are_apart_are_told(house: House) -> None:
    look = DatabaseLook(answers=True, clock_apart_s=-3600.0)
    assert [each.part for each in reasons_of(house.services, look)] == ["clock"]
    assert not list(reasons_of(house.services, DatabaseLook(answers=True, clock_apart_s=0.4)))


async def test_a_loop_that_lags_is_seen(house: House) -> None:
    watch = house.services.loop
    looking = asyncio.ensure_future(watch.run())
    await asyncio.sleep(0)
    time.sleep(1.3)  # noqa: ASYNC251
    await asyncio.sleep(0.3)
    looking.cancel()
    assert watch.worst_s > 1.0
    async with house.client() as browser:
        assert (await browser.get("/health/live")).json()["loop_lag_s"] > 1.0
    status, body = await _ready(house)
    assert (status, body["status"], _reasons(body)["process"]["state"]) == (200, "ready", "warning")
