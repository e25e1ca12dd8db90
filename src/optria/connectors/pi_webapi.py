"""PI Web API: history and latest values by REST, live values by channel or, where refused, by polling."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from optria.connectors.allowed_hosts import EVERYWHERE, Reach
from optria.connectors.base import (
    Advance,
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
from optria.connectors.pi_answers import decode
from optria.connectors.pi_client import (
    ChannelRefused,
    PiClient,
    PiConfig,
    RequestRefused,
    host_and_port,
    pi_client,
    short_queries,
)
from optria.connectors.pi_values import columns, items_of, streams_of
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import SampleBatch, SignalMapping, from_micros, to_micros
from optria.kit import clock

STREAMS_PER_HISTORY_READ = 5
VALUES_PER_STREAM = 2000
POINTS_LISTED = 1000
CLOCK_EVERY_S = 60.0

WebIds = Mapping[str, int]
"""WebId → tag id."""


class PiConnector:
    """One PI Web API and one data server behind it."""

    def __init__(self, config: Mapping[str, object], _home: Path, reach: Reach = EVERYWHERE) -> None:
        self._config = read_config(PiConfig, config)
        self._reach = reach
        self._known: dict[str, str] = {}
        self.link = Link()

    async def run(self, mappings: Sequence[SignalMapping], emit: Emit, since: datetime | None = None) -> None:
        self.link.enter(LinkState.CONNECTING)
        try:
            async with pi_client(self._config, self._reach) as client:
                await self._stream(client, mappings, emit, since)
        except ConnectorUnavailable as error:
            self.link.lost(str(error))
            raise

    async def _stream(
        self, client: PiClient, mappings: Sequence[SignalMapping], emit: Emit, since: datetime | None
    ) -> None:
        await self._read_clock(client)
        tags = await self._find(client, mappings)
        if not tags:
            raise ConnectorUnavailable(
                f"None of the mapped tags exists on {self._config.endpoint_url}. "
                "Check the external tag names of the signal mappings."
            )
        seam = Seam(emit, self.link, hold=since is not None)
        try:
            async with asyncio.TaskGroup() as group:
                for ids in short_queries(list(tags)):
                    group.create_task(self._follow(client, ids, tags, seam))
                group.create_task(self._watch_clock(client))
                if since is not None:
                    await self._backfill(client, tags, seam, since)
                self.link.enter(LinkState.CONNECTED)
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _watch_clock(self, client: PiClient) -> None:
        while True:
            await asyncio.sleep(CLOCK_EVERY_S)
            await self._read_clock(client)

    async def _read_clock(self, client: PiClient) -> None:
        """One small request; it is also what is tried first after a failure, before anything larger."""
        ahead_s = await client.clock_ahead_s()
        if ahead_s is not None:
            self.link.clock_ahead_s = ahead_s

    async def _backfill(self, client: PiClient, tags: WebIds, seam: Seam, since: datetime) -> None:
        """In the server's own times: a clock that is wrong leaves nothing out at either end."""
        self.link.enter(LinkState.BACKFILLING)
        ahead = timedelta(seconds=self.link.clock_ahead_s or 0.0)
        start, end = since + min(ahead, timedelta(0)), clock.now() + max(ahead, timedelta(0))
        seam.join(await self._recorded(client, tags, start, end))

    async def _follow(self, client: PiClient, ids: Sequence[str], tags: WebIds, seam: Seam) -> None:
        if self._config.use_channel:
            try:
                async with client.channel(ids) as socket:
                    await self._listen(socket, tags, seam)
            except ChannelRefused:
                self.link.rejected["channel refused, polling"] += 1
        await self._poll(client, ids, tags, seam)

    async def _listen(self, socket: ClientConnection, tags: WebIds, seam: Seam) -> None:
        try:
            while True:
                seam.offer(self._decoded(await socket.recv(), tags))
        except WebSocketException as error:
            raise ConnectorUnavailable(
                f"The channel of {self._config.endpoint_url} broke ({error})."
            ) from error

    def _decoded(self, message: str | bytes, tags: WebIds) -> SampleBatch:
        try:
            document = decode(message)
        except ValueError:
            self.link.rejected["malformed message"] += 1
            return SampleBatch.of([])
        return columns(streams_of(document, self.link.rejected), tags, self.link.rejected)

    async def _poll(self, client: PiClient, ids: Sequence[str], tags: WebIds, seam: Seam) -> None:
        advance = Advance()
        while True:
            seam.offer(advance.news(await self._latest(client, ids, tags)))
            await asyncio.sleep(self._config.interval_s)

    async def _latest(self, client: PiClient, ids: Sequence[str], tags: WebIds) -> SampleBatch:
        answer = await client.get("streamsets/value", [("webId", one) for one in ids])
        return columns(streams_of(answer, self.link.rejected), tags, self.link.rejected)

    async def _recorded(self, client: PiClient, tags: WebIds, start: datetime, end: datetime) -> SampleBatch:
        parts: list[SampleBatch] = []
        done = refused = 0
        groups = deque(short_queries(list(tags), STREAMS_PER_HISTORY_READ))
        while groups:
            ids = groups.popleft()
            try:
                parts += await self._recorded_group(client, ids, tags, start, end)
            except RequestRefused:
                if len(ids) > 1:  # whose point it is about is not said: one by one
                    groups.extendleft([one] for one in ids)
                    continue
                refused += 1
            done += len(ids)
            self.link.backfill_progress = done / len(tags)
        said = f"The server gives no history of {refused} of {len(tags)} signals; they are read from now on."
        self.link.warn("history", said if refused else None)
        return in_time_order(SampleBatch.concat(parts))

    async def _recorded_group(
        self, client: PiClient, ids: Sequence[str], tags: WebIds, start: datetime, end: datetime
    ) -> list[SampleBatch]:
        """Pages from each stream's last time on; streams that came to their end drop out."""
        parts: list[SampleBatch] = []
        groups = [(list(ids), start)]
        while groups:
            asked, begin = groups.pop()
            query = [
                *(("webId", one) for one in asked),
                ("startTime", begin.isoformat()),
                ("endTime", end.isoformat()),
                ("maxCount", str(VALUES_PER_STREAM)),
                ("boundaryType", "Inside"),
            ]
            answer = await client.get("streamsets/recorded", query)
            for stream in streams_of(answer, self.link.rejected):
                part = _between(columns([stream], tags, self.link.rejected), start, end)
                parts.append(part)
                rows = stream.get("Items")
                if isinstance(rows, list) and len(rows) >= VALUES_PER_STREAM and len(part):
                    last = from_micros(int(part.source_time.max()))
                    if last > begin:
                        groups.append(([str(stream["WebId"])], last))
        return parts

    async def _find(self, client: PiClient, mappings: Sequence[SignalMapping]) -> dict[str, int]:
        names = [mapping.external_tag for mapping in mappings]
        self._known |= await client.web_ids([name for name in names if name not in self._known])
        self.link.missing = tuple(name for name in names if name not in self._known)
        self.link.tags = len(names) - len(self.link.missing)
        gone = f"The server has no point {listed(self.link.missing)}; the other signals are read."
        self.link.warn("tags", gone if self.link.missing else None)
        return {self._known[m.external_tag]: m.id for m in mappings if m.external_tag in self._known}

    async def check_address(self) -> None:
        await self._reach.check(*host_and_port(self._config), must_be_known=False)

    async def probe(self) -> Probe:
        try:
            async with pi_client(self._config, self._reach) as client:
                system = await client.get("system")
                server = await client.server()
        except ConnectorUnavailable as error:
            return Probe(False, str(error))
        about = system if isinstance(system, dict) else {}
        connected = server.get("IsConnected") is not False
        state = "connected" if connected else "not connected"
        title = about.get("ProductTitle", "PI Web API")
        return Probe(
            connected,
            f"Reached {title}; its data server {server.get('Name')} is {state}.",
            {"version": str(about.get("ProductVersion", "")), "data_server": str(server.get("Name"))},
        )

    async def browse(self, node: str | None) -> list[BrowseEntry]:
        """None: the data servers; a data server's id: its points (the first thousand)."""
        async with pi_client(self._config, self._reach) as client:
            if node is None:
                servers = items_of(await client.get("dataservers"))
                return [BrowseEntry(str(s.get("WebId")), str(s.get("Name")), True) for s in servers]
            return await _points(client, node, "*")

    async def search(self, text: str) -> list[BrowseEntry]:
        """Points of the configured data server; ``*`` and ``?`` in ``text`` mean what they mean in PI."""
        async with pi_client(self._config, self._reach) as client:
            server = await client.server()
            return await _points(client, str(server.get("WebId")), f"*{text}*")

    async def read_latest(self, mappings: Sequence[SignalMapping]) -> SampleBatch:
        async with pi_client(self._config, self._reach) as client:
            tags = await self._find(client, mappings)
            return SampleBatch.concat(
                [await self._latest(client, ids, tags) for ids in short_queries(list(tags))]
            )

    async def read_history(
        self, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> SampleBatch:
        async with pi_client(self._config, self._reach) as client:
            return await self._recorded(client, await self._find(client, mappings), start, end)


def _between(batch: SampleBatch, start: datetime, end: datetime) -> SampleBatch:
    return batch.select((batch.source_time >= to_micros(start)) & (batch.source_time <= to_micros(end)))


async def _points(client: PiClient, server: str, name_filter: str) -> list[BrowseEntry]:
    query = [("nameFilter", name_filter), ("maxCount", str(POINTS_LISTED))]
    return [
        _entry(point) for point in items_of(await client.get(f"dataservers/{quote(server)}/points", query))
    ]


def _entry(point: Mapping[str, object]) -> BrowseEntry:
    """A point; its name is what a mapping's external tag takes."""
    zero, span = point.get("Zero"), point.get("Span")
    low = float(zero) if isinstance(zero, (int, float)) else None
    high = low + float(span) if low is not None and isinstance(span, (int, float)) else None
    return BrowseEntry(
        id=str(point.get("Name")),
        name=str(point.get("Name")),
        has_children=False,
        unit=str(point.get("EngineeringUnits") or ""),
        is_variable=True,
        low=low,
        high=high,
        description=str(point.get("Descriptor") or ""),
    )
