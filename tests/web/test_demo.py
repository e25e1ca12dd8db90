"""Faults of the simulated plant from the screens."""

from dataclasses import replace

import anyio
import pytest

from optria.core.roles import Role
from optria.db.session import Database
from optria.simulator.control import control_app
from optria.simulator.plant import SimulatedPlant
from optria.web.runner import serve
from optria.web.server import create_app
from tests.web.house import House, build


@pytest.fixture
async def demo(rolled_back: Database) -> House:
    return await build(rolled_back, demo=True)


async def test_a_fault_is_injected_listed_and_cleared(demo: House) -> None:
    stop, address = anyio.Event(), anyio.create_memory_object_stream[int](1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(
            serve,
            control_app(SimulatedPlant(preheat_minutes=1)),
            "127.0.0.1",
            0,
            stop,
            address[0].send_nowait,
        )
        url = f"http://127.0.0.1:{await address[1].receive()}"
        demo.app = create_app(replace(demo.services, demo_control_url=url))
        async with demo.client(Role.TENANT_ADMIN) as browser:
            made = await browser.post("/api/demo/faults", json={"kind": "bearing-wear", "asset": "P-102B"})
            listed = await browser.get("/api/demo/faults")
            wrong = await browser.post("/api/demo/faults", json={"kind": "nonsense", "asset": "P-102B"})
            cleared = await browser.delete(f"/api/demo/faults/{made.json()['id']}")
            unknown = await browser.delete("/api/demo/faults/nothing")
        stop.set()
    address[0].close()
    address[1].close()
    assert (made.json()["kind"], made.json()["asset"], made.json()["severity"]) == (
        "bearing-wear",
        "P-102B",
        0.8,
    )
    assert [fault["id"] for fault in listed.json()["active"]] == [made.json()["id"]]
    assert wrong.status_code == 422
    assert "nonsense" in wrong.json()["detail"]
    assert cleared.json()["ended_at"] is not None
    assert unknown.status_code in (404, 422)


async def test_outside_the_demo_there_are_no_faults(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.get("/api/demo/faults")).status_code == 404


async def test_a_silent_plant_is_a_sentence(demo: House) -> None:
    demo.app = create_app(replace(demo.services, demo_control_url="http://127.0.0.1:1"))
    async with demo.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.get("/api/demo/faults")
    assert answer.status_code == 503
    assert "simulated plant" in answer.json()["detail"]


@pytest.mark.parametrize(("role", "status"), [(Role.ENGINEER, 403), (Role.VIEWER, 403)])
async def test_only_who_may_run_an_analysis_breaks_things(demo: House, role: Role, status: int) -> None:
    async with demo.client(role) as browser:
        answer = await browser.post("/api/demo/faults", json={"kind": "x", "asset": "y"})
    assert answer.status_code == status
