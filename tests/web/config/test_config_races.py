"""Two administrators at the same moment: one of them is told that the other was first."""

import asyncio
from pathlib import Path

import pytest

from optria.core.roles import Role
from optria.db.session import Database
from optria.web.shapes import Json
from tests.web.house import House, build
from tests.web.settings import ask, done, items, second_admin


@pytest.fixture
async def committed(database: Database, tmp_path: Path) -> House:
    """A house in a database of its own, where transactions really run side by side."""
    return await build(database, home=tmp_path)


async def at_once(house: House, method: str, *asked: tuple[str, Json | None]) -> list[int]:
    """The statuses of requests by two administrators in turn, sent together."""
    people = [house.own.users[Role.TENANT_ADMIN], await second_admin(house)]
    for person in people:
        await house.token(person)
    sent = [ask(house, method, path, body, people[place % 2]) for place, (path, body) in enumerate(asked)]
    return sorted(answer.status_code for answer in await asyncio.gather(*sent))


async def test_of_two_equal_limits_one_comes_into_force(committed: House) -> None:
    limit: Json = {"metric": "flow", "direction": "low", "limit_value": 3, "severity": "MAJOR"}
    rivals = [await done(committed, "POST", "thresholds", limit) for _ in range(4)]
    statuses = await at_once(
        committed, "POST", *((f"thresholds/{row['id']}/approve", None) for row in rivals)
    )
    assert statuses == [200, 409, 409, 409]
    assert len(await items(committed, "thresholds?status=in_force&metric=flow")) == 1


async def test_a_proposal_is_decided_once(committed: House) -> None:
    row = await done(committed, "POST", "cost-references", {"cost_per_hour": 10})
    path = f"cost-references/{row['id']}"
    statuses = await at_once(
        committed, "POST", (f"{path}/approve", None), (f"{path}/reject", {"reason": "No"})
    )
    assert statuses == [200, 409]


async def test_a_window_set_by_two_is_one_window(committed: House) -> None:
    bodies: list[Json] = [{"before_minutes": m, "after_minutes": 10} for m in (20, 40, 60)]
    assert await at_once(committed, "PUT", *(("windows", body) for body in bodies)) == [200, 200, 200]
    assert len(await items(committed, "windows")) == 1


async def test_a_name_is_given_to_one_rule(committed: House) -> None:
    rule: Json = {
        "name": "Low flow",
        "root_cause_category": "Seal Leak",
        "pattern": {"all": [{"metric": "flow", "direction": "low"}]},
    }
    assert await at_once(committed, "POST", ("rules", rule), ("rules", rule)) == [201, 409]
