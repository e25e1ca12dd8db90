"""One subscription: what is asked of the server for an outage to be survived, and what it grants."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from asyncua import Client, ua
from asyncua.client.ua_session import UaSession

from optria.connectors.opcua_config import OpcUaConfig
from optria.connectors.opcua_values import TagNode

KEEP_ALIVE_S = 1.0
SILENCE_S = 3.0
"""A server that publishes nothing, not even a keep-alive, for this long is lost."""
LAST_LOOK_S = 0.5
"""The end of that time is waited for by itself: if it was we who stood still, what arrived is read first."""
LONGEST_QUEUE = 10_000
SERVICE_LEVEL_HANDLE = 0
"""Client handle of the server's ServiceLevel; tags have ids from 1."""
LAST_SEQUENCE = 2**32 - 1


@dataclass(slots=True)
class Subscription:
    """A subscription of a session; it outlives a link, as long as the server keeps both."""

    id: int
    period_s: float
    lifetime_s: float
    keep_alive_s: float
    asked_queue: int
    sequence: int = 0
    """The number of the last message that was received."""
    shorter_queues: dict[int, int] = field(default_factory=dict)
    """Granted samples of each tag for which they are fewer than asked."""
    drained: Counter[int] | None = None
    """Samples of each tag since the link came back, until all that waited has come."""

    @property
    def silence_s(self) -> float:
        return max(SILENCE_S, 3 * self.period_s, 2 * self.keep_alive_s + LAST_LOOK_S)

    @property
    def next_sequence(self) -> int:
        return self.sequence % LAST_SEQUENCE + 1

    def queue_of(self, tag: int) -> int:
        """How many samples of a tag the server keeps."""
        return self.shorter_queues.get(tag, self.asked_queue)


def publishing_s(config: OpcUaConfig) -> float:
    """A quarter of the sampling interval, 50 to 500 ms: it is half of a live value's delay."""
    return min(max(config.interval_s / 4, 0.05), 0.5)


def queue_size(config: OpcUaConfig) -> int:
    """Samples of one tag over the outage that is to be survived, with a tenth to spare."""
    return min(max(math.ceil(1.1 * config.outage_s / config.interval_s), 10), LONGEST_QUEUE)


async def subscribe(session: UaSession, config: OpcUaConfig) -> Subscription:
    period_ms = publishing_s(config) * 1000
    parameters = ua.CreateSubscriptionParameters(
        RequestedPublishingInterval=period_ms,
        RequestedLifetimeCount=max(math.ceil(config.outage_s * 1000 / period_ms), 60),
        RequestedMaxKeepAliveCount=max(1, round(KEEP_ALIVE_S * 1000 / period_ms)),
        MaxNotificationsPerPublish=0,
        PublishingEnabled=True,
        Priority=0,
    )
    granted = await session.create_subscription(parameters, _nobody)
    period_s = granted.RevisedPublishingInterval / 1000
    return Subscription(
        granted.SubscriptionId,
        period_s,
        granted.RevisedLifetimeCount * period_s,
        granted.RevisedMaxKeepAliveCount * period_s,
        queue_size(config),
    )


def _nobody(_result: ua.PublishResult) -> None:
    """asyncua wants a callback; what is published is read by ``opcua_publishing``."""


async def monitor(
    client: Client, subscription: Subscription, nodes: Sequence[TagNode], config: OpcUaConfig
) -> dict[TagNode, str]:
    """Ask for every sample of the nodes, in parts; back come those refused, and why."""
    refused: dict[TagNode, str] = {}
    size = max(config.max_tags_per_scan, 1)
    for start in range(0, len(nodes), size):
        refused |= await _monitor(client, subscription, nodes[start : start + size], config)
    return refused


async def _monitor(
    client: Client, subscription: Subscription, nodes: Sequence[TagNode], config: OpcUaConfig
) -> dict[TagNode, str]:
    """Also a sample that only refreshes the time is asked for, where the server can filter so."""
    refused: list[TagNode] = list(nodes)
    why: dict[TagNode, str] = {}
    for trigger in (ua.DataChangeTrigger.StatusValueTimestamp, None):
        if refused:
            request = ua.CreateMonitoredItemsParameters(
                SubscriptionId=subscription.id,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=[_item(tag, node, trigger, config) for tag, node in refused],
            )
            answers = await client.uaclient.create_monitored_items(request)
            answered = list(zip(refused, answers, strict=True))
            _note_queues(subscription, answered)
            why = {node: answer.StatusCode.name for node, answer in answered if answer.StatusCode.is_bad()}
            refused = list(why)
    return why


def _note_queues(
    subscription: Subscription, answered: Sequence[tuple[TagNode, ua.MonitoredItemCreateResult]]
) -> None:
    for (tag, _node), answer in answered:
        if answer.StatusCode.is_good() and answer.RevisedQueueSize < subscription.asked_queue:
            subscription.shorter_queues[tag] = answer.RevisedQueueSize


def _item(
    tag: int, node: ua.NodeId, trigger: ua.DataChangeTrigger | None, config: OpcUaConfig
) -> ua.MonitoredItemCreateRequest:
    """The client handle is the tag's id, so a notification needs no lookup."""
    asked = ua.MonitoringParameters(
        ClientHandle=tag,
        SamplingInterval=config.interval_s * 1000,
        QueueSize=queue_size(config),
        DiscardOldest=True,
    )
    if trigger is not None:
        asked.Filter = ua.DataChangeFilter(Trigger=trigger, DeadbandType=0, DeadbandValue=0.0)
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=asked,
    )


def shortfall(subscription: Subscription, config: OpcUaConfig) -> str | None:
    """What the server grants less than an outage needs, as a sentence."""
    survives_s = subscription.lifetime_s
    if subscription.shorter_queues:
        survives_s = min(survives_s, min(subscription.shorter_queues.values()) * config.interval_s)
    if survives_s >= config.outage_s * 0.99:
        return None
    return (
        f"The server keeps samples for {survives_s:.0f} s of a cut link, not for the {config.outage_s:.0f} s "
        "asked for; after a longer one they are fetched from its history."
    )
