"""A log of samples that can be read again from any position.

Over NATS it is :mod:`optria.kit.nats_log`; one process alone needs none.
"""

from collections.abc import AsyncIterator
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
