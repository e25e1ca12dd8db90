"""The server is killed (SIGKILL) while programs order work and ask again: each order is made once."""

import asyncio
from uuid import uuid4

import httpx
from sqlalchemy import select

from optria.db.work import WorkOrderRow
from tests.app.test_kill import Burst, burst, kill_at_random, served, signed_in
from tests.fakes.served import Served

__all__ = ["burst", "served"]

ORDERS_EACH = 60
PROGRAMS = 4


async def order(served: Served, token: str, title: str) -> int:
    """Order until there is an answer, always with the same key; the id of the order."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
    while True:
        await served.up.wait()
        try:
            async with httpx.AsyncClient(base_url=served.base, trust_env=False, timeout=20) as client:
                answer = await client.post("/api/work-orders/", json={"title": title}, headers=headers)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
            continue
        if answer.status_code == 409:
            await asyncio.sleep(0.05)
            continue
        number: int = answer.raise_for_status().json()["work_order"]["id"]
        return number


async def order_all(served: Served, token: str, program: int) -> dict[str, int]:
    titles = [f"Order {program}.{number}" for number in range(ORDERS_EACH)]
    return {title: await order(served, token, title) for title in titles}


async def test_orders_asked_for_again_after_a_kill_are_made_once(served: Served, burst: Burst) -> None:
    await served.start()
    token = await signed_in(served, burst)
    async with asyncio.TaskGroup() as group:
        killing = group.create_task(kill_at_random(served))
        ordering = [group.create_task(order_all(served, token, program)) for program in range(PROGRAMS)]
    assert killing.done()
    answered = {title: number for task in ordering for title, number in task.result().items()}
    async with burst.database.transaction(burst.tenant_id) as tx:
        rows = (await tx.session.execute(select(WorkOrderRow.title, WorkOrderRow.id))).all()
    assert sorted((row.title, row.id) for row in rows) == sorted(answered.items())
    assert len(answered) == ORDERS_EACH * PROGRAMS
