"""One live socket: a reader (which also notices that the browser left), a writer, a watch on the session."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from optria.web.mailbox import Mailbox

HEARTBEAT: Final = '[{"op":"hb"}]'
SIGNED_OUT: Final = 4401
TRY_LATER: Final = 1013
MALFORMED: Final = 1007
TOO_SLOW: Final = 1008


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds between ticks, heartbeats and session checks, and how many connections; shorter in tests."""

    tick_s: float = 0.5
    heartbeat_s: float = 5.0
    send_timeout_s: float = 5.0
    session_check_s: float = 60.0
    max_connections: int = 2_000
    max_per_user: int = 50


class LeaveError(Exception):
    """Ends the connection with a close code; None when the browser has left already."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Connection:
    """Carries a mailbox to the browser and the browser's words to ``heard``, until either side leaves.

    ``is_welcome`` is asked at intervals whether the session still holds.
    """

    def __init__(
        self,
        socket: WebSocket,
        mailbox: Mailbox,
        timing: Timing,
        heard: Callable[[Mapping[str, object]], None],
        is_welcome: Callable[[], Awaitable[bool]],
    ) -> None:
        self._socket = socket
        self._mailbox = mailbox
        self._timing = timing
        self._heard = heard
        self._is_welcome = is_welcome
        self._session_ended = asyncio.Event()
        self.frames_sent = 0

    @property
    def overflows(self) -> int:
        """How often events that waited became a snapshot."""
        return self._mailbox.overflows

    def end_session(self) -> None:
        """Close with :data:`SIGNED_OUT` at once: the session is known to be over."""
        self._session_ended.set()

    async def run(self) -> None:
        """Serve the accepted socket, and close it where the browser has not."""
        code: int | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                tasks.create_task(self._write())
                tasks.create_task(self._watch())
        except* LeaveError as leaving:
            code = _first_code(leaving)
        except* WebSocketDisconnect:
            pass
        if code is not None:
            await close(self._socket, code)

    async def _read(self) -> None:
        while True:
            frame = await self._socket.receive()
            if frame["type"] == "websocket.disconnect":
                raise LeaveError(None)
            self._heard(_parse(frame.get("text")))

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        heartbeat_at = loop.time() + self._timing.heartbeat_s
        while True:
            text = self._mailbox.take()
            if text is None:
                if loop.time() < heartbeat_at:
                    await _news_until(self._mailbox, heartbeat_at)
                    continue
                text = HEARTBEAT
            await self._send(text)
            heartbeat_at = loop.time() + self._timing.heartbeat_s

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(self._timing.send_timeout_s):
                await self._socket.send_text(text)
        except TimeoutError as error:
            raise LeaveError(TOO_SLOW) from error
        self.frames_sent += 1

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.session_check_s):
                    await self._session_ended.wait()
            if self._session_ended.is_set() or not await self._is_welcome():
                raise LeaveError(SIGNED_OUT)


async def close(socket: WebSocket, code: int) -> None:
    """Say why and hang up; a browser that does not listen is not waited for."""
    if socket.client_state is not WebSocketState.CONNECTED:
        return
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(1.0):
            await socket.close(code)


def _parse(text: object) -> Mapping[str, object]:
    try:
        asked = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise LeaveError(MALFORMED)
    return asked


async def _news_until(mailbox: Mailbox, deadline: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            await mailbox.news()


def _first_code(leaving: BaseExceptionGroup[LeaveError]) -> int | None:
    codes = [error.code for error in leaving.exceptions if isinstance(error, LeaveError)]
    return next((code for code in codes if code is not None), None)
