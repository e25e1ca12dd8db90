"""What goes wrong between a PI Web API and us, switched on and off while the server runs."""

import asyncio
from contextlib import suppress
from enum import StrEnum
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PiFault(StrEnum):
    """How every request is answered."""

    NONE = "none"
    BROKEN = "500"
    UNAVAILABLE = "503, asks for a rest"
    HASTE = "429"
    HASTE_WITH_REST = "429, asks for a rest"
    LATE = "no answer in time"
    CUT_SHORT = "JSON cut short"
    RESET = "connection reset within the answer"
    PAGE = "a page in place of JSON"
    ENDLESS = "an endless answer"


STATUS = {PiFault.BROKEN: 500, PiFault.UNAVAILABLE: 503, PiFault.HASTE: 429, PiFault.HASTE_WITH_REST: 429}
PART = b" " * 1_048_576


class Switch:
    """``fault`` in force, and when requests were refused by it (monotonic seconds)."""

    def __init__(self) -> None:
        self.fault = PiFault.NONE
        self.rest_s = 1
        self.refused_at: list[float] = []
        self._changed = asyncio.Event()

    def to(self, fault: PiFault) -> None:
        """Open channels break when a fault begins."""
        self.fault = fault
        self.refused_at.clear()
        if fault is not PiFault.NONE:
            self._changed.set()
            self._changed = asyncio.Event()

    async def broken(self) -> None:
        await self._changed.wait()


class FaultyPi:
    """ASGI middleware: lets everything through until the switch says otherwise."""

    def __init__(self, app: ASGIApp, switch: Switch) -> None:
        self._app, self._switch = app, switch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._channel(scope, receive, send)
        elif scope["type"] != "http" or self._switch.fault is PiFault.NONE:
            await self._app(scope, receive, send)
        else:
            self._switch.refused_at.append(monotonic())
            await self._refuse(self._switch.fault, scope, receive, send)

    async def _channel(self, scope: Scope, receive: Receive, send: Send) -> None:
        serving = asyncio.ensure_future(self._app(scope, receive, send))
        breaking = asyncio.ensure_future(self._switch.broken())
        await asyncio.wait([serving, breaking], return_when=asyncio.FIRST_COMPLETED)
        breaking.cancel()
        if not serving.done():
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            await send({"type": "websocket.close", "code": 1011})

    async def _refuse(self, fault: PiFault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault in STATUS:
            rest = [(b"retry-after", str(self._switch.rest_s).encode())] if "rest" in fault else []
            await _answer(send, STATUS[fault], b'{"Errors": ["of the tests"]}', rest)
        elif fault is PiFault.LATE:
            while (await receive())["type"] != "http.disconnect":
                pass
        elif fault is PiFault.PAGE:
            await _answer(send, 200, b"<html>Sign in</html>", [], b"text/html")
        elif fault is PiFault.ENDLESS:
            await send(_start(200, [], b"application/json"))
            for _ in range(64):
                await send({"type": "http.response.body", "body": PART, "more_body": True})
        else:
            await self._half(scope, receive, send, is_said=fault is PiFault.RESET)

    async def _half(self, scope: Scope, receive: Receive, send: Send, *, is_said: bool) -> None:
        """The first half of the true answer; ``is_said``: announced as the whole."""
        body = bytearray()

        async def take(message: Message) -> None:
            body.extend(message.get("body", b""))

        await self._app(scope, receive, take)
        length = [(b"content-length", str(len(body)).encode())] if is_said else []
        await send(_start(200, length, b"application/json"))
        half = bytes(body[: len(body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": is_said})
        if is_said:
            raise ConnectionResetError("of the tests")


def _start(status: int, headers: list[tuple[bytes, bytes]], kind: bytes) -> Message:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", kind), *headers],
    }


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    headers: list[tuple[bytes, bytes]],
    kind: bytes = b"application/json",
) -> None:
    await send(_start(status, headers, kind))
    await send({"type": "http.response.body", "body": body})
