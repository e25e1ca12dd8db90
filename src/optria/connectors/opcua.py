"""OPC UA (asyncua): one subscription, whole notifications as batches, status codes and source times kept."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from asyncua import Client, ua

from optria.connectors.allowed_hosts import EVERYWHERE, Reach
from optria.connectors.base import (
    BrowseEntry,
    BrowsePage,
    Emit,
    Link,
    LinkState,
    Probe,
    Remains,
    Seam,
    in_time_order,
)
from optria.connectors.config import read_config
from optria.connectors.high_water import HighWater
from optria.connectors.opcua_config import OpcUaConfig, host_and_port
from optria.connectors.opcua_errors import LinkLost, spoken
from optria.connectors.opcua_names import browse_entries, browse_page, find_nodes, standard
from optria.connectors.opcua_redundancy import best_endpoint, better_than
from optria.connectors.opcua_session import close, session, take_up, where_of
from optria.connectors.opcua_stream import Attachment, Stream
from optria.connectors.opcua_subscription import subscribe
from optria.connectors.opcua_values import TagNode, clock_difference_s, columns, read_raw
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import SampleBatch, SignalMapping
from optria.kit import clock
from optria.kit.certificates import fingerprint


@dataclass(slots=True)
class OpcUaRemains(Remains):
    """Up to when samples came, those that wait for history, and what the server may still keep for us."""

    mark: HighWater
    waiting: list[SampleBatch]
    attachment: Attachment | None
    kept_until: float
    """By the clock of the event loop."""
    link: Link


class OpcUaConnector:
    """One server, or the best of a redundant set. Trying again is the supervisor's.

    After a link was cut the next connector takes up the session that the server keeps, and receives what was
    queued there; where nothing is kept, history fills the gap, and what history does not have is marked.
    """

    def __init__(self, config: Mapping[str, object], home: Path, reach: Reach = EVERYWHERE) -> None:
        self._config = read_config(OpcUaConfig, config)
        self._home, self._reach = home, reach
        self.link = Link()
        self._remains: OpcUaRemains | None = None

    @property
    def remains(self) -> Remains | None:
        return self._remains

    def resume(self, remains: Remains | None) -> None:
        if isinstance(remains, OpcUaRemains):
            self._remains = remains
            self.link.take_over(remains.link)

    async def run(self, mappings: Sequence[SignalMapping], emit: Emit, since: datetime | None = None) -> None:
        self.link.enter(LinkState.CONNECTING)
        left, self._remains = self._remains, None
        mark = left.mark if left else HighWater([mapping.id for mapping in mappings])
        seam = self._seam(mark, emit, left)
        at = left.attachment if left and asyncio.get_running_loop().time() < left.kept_until else None
        kept_until = left.kept_until if left else 0.0
        try:
            is_kept = at is not None and await self._taken_up(at)
            if at is None or not is_kept:
                at = await self._attach(mappings)
            kept_until = 0.0
            await self._stream(at, mark, seam, since, is_kept=is_kept)
        except ConnectorUnavailable as error:
            if not isinstance(error, LinkLost) or (at is not None and not at.is_monitored):
                at = None
            kept_until = kept_until or asyncio.get_running_loop().time() + (at.kept_s if at else 0.0)
            self._remains = OpcUaRemains(mark, seam.waiting, at, kept_until, self.link)
            self._give_up(error, at)
            raise
        except BaseException:
            if at is not None:
                await close(at.client)
            raise

    def _give_up(self, error: ConnectorUnavailable, at: Attachment | None) -> None:
        self.link.lost(str(error))
        if at is not None:
            at.client.disconnect_socket()
        elif isinstance(error, LinkLost):
            error.retry_after_s = None

    def _seam(self, mark: HighWater, emit: Emit, left: OpcUaRemains | None) -> Seam:
        """Lets nothing pass yet; what waited for history before waits on."""
        before = mark.copy()

        def pass_on(batch: SampleBatch) -> None:
            batch = before.not_again(batch)
            if len(batch):
                mark.note(batch)
                emit(batch)

        seam = Seam(pass_on, self.link, hold=True)
        for batch in left.waiting if left else ():
            seam.offer(batch)
        return seam

    async def _stream(
        self, at: Attachment, mark: HighWater, seam: Seam, since: datetime | None, *, is_kept: bool
    ) -> None:
        stream = Stream(at, self._config, self.link, mark, seam)
        is_first = at.url == self._config.endpoint_url
        self.link.warn("endpoint", None if is_first else f"Of the redundant set {at.url} is read.")

        async def find_better(level: int) -> str | None:
            return await better_than(level, at.url, self._config, self._home, self._reach)

        with spoken(where_of(at.url)):
            await (stream.go_on(find_better) if is_kept else stream.begin(since, find_better))

    async def _attach(self, mappings: Sequence[SignalMapping]) -> Attachment:
        """A new session and subscription at the best server; nothing is left open when that fails."""
        endpoint = await best_endpoint(self._config, self._home, self._reach, self.link)
        client = endpoint.client
        try:
            with spoken(where_of(endpoint.url)):
                started_at = await _started_at(client)
                nodes = await self._find(client, mappings)
                subscription = await subscribe(client.uaclient.session, self._config)
        except BaseException:
            await close(client)
            raise
        return Attachment(endpoint.url, client, nodes, subscription, started_at, endpoint.level)

    async def _taken_up(self, at: Attachment) -> bool:
        """Whether the session goes on; with a redundant set also a server out of reach is left behind."""
        try:
            await take_up(at.client, self._config, at.url, self._reach)
            if await _started_at(at.client) == at.started_at:
                self.link.tags = len(at.nodes)
                return True
        except ua.UaError:
            pass
        except (OSError, TimeoutError, ConnectorUnavailable):
            if len(self._config.urls) == 1:
                with spoken(where_of(at.url)):
                    raise
        at.client.disconnect_socket()
        return False

    async def _find(self, client: Client, mappings: Sequence[SignalMapping]) -> list[TagNode]:
        names = [mapping.external_tag for mapping in mappings]
        found = await find_nodes(client.uaclient, names, self._config.namespace_filter)
        self.link.missing = tuple(name for name in names if name not in found)
        return [(m.id, found[m.external_tag]) for m in mappings if m.external_tag in found]

    async def check_address(self) -> None:
        for url in self._config.urls:
            await self._reach.check(*host_and_port(url), must_be_known=False)

    async def probe(self) -> Probe:
        try:
            async with session(self._config, self._home, self._reach, self.link) as client:
                started = asyncio.get_running_loop().time()
                status = await client.get_node(standard(ua.ObjectIds.Server_ServerStatus)).read_value()
                took_ms, ours = (asyncio.get_running_loop().time() - started) * 1000, clock.now()
                certificate = client.security_policy.peer_certificate
        except ConnectorUnavailable as error:
            return Probe(False, str(error))
        product = status.BuildInfo.ProductName or "OPC UA server"
        details: dict[str, str | int | float | bool] = {
            "state": status.State.name,
            "server_time": status.CurrentTime.isoformat(),
            "answer_ms": round(took_ms, 1),
            "security": self._config.security_mode,
            "clock_difference_s": clock_difference_s(status.CurrentTime, ours, took_ms / 1000),
        }
        if certificate:
            details["server_certificate_sha256"] = fingerprint(certificate)
        running = status.State == ua.ServerState.Running
        return Probe(running, f"Connected to {product}, which is {status.State.name.lower()}.", details)

    async def browse(self, node: str | None) -> list[BrowseEntry]:
        async with session(self._config, self._home, self._reach) as client:
            return await browse_entries(client.uaclient, _start(node))

    async def browse_page(self, node: str | None, offset: int, limit: int) -> BrowsePage:
        async with session(self._config, self._home, self._reach) as client:
            return await browse_page(client.uaclient, _start(node), offset, limit)

    async def read_latest(self, mappings: Sequence[SignalMapping]) -> SampleBatch:
        async with session(self._config, self._home, self._reach) as client:
            nodes = await self._find(client, mappings)
            if not nodes:
                return SampleBatch.of([])
            values = await client.uaclient.read_attributes([node for _, node in nodes], ua.AttributeIds.Value)
            known = [
                (tag, v)
                for (tag, _node), v in zip(nodes, values, strict=True)
                if v.StatusCode is None or v.StatusCode.value != ua.StatusCodes.BadNodeIdUnknown
            ]
            return columns(known, self.link.rejected)

    async def read_history(
        self, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> SampleBatch:
        async with session(self._config, self._home, self._reach) as client:
            nodes = await self._find(client, mappings)
            answers = read_raw(client.uaclient, nodes, start, end, self.link.rejected)
            return in_time_order(SampleBatch.concat([part async for part, _share in answers]))


def _start(node: str | None) -> ua.NodeId:
    return ua.NodeId.from_string(node) if node else standard(ua.ObjectIds.ObjectsFolder)


async def _started_at(client: Client) -> datetime | None:
    """When the server was started; None where it does not say."""
    (value,) = await client.uaclient.read_attributes(
        [standard(ua.ObjectIds.Server_ServerStatus_StartTime)], ua.AttributeIds.Value
    )
    started = value.Value.Value if value.Value is not None else None
    return started if isinstance(started, datetime) else None
