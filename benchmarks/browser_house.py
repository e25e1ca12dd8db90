"""The application as it is served, a plant of many tags that keep changing, and a link that can be cut."""

import asyncio
import math
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from optria.core.messages import Message
from optria.core.tag import Quality, Sample
from optria.db.configuration import load_plant
from optria.db.embedded import embedded_server
from optria.db.roles import app_url
from optria.db.session import Database
from optria.db.twin import TwinLayout
from optria.db.upgrade import upgrade
from optria.kit import clock
from tests import factories
from tests.web.browsers import served
from tests.web.house import House, Stream, build

PASSWORD = "of-this-benchmark"
PER_ASSET = 15
COLUMN_PX, ROW_PX = 130, 62
COLUMNS = 15


@asynccontextmanager
async def furnished_house(tags: int) -> AsyncIterator[tuple[House, str]]:
    """A served house on a throw-away database whose first site has ``tags`` tags, all of them drawn."""
    with tempfile.TemporaryDirectory(prefix="optria-bench-", ignore_cleanup_errors=True) as home:
        async with embedded_server(Path(home)) as server:
            await upgrade(server.url(), password=PASSWORD)
            database = Database(app_url(server.url(), PASSWORD))
            try:
                house = await build(database)
                await _furnish(house, tags)
                async with served(house) as url:
                    yield house, url
            finally:
                await database.dispose()


async def _furnish(house: House, tags: int) -> None:
    own = house.own
    async with house.database.transaction(own.tenant.id) as tx:
        for n in range(math.ceil(tags / PER_ASSET)):
            asset = await factories.asset(tx, own.site)
            for k in range(min(PER_ASSET, tags - n * PER_ASSET)):
                await factories.mapping(
                    tx,
                    own.integration,
                    asset,
                    external_tag=f"{asset.code}.T{k}",
                    internal_metric_name=f"m{k}",
                    decimals=2,
                )
        own.plant = await load_plant(tx, own.tenant.id)
        tx.session.add(
            TwinLayout(
                tenant_id=own.tenant.id, site_id=own.site.id, name="Process", config=_drawing(own.plant)
            )
        )
    own.stream = Stream([m.id for m in own.plant.mappings])
    house.services.pipelines[own.tenant.id] = own.stream  # type: ignore[index]


def _drawing(plant: object) -> dict[str, object]:
    """Every tag as a live block with its indicator, and a symbol for each asset."""
    mappings = plant.mappings  # type: ignore[attr-defined]
    values = [
        {"tag": m.external_tag, "x": 20 + n % COLUMNS * COLUMN_PX, "y": 60 + n // COLUMNS * ROW_PX}
        for n, m in enumerate(mappings)
    ]
    rows = math.ceil(len(mappings) / COLUMNS)
    size = [40 + COLUMNS * COLUMN_PX, 180 + rows * ROW_PX]
    codes = list(dict.fromkeys(m.external_tag.rsplit(".", 1)[0] for m in mappings))
    symbols = [
        {"symbol": "pump", "asset": code, "x": 60 + n * 90, "y": size[1] - 60} for n, code in enumerate(codes)
    ]
    return {"title": "Many tags", "size": size, "symbols": symbols, "values": values}


@dataclass
class Traffic:
    """Every tag gets a new value ``rate_hz`` times a second while ``values``; events while ``events``."""

    house: House
    rate_hz: float
    values: bool = False
    events: bool = False
    sent: list[str] = field(default_factory=list)
    samples: int = 0

    async def run(self) -> None:
        loop, step = asyncio.get_running_loop(), 0
        while True:
            due = loop.time() + 1 / self.rate_hz
            step += 1
            if self.values:
                self.put(step)
            if self.events:
                self.publish(step)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def put(self, step: int) -> None:
        now, own = clock.now(), self.house.own
        batch = [
            Sample(m.id, now, 50 + 30 * math.sin(step / 7 + m.id), Quality.GOOD) for m in own.plant.mappings
        ]
        own.stream.put(*batch)
        self.samples += len(batch)

    def publish(self, step: int) -> None:
        name = f"bench-{step}"
        self.sent.append(name)
        tenant_id = self.house.own.tenant.id
        self.house.services.bus.publish(Message(tenant_id, "workorders", "work_order_moved", name))


@dataclass
class Link:
    """A wire between browser and server: cut, every connection ends at once and none is taken."""

    host: str
    port: int
    is_cut: bool = False
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self.cut()

    def cut(self) -> None:
        self.is_cut = True
        for writer in list(self._open):
            writer.transport.abort()

    def mend(self) -> None:
        self.is_cut = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    with suppress(ConnectionError):
        writer.close()
