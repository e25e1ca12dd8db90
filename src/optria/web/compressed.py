"""Text is sent compressed: the built assets from memory, the pages as they are made (decision 0026).

Nothing else is: the socket of values is not HTTP, and JSON of the API may carry a secret that is shown once.
"""

import gzip
from functools import cache
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TEXT_ENDINGS: Final = (".js", ".css", ".svg", ".json", ".txt")
LEAST_BYTES: Final = 512
PAGE_LEVEL: Final = 5
"""A page of 100 kB takes under 2 ms of the loop; level 9 takes three times that for 2 % less."""


def takes_gzip(scope: Scope) -> bool:
    offered = Headers(scope=scope).get("accept-encoding", "")
    return any(part.split(";")[0].strip() == "gzip" for part in offered.split(","))


@cache
def packed(file: Path, _written: float) -> bytes:
    """A built asset, compressed once for as long as it stays as it was written."""
    return gzip.compress(file.read_bytes(), 9, mtime=0)


class ImmutableFiles(StaticFiles):
    """Built assets under an address that changes with them: kept for ever, compressed where asked."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        if not path.endswith(TEXT_ENDINGS):
            return response
        response.headers["Vary"] = "Accept-Encoding"
        if response.status_code != 200 or scope["method"] != "GET" or not takes_gzip(scope):
            return response
        file, found = self.lookup_path(path)
        body = await run_in_threadpool(packed, Path(file), found.st_mtime if found else 0.0)
        kept = ("content-type", "cache-control", "vary", "last-modified")
        headers = {name: value for name, value in response.headers.items() if name in kept}
        return Response(body, headers=headers | {"Content-Encoding": "gzip"})


class CompressedPages:
    """Compresses answers that are HTML and come in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and takes_gzip(scope):
            send = _Page(send).send
        await self.app(scope, receive, send)


class _Page:
    """Holds the start of an answer back until its body is known."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            message = _compressed(start, message)
            await self._send(start)
        await self._send(message)


def _is_page(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers


def _compressed(start: Message, message: Message) -> Message:
    """The body of a page, compressed, with the headers of ``start`` told so; pieces stay as they are."""
    headers = MutableHeaders(raw=start["headers"])
    headers.add_vary_header("Accept-Encoding")
    body = message.get("body", b"")
    if message.get("more_body") or len(body) < LEAST_BYTES:
        return message
    body = gzip.compress(body, PAGE_LEVEL, mtime=0)
    headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(body))
    return {**message, "body": body}
