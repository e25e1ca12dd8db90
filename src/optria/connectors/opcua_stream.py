"""The live stream of one attached server, with what history has of the time before."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asyncua import Client, ua

from optria.connectors.base import Link, LinkState, Seam, in_time_order, listed
from optria.connectors.high_water import HighWater
from optria.connectors.link import Gap
from optria.connectors.opcua_config import OpcUaConfig
from optria.connectors.opcua_errors import LinkLost
from optria.connectors.opcua_names import standard
from optria.connectors.opcua_publishing import Published, published
from optria.connectors.opcua_redundancy import HEALTHY
from optria.connectors.opcua_security import warn_again
from optria.connectors.opcua_session import keep_channel
from optria.connectors.opcua_subscription import SERVICE_LEVEL_HANDLE, Subscription, monitor, shortfall
from optria.connectors.opcua_values import TagNode, columns, read_raw
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import SampleBatch
from optria.kit import clock

PATIENT_ANSWER_S = 30.0
"""Of one request while the subscription's keep-alives tell that the server is there."""
REACH_BACK = timedelta(seconds=10)
"""A tag may have been sampled before the newest one of another tag, and not have come."""
NEAR = timedelta(minutes=5)
AHEAD = timedelta(minutes=5)
"""A source's clock may be ahead of ours."""
LOOK_AROUND_S = 5.0
DATES_EVERY_S = 6 * 3600.0
UNKNOWN = frozenset({"BadNodeIdUnknown", "BadNodeIdInvalid"})
NOTHING = SampleBatch.of([])


@dataclass(slots=True)
class Attachment:
    """A session with its subscription; both outlive a link for a while."""

    url: str
    client: Client
    nodes: list[TagNode]
    subscription: Subscription
    started_at: datetime | None
    """When the server was started; another one means that nothing of ours is left there."""
    level: int = 255
    since: datetime | None = None
    """Where its history was to begin."""
    is_monitored: bool = False
    lossy: set[int] = field(default_factory=set)
    """Tags of which history has yet to be read; what comes of them waits until then."""

    @property
    def kept_s(self) -> float:
        """How long the server keeps what it has for us after the link was cut."""
        return min(self.subscription.lifetime_s, self.client.session_timeout / 1000)


