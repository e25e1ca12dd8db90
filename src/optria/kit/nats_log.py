"""The log over NATS JetStream: one stream per installation, a subject per partition.

Positions are the sequence numbers of the stream; who has read what is remembered where the state is, not by
the broker. At an edge site the same stream lives in a leaf node (a JetStream domain of its own) and is drawn
from there into the one of the centre: while the link is down it grows, afterwards it is caught up in order.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Final

import nats
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ExternalStream, StreamConfig, StreamSource
from nats.js.errors import APIError, NotFoundError

from optria.core.errors import LogUnavailable
from optria.kit.log import partition_of

log = structlog.get_logger(__name__)

STREAM: Final = "OPTRIA"
SUBJECT: Final = "optria.log"
ANSWER_S: Final = 2.0
LOOK_S: Final = 0.1
"""Between two looks at a partition that has nothing new."""
SAME_S: Final = 600.0
"""A message that comes again within this time is known."""
LOST: Final = (NatsError, OSError, TimeoutError, asyncio.TimeoutError)


async def connected(url: str, name: str) -> Client:
    """A connection that is made anew for ever; the first one must come about.

    Raises:
        LogUnavailable: nobody answers at ``url``.
    """

    async def told(error: Exception) -> None:
        log.debug("broker_error", error=str(error))

    try:
        return await nats.connect(
            url,
            name=name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,
            connect_timeout=ANSWER_S,
            allow_reconnect=True,
            error_cb=told,
        )
    except LOST as error:
        raise LogUnavailable(f"No NATS server answers at {url} ({error}). Is it running?") from error


class NatsLog:
    """A :class:`optria.kit.log.Log`. ``edges`` are the JetStream domains that messages are drawn from."""

    def __init__(
        self, client: Client, partitions: int, max_bytes: int, edges: Sequence[str] = (), domain: str = ""
    ) -> None:
        self.partitions = partitions
        self._client = client
        self._stream: JetStreamContext = client.jetstream(timeout=ANSWER_S, domain=domain or None)
        self._edges, self._max_bytes = edges, max_bytes

    async def open(self) -> None:
        """Make the stream if it is not there.

        Raises:
            LogUnavailable: the server does not answer, or has no JetStream.
        """
        config = StreamConfig(
            name=STREAM,
            subjects=[f"{SUBJECT}.*"],
            max_bytes=self._max_bytes,
            duplicate_window=SAME_S,
            sources=[_edge(domain) for domain in self._edges] or None,
        )
        try:
            try:
                await self._stream.stream_info(STREAM)
                await self._stream.update_stream(config)
            except NotFoundError:
                await self._stream.add_stream(config)
        except LOST as error:
            raise LogUnavailable(
                f"The NATS server keeps no stream ({error}). Start it with JetStream (`nats-server -js`)."
            ) from error

    async def append(self, key: str, msg_id: str, data: bytes) -> None:
        subject = f"{SUBJECT}.{partition_of(key, self.partitions)}"
        try:
            await self._stream.publish(
                subject, data, timeout=ANSWER_S, stream=STREAM, headers={"Nats-Msg-Id": msg_id}
            )
        except LOST as error:
            raise LogUnavailable(f"The log took no message ({error}). It is sent again.") from error

    async def read(self, partition: int, after: int) -> AsyncIterator[tuple[int, bytes]]:
        """Through any outage of the broker: it goes on after the last message that was read."""
        subject = f"{SUBJECT}.{partition}"
        while True:
            try:
                message = await self._stream.get_msg(STREAM, seq=after + 1, subject=subject, next=True)
            except (*LOST, APIError, json.JSONDecodeError):  # nothing new, or nobody there
                await asyncio.sleep(LOOK_S)
                continue
            after = message.seq or after
            yield after, message.data or b""


def _edge(domain: str) -> StreamSource:
    return StreamSource(name=STREAM, external=ExternalStream(api=f"$JS.{domain}.API"))
