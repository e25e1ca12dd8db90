"""``X-Request-ID`` in and out: every log line of a request names it, and the answer tells it."""

import re
import time
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from optria.kit.correlation import correlated
from optria.web.security import SAFE_METHODS

log = structlog.get_logger(__name__)

HEADER: Final = "X-Request-ID"
ALLOWED: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_of(headers: Headers) -> str:
    """The sender's id where it is one (letters, digits, ``._-``, at most 64), else a new one."""
    given = headers.get(HEADER, "")
    return given if ALLOWED.fullmatch(given) else uuid4().hex


class Correlated:
    """Gives every request and socket an id. Changes are logged at INFO, reads at DEBUG; never an address."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request_id, status, begun = request_id_of(Headers(scope=scope)), 500, time.perf_counter()

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with correlated(request=request_id):
            try:
                await self.app(scope, receive, with_id)
            finally:
                if scope["type"] == "http":
                    _tell(scope, status, time.perf_counter() - begun)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    tell = log.debug if scope["method"] in SAFE_METHODS else log.info
    route = getattr(scope.get("route"), "path", None)
    tell("request", method=scope["method"][:10], route=route, status=status, seconds=round(seconds, 3))
