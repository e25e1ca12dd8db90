"""Several whole servers, and requests to them that are all sent before the first answer is read."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from tests.fakes.prefork import Born, Prefork
from tests.faults.storm import PROCESSES


@asynccontextmanager
async def servers(forks: Prefork, url: str, home: Path, number: int) -> AsyncGenerator[list[str]]:
    """Whole servers on one database; their addresses."""
    born: list[Born] = []
    for each in range(number):
        folder = home / str(each)
        born.append(await forks.begin(f"{PROCESSES}:serve", url=url, home=str(folder)))
    try:
        yield [await server.said() for server in born]
    finally:
        for server in born:
            server.send(signal.SIGTERM)
        for server in born:
            await server.gone()


class AtOnce:
    """HTTP requests that are all sent before the first answer is read."""

    def __init__(self) -> None:
        self._open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]] = []

    async def prepare(self, base: str, path: str, token: str) -> None:
        at = urlsplit(base)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        head = f"POST {path} HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {token}\r\n"
        self._open.append((reader, writer, f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()))

    async def send(self) -> list[tuple[int, Any]]:
        for _, writer, request in self._open:
            writer.write(request)
        return await asyncio.gather(*(self._answer(reader, writer) for reader, writer, _ in self._open))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, Any]:
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        return int(head.split()[1]), json.loads(body)


@asynccontextmanager
async def nothing_stored(owner_url: str) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """No analysis can be stored until what this gives is called."""
    connection = await asyncpg.connect(owner_url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("LOCK TABLE incident_analyses IN SHARE MODE")
        yield transaction.rollback
    finally:
        await connection.close()
