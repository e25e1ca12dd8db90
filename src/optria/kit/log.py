"""A log that can be read again from any position, and live values that may be lost: in this process.

Over NATS the same two interfaces are :mod:`optria.kit.nats_log`; nobody needs a broker to begin with.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Protocol
from zlib import crc32


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, such as ``tenant/asset``: the same on every machine and for ever."""
    return crc32(key.encode()) % partitions


class Log(Protocol):
    """Messages in order per partition. A ``msg_id`` that comes again within minutes is kept once."""

    partitions: int

    async def append(self, key: str, msg_id: str, data: bytes) -> None:
        """Keep a message; returns once it is safe.

        Raises:
            LogUnavailable: it may not be; append it again, with the same ``msg_id``.
        """

    def read(self, partition: int, after: int) -> AsyncIterator[tuple[int, bytes]]:
        """The messages of a partition after a position with their positions, for ever."""


class Live(Protocol):
    """The newest of each subject, for whoever listens: lossy and conflating."""

    async def publish(self, subject: str, data: bytes) -> None:
        """Send to those who listen now."""

    def subscribe(self, pattern: str, maxlen: int) -> AsyncIterator[bytes]:
        """What is published from now on; beyond ``maxlen`` that wait the oldest are dropped."""


class MemoryLog:
    """Within one process; bounded: beyond ``capacity`` messages of a partition the oldest go."""

    def __init__(self, partitions: int = 1, capacity: int = 100_000) -> None:
        self.partitions = partitions
        self._kept = [deque[tuple[int, bytes]](maxlen=capacity) for _ in range(partitions)]
        self._known: deque[str] = deque(maxlen=capacity)
        self._position = 0
        self._news = asyncio.Event()

    async def append(self, key: str, msg_id: str, data: bytes) -> None:
        if msg_id in self._known:
            return
        self._known.append(msg_id)
        self._position += 1
        self._kept[partition_of(key, self.partitions)].append((self._position, data))
        self._news.set()
        self._news = asyncio.Event()

    async def read(self, partition: int, after: int) -> AsyncIterator[tuple[int, bytes]]:
        while True:
            news = self._news
            for position, data in list(self._kept[partition]):
                if position > after:
                    after = position
                    yield position, data
            await news.wait()


class MemoryLive:
    """Within one process."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[asyncio.Queue[bytes]]] = defaultdict(list)

    async def publish(self, subject: str, data: bytes) -> None:
        for pattern, queues in self._listeners.items():
            if fnmatchcase(subject, pattern):
                for queue in queues:
                    offer(queue, data)

    async def subscribe(self, pattern: str, maxlen: int) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue(maxlen)
        self._listeners[pattern].append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners[pattern].remove(queue)


def offer(queue: asyncio.Queue[bytes], data: bytes) -> None:
    """Put it in; the oldest makes room."""
    if queue.full():
        with suppress(asyncio.QueueEmpty):
            queue.get_nowait()
    queue.put_nowait(data)