class Stream:
    """Receives without a pause; history is read beside that, and what comes meanwhile is held back."""

    def __init__(self, at: Attachment, config: OpcUaConfig, link: Link, mark: HighWater, seam: Seam) -> None:
        self._at, self._config, self._link, self._mark, self._seam = at, config, link, mark, seam
        self._is_lossy = asyncio.Event()
        self._drained = asyncio.Event()
        self._look_around = asyncio.Event()

    async def begin(
        self, since: datetime | None, find_better: Callable[[int], Awaitable[str | None]]
    ) -> None:
        """Subscribe, fetch history from ``since`` on, and pass on what comes until the link is lost."""
        for about in ("history", "lost"):
            self._link.warn(about, None)
        await self._run(self._subscribe_and_fill(since), find_better)

    async def go_on(self, find_better: Callable[[int], Awaitable[str | None]]) -> None:
        """Pass on what the server kept, and then what comes."""
        if self._at.lossy:
            self._is_lossy.set()
        self._at.subscription.drained = Counter()
        await self._run(self._drained.wait(), find_better)

    async def _run(
        self, first: Awaitable[object], find_better: Callable[[int], Awaitable[str | None]]
    ) -> None:
        if self._at.client.uaclient.protocol is not None:
            self._at.client.uaclient.protocol.timeout = PATIENT_ANSWER_S
        try:
            async with asyncio.TaskGroup() as group:
                for task in (self._receive(group), keep_channel(self._at.client), self._watch_dates()):
                    group.create_task(task)
                group.create_task(self._watch_level(find_better))
                await first
                self._link.enter(LinkState.CONNECTED)
                await self._mend()
        except BaseExceptionGroup as failures:
            raise _telling(failures) from None

    async def _mend(self) -> None:
        """Whenever the server had to drop samples: fetch them from its history."""
        while True:
            await self._is_lossy.wait()
            self._is_lossy.clear()
            await self._fill()
            self._link.enter(LinkState.CONNECTED)

    async def _fill(self) -> None:
        """Read history of the tags that lack it; also when the link is lost meanwhile they lack it still."""
        at = self._at
        await self._backfill([node for node in at.nodes if node[0] in at.lossy], at.since)
        if not self._is_lossy.is_set():
            at.lossy.clear()

    async def _subscribe_and_fill(self, since: datetime | None) -> None:
        at = self._at
        refused = await monitor(at.client, at.subscription, at.nodes, self._config)
        await self._watch_service_level()
        at.nodes = [node for node in at.nodes if node not in refused]
        at.since, at.is_monitored = since, True
        self._link.tags = len(at.nodes)
        self._name_missing(refused)
        self._link.warn("outage", shortfall(at.subscription, self._config))
        if not at.nodes:
            raise ConnectorUnavailable(
                f"None of the mapped tags exists on {at.url}. "
                "Check the external tag names of the signal mappings."
            )
        if since is None:
            self._seam.join(NOTHING)
        else:
            at.lossy |= {tag for tag, _node in at.nodes}
            await self._fill()

    async def _watch_service_level(self) -> None:
        if len(self._config.urls) > 1:
            node = (SERVICE_LEVEL_HANDLE, standard(ua.ObjectIds.Server_ServiceLevel))
            await monitor(self._at.client, self._at.subscription, [node], self._config)

    async def _receive(self, group: asyncio.TaskGroup) -> None:
        coming = published(self._at.client, self._at.subscription, self._at.url, group)
        async with aclosing(coming) as messages:
            async for message in messages:
                self._note_losses(message)
                self._pass_on(message)
                if self._at.subscription.drained is not None and not message.has_more:
                    self._has_drained()

    def _has_drained(self) -> None:
        """All that the server had kept has come."""
        self._at.subscription.drained = None
        self._drained.set()
        if not self._is_lossy.is_set():
            self._seam.join(NOTHING)

    def _note_losses(self, message: Published) -> None:
        lossy = {tag for tag, _node in self._at.nodes} if message.all_lossy else set(message.lossy)
        lossy.discard(SERVICE_LEVEL_HANDLE)
        if lossy:
            self._at.lossy |= lossy
            self._seam.hold()
            self._is_lossy.set()

    def _pass_on(self, message: Published) -> None:
        items = message.items
        if len(self._config.urls) > 1:
            self._note_level([value for handle, value in items if handle == SERVICE_LEVEL_HANDLE])
            items = [item for item in items if item[0] != SERVICE_LEVEL_HANDLE]
        self._seam.offer(columns(items, self._link.rejected))

    def _note_level(self, values: Sequence[ua.DataValue]) -> None:
        for value in values:
            level = value.Value.Value if value.Value is not None else None
            self._at.level = int(level) if isinstance(level, int) else 0
        if self._at.level < HEALTHY:
            self._look_around.set()

    async def _watch_level(self, find_better: Callable[[int], Awaitable[str | None]]) -> None:
        """While this server is not in full health: look for a better one of the set."""
        while True:
            await self._look_around.wait()
            other = await find_better(self._at.level) if self._at.level < HEALTHY else None
            if other is not None:
                raise ConnectorUnavailable(
                    f"The OPC UA server {self._at.url} has fallen to service level {self._at.level}; "
                    f"{other} is read instead.",
                    retry_after_s=0.0,
                )
            if self._at.level >= HEALTHY:
                self._look_around.clear()
            await asyncio.sleep(LOOK_AROUND_S)

    async def _watch_dates(self) -> None:
        while True:
            await asyncio.sleep(DATES_EVERY_S)
            policy = self._at.client.security_policy
            warn_again(self._link, policy.host_certificate, policy.peer_certificate)

    async def _backfill(self, nodes: Sequence[TagNode], since: datetime | None) -> None:
        link, mark = self._link, self._mark
        link.enter(LinkState.BACKFILLING)
        link.backfill_progress = 0.0
        parts: list[SampleBatch] = []
        without: set[int] = set()
        server, start, end = self._at.client.uaclient, self._start(since), clock.now() + AHEAD
        async for part, share in read_raw(server, nodes, start, end, link.rejected, without):
            parts.append(mark.beyond(part))
            link.backfill_progress = share
        gap = mark.gap(list(without))
        self._say_gap(gap, len(without))
        self._seam.join(in_time_order(SampleBatch.concat([gap, *parts])))

    def _start(self, since: datetime | None) -> datetime:
        """The newest sample known, in the source's own clock; ``since`` where that is too far back."""
        newest = self._mark.newest
        if newest is None:
            return since or clock.now()
        start = newest - REACH_BACK
        return since if since is not None and since - start > NEAR else start

    def _say_gap(self, gap: SampleBatch, without: int) -> None:
        if without:
            self._link.warn(
                "history",
                f"The server gives no history of {without} of {len(self._at.nodes)} signals; "
                "they are read from now on.",
            )
        newest = self._mark.newest
        if len(gap) and newest is not None:
            now = clock.now()
            self._link.gaps.append(Gap(newest, now, len(gap)))
            self._link.warn(
                "lost",
                f"Nothing is known of {len(gap)} signals from {newest:%Y-%m-%d %H:%M:%S} "
                f"to {now:%H:%M:%S} UTC: the server kept nothing of it.",
            )

    def _name_missing(self, refused: Mapping[TagNode, str]) -> None:
        """Add to the names that were not found the nodes refused, and say which both are."""
        unread = [(node.to_string(), why) for (_tag, node), why in refused.items() if why not in UNKNOWN]
        gone = [node.to_string() for (_tag, node), why in refused.items() if why in UNKNOWN]
        gone = [*self._link.missing, *gone]
        self._link.missing = (*gone, *(name for name, _why in unread))
        said = []
        if gone:
            said.append(f"The server has no node {listed(gone)}; the other signals are read.")
        if unread:
            names = listed([f"{name} ({why})" for name, why in unread])
            said.append(f"The server does not let us read {names}; the other signals are read.")
        self._link.warn("tags", " ".join(said) or None)


def _telling(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of several failures at once, that of the link: the others follow from it."""
    flat = [each for each in failures.exceptions if not isinstance(each, BaseExceptionGroup)]
    lost = [each for each in flat if isinstance(each, (LinkLost, OSError))]
    return (lost or flat or list(failures.exceptions))[0]
