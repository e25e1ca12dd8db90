"""Publish and subscribe inside one process: bounded, never blocking the publisher."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from optria.core.messages import Message


class Subscription:
    """The mailbox of one subscriber. When it is full the newest message is dropped and counted,
    and ``overflowed`` tells the reader to start again from the database."""

    def __init__(self, size: int) -> None:
        self._queue: asyncio.Queue[Message] = asyncio.Queue(size)
        self.dropped = 0

    def put(self, message: Message) -> bool:
        """Whether there was room."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.dropped += 1
            return False
        return True

    async def get(self) -> Message:
        return await self._queue.get()

    def take_overflow(self) -> int:
        """How many messages were dropped since the last call."""
        dropped, self.dropped = self.dropped, 0
        return dropped


class Bus:
    """Fan-out of committed changes to every subscriber of this process.

    ``published`` counts them by topic and kind, ``dropped`` those that a subscriber had no room for.
    """

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self.published: Counter[tuple[str, str]] = Counter()
        self.dropped = 0

    def publish(self, message: Message) -> None:
        self.published[message.topic, message.kind] += 1
        for subscription in self._subscriptions:
            if not subscription.put(message):
                self.dropped += 1

    @asynccontextmanager
    async def subscribe(self, size: int = 10_000) -> AsyncGenerator[Subscription]:
        subscription = Subscription(size)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
