"""A lease has one holder at a time, by the clock of the database; each turn has an epoch of its own."""

import asyncio

import pytest

from optria.core.errors import Fenced
from optria.db.leases import Lease, claim, confirm, end, holder_of, renew
from optria.db.session import Database


async def held(database: Database, holder: str, lease_s: float = 60.0) -> Lease:
    lease = await claim(database, "streams", holder, lease_s)
    assert lease is not None
    return lease


async def test_one_of_many_gets_it(database: Database) -> None:
    tries = await asyncio.gather(*(claim(database, "streams", f"server {n}", 60.0) for n in range(8)))
    (lease,) = [each for each in tries if each is not None]
    assert lease.epoch == 1
    assert await holder_of(database, "streams") == lease.holder


async def test_one_that_has_run_out_is_taken_over_and_its_holder_is_fenced(database: Database) -> None:
    first = await held(database, "first", lease_s=0.0)
    second = await held(database, "second")
    assert second.epoch == first.epoch + 1
    assert not await renew(database, first)
    async with database.transaction(1) as tx:
        with pytest.raises(Fenced, match="taken over"):
            await confirm(tx, first)
        await confirm(tx, second)


async def test_one_that_has_run_out_and_nobody_took_is_kept(database: Database) -> None:
    lease = await held(database, "first", lease_s=0.0)
    assert await renew(database, lease)
    assert await claim(database, "streams", "second") is None


async def test_of_a_process_that_is_gone_it_is_taken_at_once(database: Database) -> None:
    await held(database, "killed")
    assert await claim(database, "streams", "second") is None
    assert await claim(database, "streams", "second", gone=("killed",)) is not None


async def test_given_back_it_is_free(database: Database) -> None:
    await end(database, await held(database, "first"))
    assert (await held(database, "second")).epoch == 2


async def test_a_take_over_waits_for_what_the_holder_is_storing(database: Database) -> None:
    lease = await held(database, "first", lease_s=0.0)
    async with database.transaction(1) as tx:
        await confirm(tx, lease)
        assert await claim(database, "streams", "second") is None
    assert await claim(database, "streams", "second") is not None
