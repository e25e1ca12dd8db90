"""Where samples go on a server that only takes them in: to the log, in order, however often it takes."""

import asyncio
from collections import deque
from typing import Final

import structlog

from optria.app.plants import Plants
from optria.app.streams import Streams
from optria.core.errors import LogUnavailable
from optria.core.tag import SampleBatch
from optria.db.session import Database
from optria.kit.log import Log
from optria.kit.settings import Settings
from optria.streams.partitions import by_partition
from optria.streams.wire import message_id, to_bytes

log = structlog.get_logger(__name__)

HELD: Final = 20_000
"""Messages that wait in memory for a log that does not take them; then the newest are shed, and their samples
counted among those that were not stored."""
AGAIN_S: Final = 0.5


class Outlet(Streams):
    """The streams of a server that hands samples over: nothing is scored or stored here."""

    def __init__(
        self, plants: Plants, database: Database, settings: Settings, log_: Log, held: int = HELD
    ) -> None:
        super().__init__(plants, database, settings)
        self._plants, self._log, self._held = plants, log_, held
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._news = asyncio.Event()

    def ingest(self, tenant_id: int, batch: SampleBatch) -> None:
        for key, part in by_partition(self._plants(tenant_id), batch, self._log.partitions):
            if len(self._waiting) >= self._held:
                self[tenant_id].history.shed_by["log_full"] += len(part)
                continue
            self._waiting.append((key, to_bytes(tenant_id, part)))
        self._news.set()

    async def send(self) -> None:
        """Hand over what comes, for ever. A message is tried until it is safe; the next one waits for it."""
        is_lost = False
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                key, data = self._waiting[0]
                try:
                    await self._log.append(key, message_id(data), data)
                except LogUnavailable as error:
                    if not is_lost:
                        log.warning("log_lost", error=str(error), waiting=len(self._waiting))
                    is_lost = True
                    await asyncio.sleep(AGAIN_S)
                    continue
                if is_lost:
                    log.info("log_back", waiting=len(self._waiting))
                is_lost = False
                self._waiting.popleft()
