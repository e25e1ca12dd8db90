"""Samples for a log that takes nothing: they wait as far as there is room, and the rest is counted."""

from collections.abc import AsyncIterator
from datetime import timedelta

from optria.app.outlet import Outlet
from optria.app.plants import Plants
from optria.core.errors import LogUnavailable
from optria.db.session import Database
from optria.kit.settings import Settings
from tests.streams.plants import BEGIN, batch, plant

HELD, SENT = 3, 5


class NoLog:
    partitions = 1

    async def append(self, key: str, msg_id: str, data: bytes) -> None:
        raise LogUnavailable("It is away.")

    async def read(self, partition: int, after: int) -> AsyncIterator[tuple[int, bytes]]:
        if after >= 0:
            raise LogUnavailable("It is away.")
        yield after, b""


async def test_what_finds_no_room_is_counted_among_what_was_not_stored(database: Database) -> None:
    model = plant(1)
    outlet = Outlet(Plants({1: model}), database, Settings(), NoLog(), held=HELD)
    tags = [mapping.id for mapping in model.mappings]
    for number in range(SENT):
        outlet.ingest(1, batch(tags, [BEGIN + timedelta(seconds=number)] * len(tags), [1.0] * len(tags)))
    shed = (SENT - HELD) * len(tags)
    assert outlet[1].history.shed_by == {"log_full": shed}
    assert outlet[1].counts["history_shed"] == shed
