"""OPC UA (asyncua): one subscription, whole notifications as batches, status codes and source times kept."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from asyncua import Client, ua

from optria.connectors.allowed_hosts import EVERYWHERE, Reach
from optria.connectors.base import (
    BrowseEntry,
    Emit,
    Link,
    LinkState,
    Probe,
    Seam,
    in_time_order,
    listed,
)
from optria.connectors.config import read_config
from optria.connectors.opcua_names import browse_entries, find_nodes, standard
from optria.connectors.opcua_session import OpcUaConfig, host_and_port, session
from optria.connectors.opcua_values import NO_HISTORY, TagNode, clock_difference_s, columns, read_raw
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import SampleBatch, SignalMapping
from optria.kit import clock
from optria.kit.certificates import fingerprint

KEEP_ALIVE_S = 1.0
SILENCE_S = 3.0
"""A server that publishes nothing, not even a keep-alive, for this long is lost."""
LAST_LOOK_S = 0.5
"""The end of that time is waited for by itself: if it was we who stood still, what arrived is read first."""
OUTAGE_S = 60.0
"""The server keeps the subscription and queues samples for an interruption of this length."""
UNKNOWN = frozenset({"BadNodeIdUnknown", "BadNodeIdInvalid"})

Published = asyncio.Queue[ua.PublishResult]


class OpcUaConnector:
    """One server. Reconnecting is the supervisor's; asyncua's own is off because it backfills nothing."""

    def __init__(self, config: Mapping[str, object], home: Path, reach: Reach = EVERYWHERE) -> None:
        self._config = read_config(OpcUaConfig, config)
        self._home, self._reach = home, reach
        self.link = Link()

    async def run(self, mappings: Sequence[SignalMapping], emit: Emit, since: datetime | None = None) -> None:
        self.link.enter(LinkState.CONNECTING)
        try:
            async with session(self._config, self._home, self._reach) as client:
                await self._stream(client, mappings, emit, since)
        except ConnectorUnavailable as error:
            self.link.lost(str(error))
            raise

    async def _stream(
        self, client: Client, mappings: Sequence[SignalMapping], emit: Emit, since: datetime | None
    ) -> None:
        nodes = await self._find(client, mappings)
        published: Published = asyncio.Queue()
        seam = Seam(emit, self.link, hold=since is not None)
        nodes = await self._subscribe(client, nodes, published)
        if since is not None:
            await self._backfill(client, nodes, published, seam, since)
        self.link.enter(LinkState.CONNECTED)
        while True:
            self._pass_on(await self._next(published), seam)

    async def _backfill(
        self, client: Client, nodes: Sequence[TagNode], published: Published, seam: Seam, since: datetime
    ) -> None:
        self.link.enter(LinkState.BACKFILLING)
        parts: list[SampleBatch] = []
        rejected = self.link.rejected
        refused_before = rejected[NO_HISTORY]
        async for part, share in read_raw(client.uaclient, nodes, since, clock.now(), rejected):
            parts.append(part)
            self.link.backfill_progress = share
            while not published.empty():
                self._pass_on(published.get_nowait(), seam)
        seam.join(in_time_order(SampleBatch.concat(parts)))
        if refused := rejected[NO_HISTORY] - refused_before:
            self.link.warn(
                "history",
                f"The server gives no history of {refused} of {len(nodes)} signals; "
                "they are read from now on.",
            )

    async def _next(self, published: Published) -> ua.PublishResult:
        silence_s = max(SILENCE_S, 3 * self._publishing_s)
        for patience_s in (silence_s - LAST_LOOK_S, LAST_LOOK_S):
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    return await published.get()
        raise ConnectorUnavailable(
            f"The OPC UA server {self._config.endpoint_url} has been silent for {silence_s:.0f} s, "
            "without even a keep-alive. Check the network and the server's load."
        )

    def _pass_on(self, result: ua.PublishResult, seam: Seam) -> None:
        for notification in result.NotificationMessage.NotificationData or ():
            if isinstance(notification, ua.DataChangeNotification):
                items = ((item.ClientHandle, item.Value) for item in notification.MonitoredItems)
                seam.offer(columns(items, self.link.rejected))
            elif isinstance(notification, ua.StatusChangeNotification):
                raise ConnectorUnavailable(
                    f"The OPC UA server {self._config.endpoint_url} ended the connection "
                    f"({notification.Status.name})."
                )

    @property
    def _publishing_s(self) -> float:
        """A quarter of the sampling interval, 50 to 500 ms: it is half of a live value's delay."""
        return min(max(self._config.interval_s / 4, 0.05), 0.5)

    async def _subscribe(
        self, client: Client, nodes: Sequence[TagNode], published: Published
    ) -> list[TagNode]:
        """Subscribe to the nodes that the server lets us read, which come back; the others are named."""
        period_ms = self._publishing_s * 1000
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=period_ms,
            RequestedLifetimeCount=math.ceil(OUTAGE_S * 1000 / period_ms),
            RequestedMaxKeepAliveCount=max(1, round(KEEP_ALIVE_S * 1000 / period_ms)),
            MaxNotificationsPerPublish=0,
            PublishingEnabled=True,
            Priority=0,
        )
        created = await client.uaclient.create_subscription(parameters, published.put_nowait)
        refused: dict[TagNode, str] = {}
        size = max(self._config.max_tags_per_scan, 1)
        for start in range(0, len(nodes), size):
            refused |= await self._monitor(client, created.SubscriptionId, nodes[start : start + size])
        self.link.tags = len(nodes) - len(refused)
        self._name_missing(refused)
        if not self.link.tags:
            raise ConnectorUnavailable(
                f"None of the mapped tags exists on {self._config.endpoint_url}. "
                "Check the external tag names of the signal mappings."
            )
        return [node for node in nodes if node not in refused]

    def _name_missing(self, refused: Mapping[TagNode, str]) -> None:
        """Add to the names that were not found the nodes refused, and say which both are."""
        unread = [(node.to_string(), why) for (_tag, node), why in refused.items() if why not in UNKNOWN]
        gone = [node.to_string() for (_tag, node), why in refused.items() if why in UNKNOWN]
        gone = [*self.link.missing, *gone]
        self.link.missing = (*gone, *(name for name, _why in unread))
        said = []
        if gone:
            said.append(f"The server has no node {listed(gone)}; the other signals are read.")
        if unread:
            names = listed([f"{name} ({why})" for name, why in unread])
            said.append(f"The server does not let us read {names}; the other signals are read.")
        self.link.warn("tags", " ".join(said) or None)

    async def _monitor(
        self, client: Client, subscription: int, nodes: Sequence[TagNode]
    ) -> dict[TagNode, str]:
        """Ask for every sample, also one that only refreshes the time; back come those refused, and why."""
        refused: list[TagNode] = list(nodes)
        why: dict[TagNode, str] = {}
        for trigger in (ua.DataChangeTrigger.StatusValueTimestamp, None):
            if refused:
                request = ua.CreateMonitoredItemsParameters(
                    SubscriptionId=subscription,
                    TimestampsToReturn=ua.TimestampsToReturn.Both,
                    ItemsToCreate=[self._item(tag, node, trigger) for tag, node in refused],
                )
                answers = await client.uaclient.create_monitored_items(request)
                answered = zip(refused, (answer.StatusCode for answer in answers), strict=True)
                why = {node: status.name for node, status in answered if status.is_bad()}
                refused = list(why)
        return why

    def _item(
        self, tag: int, node: ua.NodeId, trigger: ua.DataChangeTrigger | None
    ) -> ua.MonitoredItemCreateRequest:
        """The client handle is the tag's id, so a notification needs no lookup."""
        asked = ua.MonitoringParameters(
            ClientHandle=tag,
            SamplingInterval=self._config.interval_s * 1000,
            QueueSize=min(max(math.ceil(OUTAGE_S / self._config.interval_s), 10), 1000),
            DiscardOldest=True,
        )
        if trigger is not None:
            asked.Filter = ua.DataChangeFilter(Trigger=trigger, DeadbandType=0, DeadbandValue=0.0)
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=asked,
        )

    async def _find(self, client: Client, mappings: Sequence[SignalMapping]) -> list[TagNode]:
        names = [mapping.external_tag for mapping in mappings]
        found = await find_nodes(client.uaclient, names, self._config.namespace_filter)
        self.link.missing = tuple(name for name in names if name not in found)
        return [(m.id, found[m.external_tag]) for m in mappings if m.external_tag in found]

    async def check_address(self) -> None:
        await self._reach.check(*host_and_port(self._config), must_be_known=False)

    async def probe(self) -> Probe:
        try:
            async with session(self._config, self._home, self._reach) as client:
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
            start = ua.NodeId.from_string(node) if node else standard(ua.ObjectIds.ObjectsFolder)
            return await browse_entries(client.uaclient, start)

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
