"""A partition whose log cannot be read any more ends, so that it is taken anew; it does not stand still."""

import pytest

from optria.app.partition import Partition
from optria.app.plants import Plants
from optria.core.errors import LogUnavailable
from optria.db.leases import claim
from optria.db.session import Database
from optria.kit.settings import Settings
from tests.app.test_outlet import NoLog


async def test_a_reader_that_fails_ends_the_partition(database: Database) -> None:
    lease = await claim(database, "partition 0 of 1", "a server")
    assert lease is not None
    partition = Partition(database, Plants({}), Settings(), NoLog(), 0, lease, lambda: None)
    with pytest.RaisesGroup(LogUnavailable):
        await partition.run()
