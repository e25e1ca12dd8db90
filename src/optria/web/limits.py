"""Bounds on what a stranger may send: body sizes, slow bodies, and guesses at passwords."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES: Final = 1_048_576
BODY_TIMEOUT_S: Final = 30.0
"""For the whole body, counted from when it is first asked for."""
ATTEMPT_WINDOW_S: Final = 15 * 60.0
ATTEMPTS_PER_ACCOUNT: Final = 5
ATTEMPTS_PER_ADDRESS: Final = 30
REMEMBERED_KEYS: Final = 20_000
TOO_LARGE: Final = f"The request is larger than {MAX_BODY_BYTES // 1024} KiB. Send less at a time."


class BodyLimit:
    """Refuses bodies over :data:`MAX_BODY_BYTES`, announced or chunked, with 413, and slow ones with 408."""

    def __init__(self, app: ASGIApp, body_timeout_s: float = BODY_TIMEOUT_S) -> None:
        self.app, self.body_timeout_s = app, body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif _announced(scope) > MAX_BODY_BYTES:
            await JSONResponse({"detail": TOO_LARGE}, 413)(scope, receive, send)
        else:
            await self.app(scope, _counted(receive, self.body_timeout_s), send)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _counted(receive: Receive, timeout_s: float) -> Receive:
    seen, complete, deadline = 0, False, 0.0

    async def counted() -> Message:
        nonlocal seen, complete, deadline
        if complete:
            return await receive()
        deadline = deadline or asyncio.get_running_loop().time() + timeout_s
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, "The request did not arrive in time.") from error
        seen += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        if seen > MAX_BODY_BYTES:
            raise HTTPException(413, TOO_LARGE)
        return message

    return counted


class LoginThrottle:
    """Counts sign-in attempts per account and per address over a sliding window.

    An attempt is counted before the password is hashed, which is the costly part. A success forgets the
    account's attempts and takes its own from those of the address: a control room shares one address. The
    counts are of this process: behind several, a guesser has as many times the attempts.
    """

    def __init__(self, clock_s: Callable[[], float] = monotonic) -> None:
        self._clock_s = clock_s
        self._attempts: dict[str, deque[float]] = {}

    def admit(self, account: str, address: str) -> None:
        """Count an attempt.

        Raises:
            HTTPException: 429 with ``Retry-After`` when there were too many.
        """
        now = self._clock_s()
        keys = ((f"a:{account}", ATTEMPTS_PER_ACCOUNT), (f"i:{address}", ATTEMPTS_PER_ADDRESS))
        wait_s = max(self._wait_s(key, limit, now) for key, limit in keys)
        if wait_s > 0:
            minutes = max(1, round(wait_s / 60))
            raise HTTPException(
                429,
                f"Too many attempts to sign in. Try again in {minutes} min.",
                headers={"Retry-After": str(int(wait_s) + 1)},
            )
        for key, _ in keys:
            self._attempts.setdefault(key, deque()).append(now)
        if len(self._attempts) > REMEMBERED_KEYS:
            self._forget_old(now)

    def succeeded(self, account: str, address: str) -> None:
        """Take back what :meth:`admit` counted for a right password."""
        self._attempts.pop(f"a:{account}", None)
        if attempts := self._attempts.get(f"i:{address}"):
            attempts.pop()

    def _wait_s(self, key: str, limit: int, now: float) -> float:
        attempts = self._attempts.get(key)
        while attempts and attempts[0] <= now - ATTEMPT_WINDOW_S:
            attempts.popleft()
        if not attempts or len(attempts) < limit:
            return 0.0
        return attempts[0] + ATTEMPT_WINDOW_S - now

    def _forget_old(self, now: float) -> None:
        oldest = now - ATTEMPT_WINDOW_S
        self._attempts = {k: v for k, v in self._attempts.items() if v and v[-1] > oldest}
