"""``X-Request-ID``: taken where it is one, made where not, told in the answer and in every log line."""

import json
from collections.abc import Iterator

import pytest
import structlog

from optria.core.roles import Role
from optria.kit import logs
from tests.web.house import House


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


async def test_the_senders_id_comes_back_and_stands_in_the_log(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", json=True)
    async with house.client(Role.ENGINEER) as browser:
        answer = await browser.post("/api/auth/logout", headers={"X-Request-ID": "proxy-7.a_b"})
    assert answer.headers["x-request-id"] == "proxy-7.a_b"
    lines = [json.loads(each) for each in capsys.readouterr().err.splitlines() if each.startswith("{")]
    (said,) = [each for each in lines if each["event"] == "request"]
    assert (said["request"], said["method"], said["status"]) == ("proxy-7.a_b", "POST", answer.status_code)
    assert said["route"] == "/api/auth/logout"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "\x1b[31m", "a;b", "é", '{"x":1}'])
async def test_what_is_no_id_is_replaced(house: House, given: str) -> None:
    async with house.client() as browser:
        answer = await browser.get("/health/live", headers={b"x-request-id": given.encode()})
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"].isalnum()


async def test_requests_have_ids_of_their_own(house: House) -> None:
    async with house.client() as browser:
        ids = [(await browser.get("/health/live")).headers["x-request-id"] for _ in range(3)]
    assert len(set(ids)) == 3
