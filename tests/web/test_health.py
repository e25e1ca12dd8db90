"""Is it up, is it ready, and how is each part."""

from dataclasses import replace

import pytest

from optria.core.roles import Role
from optria.db.session import Database
from optria.kit.supervise import TaskState
from optria.web.server import create_app
from tests.web.house import House, Source

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
