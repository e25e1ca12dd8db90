"""A TCP proxy on the loopback address whose link can be cut, made a black hole, or slowed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto

PART = 65_536


class Weather(Enum):
    """How the link is."""

    CLEAR = auto()
    CUT = auto()
    """Connections are reset and new ones refused at once."""
    BLACK_HOLE = auto()
    """Connections stay open, new ones are accepted, and no byte comes through."""


class Proxy:
    """Carries bytes between clients and ``host:port``. ``delay_s`` is added to every part that passes."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.weather = Weather.CLEAR
        self.delay_s = 0.0
        self.port = 0
        self.passed = 0
        """Bytes carried in both directions."""

    async def cut(self, for_s: float | None = None) -> None:
        """Reset what is open and refuse what comes; with ``for_s`` the link is clear again after it."""
        self.weather = Weather.CUT
        self._open.set()
        for link in list(self._links):
            link.cancel()
        await self._then_clear(for_s)

    async def black_hole(self, for_s: float | None = None) -> None:
        """Carry nothing and say nothing; what was sent meanwhile arrives once the link is clear."""
        self.weather = Weather.BLACK_HOLE
        self._open.clear()
        await self._then_clear(for_s)

    def lead_to(self, port: int) -> None:
        """From now on new connections go there: a server has come back on another port."""
        self._port = port

    def clear(self) -> None:
        self.weather = Weather.CLEAR
        self._open.set()

    async def _then_clear(self, for_s: float | None) -> None:
        if for_s is not None:
            await asyncio.sleep(for_s)
            self.clear()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self._links):
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._carry_both(reader, writer)
        finally:
            self._links.discard(task)
            writer.transport.abort()

    async def _carry_both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather is Weather.CUT:
            return
        await self._passage()
        there, back = await asyncio.open_connection(self._host, self._port)
        try:
            ways = [
                asyncio.ensure_future(self._carry(reader, back)),
                asyncio.ensure_future(self._carry(there, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            back.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while part := await source.read(PART):
            await self._passage()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            target.write(part)
            await target.drain()
            self.passed += len(part)

    async def _passage(self) -> None:
        """Wait while the link is a black hole."""
        await self._open.wait()


@asynccontextmanager
async def proxied(host: str, port: int) -> AsyncGenerator[Proxy]:
    """A proxy to ``host:port`` until the end of the block; its own port is ``proxy.port``."""
    proxy = Proxy(host, port)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
