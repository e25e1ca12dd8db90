"""What a stranger may send."""

from collections.abc import AsyncGenerator

import pytest
from starlette.exceptions import HTTPException

from optria.web.limits import ATTEMPT_WINDOW_S, MAX_BODY_BYTES, LoginThrottle
from tests.web.house import House

JSON = {"content-type": "application/json"}


async def _chunks(size: int) -> AsyncGenerator[bytes]:
    for _ in range(0, size, 65_536):
        yield b" " * 65_536


async def test_an_announced_body_that_is_too_large_is_refused(house: House) -> None:
    async with house.client() as browser:
        answer = await browser.post("/api/auth/login", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON)
    assert answer.status_code == 413


async def test_a_chunked_body_that_is_too_large_is_refused(house: House) -> None:
    async with house.client() as browser:
        answer = await browser.post("/api/auth/login", content=_chunks(2 * MAX_BODY_BYTES), headers=JSON)
    assert answer.status_code == 413


async def test_a_body_below_the_limit_is_read(house: House) -> None:
    async with house.client() as browser:
        answer = await browser.post("/api/auth/login", content=_chunks(MAX_BODY_BYTES // 2), headers=JSON)
    assert answer.status_code == 422


def _attempts(throttle: LoginThrottle, accounts: list[str], address: str = "10.0.0.1") -> int:
    """How many of the attempts were let through."""
    refused = 0
    for account in accounts:
        try:
            throttle.admit(account, address)
        except HTTPException as error:
            refused += error.status_code == 429
    return len(accounts) - refused


def test_attempts_are_counted_per_account_and_per_address() -> None:
    throttle = LoginThrottle(lambda: 0.0)
    assert _attempts(throttle, ["a"] * 10) == 5
    assert _attempts(throttle, [f"b{i}" for i in range(40)]) == 25
    assert _attempts(throttle, ["c"], "10.0.0.2") == 1


def test_the_window_slides_and_success_forgets() -> None:
    now = [0.0]
    throttle = LoginThrottle(lambda: now[0])
    assert _attempts(throttle, ["a"] * 4) == 4
    throttle.succeeded("a", "10.0.0.1")
    assert _attempts(throttle, ["a"] * 9) == 5
    now[0] = ATTEMPT_WINDOW_S + 1
    assert _attempts(throttle, ["a"] * 9) == 5


def test_a_control_room_that_signs_in_behind_one_address_is_not_kept_out() -> None:
    throttle = LoginThrottle(lambda: 0.0)
    for number in range(100):
        throttle.admit(f"operator{number}", "10.0.0.1")
        throttle.succeeded(f"operator{number}", "10.0.0.1")
    assert _attempts(throttle, [f"guess{i}" for i in range(40)]) == 30


def test_a_right_password_between_does_not_give_more_guesses() -> None:
    throttle = LoginThrottle(lambda: 0.0)
    guessed = 0
    for number in range(40):
        guessed += _attempts(throttle, [f"victim{number}"])
        if _attempts(throttle, ["own"]):
            throttle.succeeded("own", "10.0.0.1")
    assert guessed == 30


def test_the_memory_of_attempts_is_bounded() -> None:
    now = [0.0]
    throttle = LoginThrottle(lambda: now[0])
    for number in range(30_000):
        now[0] = number
        throttle.admit(f"account{number}", f"address{number}")
    assert len(throttle._attempts) < 21_000


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "' OR 1=1 --"])
async def test_odd_text_is_inert(house: House, text: str) -> None:
    async with house.client() as browser:
        body = f'{{"email": "{text}", "password": "{text}"}}'
        answer = await browser.post("/api/auth/login", content=body, headers=JSON)
    assert answer.status_code in (401, 422)
