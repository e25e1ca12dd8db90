"""What is kept for how long: days of history with the recordings in them, and rows that are over."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC as Z
from datetime import date, datetime, time, timedelta

import asyncpg
import numpy as np
import pytest
from sqlalchemy import text

from optria.blackbox.seal_check import check_seal
from optria.blackbox.sealing import seal_due
from optria.core.errors import ConfigurationError
from optria.core.tag import SampleBatch, to_micros
from optria.db.blackbox import IncidentRow
from optria.db.partitions import Retired, days_without_partition, ensure_partitions, history_days
from optria.db.plant import AssetRow
from optria.db.retention import Periods, Upkeep, Upkeeper
from optria.db.session import Database
from optria.kit import clock
from optria.kit.settings import Settings
from optria.streams import history
from tests import factories
from tests.blackbox.conftest import SmallPlant, small

__all__ = ["small"]

OLD_DAYS = 45
SAMPLES = 1440
SETTINGS = Settings(history_days=40, delivery_days=10)


def old_day(days_ago: int = OLD_DAYS) -> datetime:
    return datetime.combine(clock.now().date() - timedelta(days=days_ago), time(), Z)


async def fill(small: SmallPlant, day: datetime, tags: list[int]) -> None:
    """A sample a minute of each tag, over the whole day."""
    times = to_micros(day) + np.arange(SAMPLES, dtype=np.int64) * 60_000_000
    async with small.database.transaction(small.tenant_id) as tx:
        await ensure_partitions(tx.session, day.date(), 1)
        all_of = len(tags) * SAMPLES
        tag = np.repeat(np.array(tags, np.int32), SAMPLES)
        quality = np.zeros(all_of, np.uint8)
        await history.write(tx, SampleBatch(tag, np.tile(times, len(tags)), np.ones(all_of), quality))


async def incident_of(small: SmallPlant, day: datetime, status: str = "RESOLVED") -> IncidentRow:
    """An hour's recording around noon."""
    noon = day + timedelta(hours=12)
    async with small.database.transaction(small.tenant_id) as tx:
        asset = await tx.session.get_one(AssetRow, small.pumps[0])
        hour = {"window_start": noon - timedelta(minutes=30), "window_end": noon + timedelta(minutes=30)}
        return await factories.incident(tx, asset, start_time=noon, status=status, **hour)


async def stored(small: SmallPlant, day: datetime) -> int:
    async with small.database.transaction(small.tenant_id) as tx:
        counted = text(
            "SELECT coalesce(sum(cardinality(dt)), 0) FROM history_chunks WHERE t0 >= :a AND t0 < :b"
        )
        return int(await tx.session.scalar(counted, {"a": day, "b": day + timedelta(days=1)}) or 0)


async def days(database: Database) -> set[date]:
    async with database.platform("test") as tx:
        return {each.day for each in await history_days(tx.session)}


def pump_tags(small: SmallPlant, pump: int = 0) -> list[int]:
    return [each.id for each in small.plant.mappings_of(small.pumps[pump])]


async def test_an_old_day_is_dropped_and_a_young_one_stays(small: SmallPlant) -> None:
    old, young = old_day(), old_day(39)
    await fill(small, old, pump_tags(small))
    await fill(small, young, pump_tags(small))
    done = await Upkeeper(small.database, SETTINGS).keep()
    assert done.days == {old.date(): Retired.DROPPED}
    assert old.date() not in await days(small.database)
    assert await stored(small, young) == SAMPLES * 2


async def test_a_trial_says_it_and_does_nothing(small: SmallPlant) -> None:
    await fill(small, old_day(), pump_tags(small))
    upkeeper = Upkeeper(small.database, SETTINGS)
    assert list((await upkeeper.keep(is_trial=True)).days) == [old_day().date()]
    assert await stored(small, old_day()) == SAMPLES * 2
    assert upkeeper.last is None


async def test_of_a_day_with_a_sealed_recording_that_recording_stays_whole(small: SmallPlant) -> None:
    day = old_day()
    await fill(small, day, [*pump_tags(small), *pump_tags(small, 2)])
    incident = await incident_of(small, day)
    assert await seal_due(small.database) == 1
    done = await Upkeeper(small.database, SETTINGS).keep()
    assert done.days == {day.date(): Retired.REDUCED}
    async with small.database.transaction(small.tenant_id) as tx:
        found = await check_seal(tx, await tx.session.get_one(IncidentRow, incident.id))
    assert found is not None
    assert found.is_intact
    assert await stored(small, day) in range(2 * 61, 2 * 64)
    again = await Upkeeper(small.database, SETTINGS).keep()
    assert again.days == {}


@pytest.mark.parametrize("status", ["OPEN", "RESOLVED"])
async def test_a_day_that_is_still_needed_is_left_alone(small: SmallPlant, status: str) -> None:
    """An open incident; and a recording that has no seal yet."""
    day = old_day()
    await fill(small, day, pump_tags(small))
    await incident_of(small, day, status)
    if status == "OPEN":
        assert await seal_due(small.database) == 1
    done = await Upkeeper(small.database, SETTINGS).keep()
    assert done.days == {day.date(): Retired.NEEDED}
    assert await stored(small, day) == SAMPLES * 2


async def test_what_is_kept_is_kept_apart_too(small: SmallPlant) -> None:
    day = old_day()
    await fill(small, day, pump_tags(small))
    await incident_of(small, day)
    await seal_due(small.database)
    await Upkeeper(small.database, SETTINGS).keep()
    name = f"history_chunks_{day:%Y%m%d}"
    async with small.database.transaction(small.tenant_id + 1) as tx:
        assert await tx.session.scalar(text("SELECT count(*) FROM history_chunks")) == 0
    async with small.database.platform("test") as tx:
        guarded = await tx.session.scalar(
            text("SELECT relrowsecurity FROM pg_class WHERE relname = :name"), {"name": name}
        )
    assert guarded is True


async def test_the_days_that_are_left_are_never_young_ones(small: SmallPlant) -> None:
    """The serving role cannot drop what is going on, whatever it is made to ask for."""
    async with small.database.platform("test") as tx:
        driver = (await (await tx.session.connection()).get_raw_connection()).driver_connection
        assert driver is not None
        with pytest.raises(asyncpg.InvalidParameterValueError, match="last 30"):
            await driver.fetchval(
                "SELECT optria_retire_history_day($1)", clock.now().date() - timedelta(days=29)
            )


@asynccontextmanager
async def reading(small: SmallPlant) -> AsyncGenerator[None]:
    """Somebody reads the history in a transaction that does not end."""
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.scalar(text("SELECT count(*) FROM history_chunks"))
        yield


async def test_a_history_in_use_is_tried_again_later_while_writers_go_on(small: SmallPlant) -> None:
    day = old_day()
    await fill(small, day, pump_tags(small))
    upkeeper = Upkeeper(small.database, SETTINGS, pause_s=0.02)
    async with reading(small):
        keeping = asyncio.ensure_future(upkeeper.keep())
        written = 0
        while not keeping.done():
            await fill(small, datetime.combine(clock.now().date(), time(), Z), pump_tags(small)[:1])
            written += 1
            await asyncio.sleep(0.02)
        done: Upkeep = await keeping
    assert done.busy == [day.date()]
    assert written > 0
    assert await stored(small, day) == SAMPLES * 2
    assert (await upkeeper.keep()).days == {day.date(): Retired.DROPPED}


async def test_rows_that_are_over_go_and_the_others_stay(small: SmallPlant) -> None:
    now, old = clock.now(), clock.now() - timedelta(days=60)
    async with small.database.transaction(small.tenant_id) as tx:
        user = await factories.user(tx, small.tenant_id)
        for index, (created, due) in enumerate([(old, None), (old, now), (now, None)]):
            note = await factories.notification(tx, user)
            await tx.session.execute(
                text(
                    "INSERT INTO notification_deliveries (tenant_id, notification_id, channel, user_id,"
                    " status, attempts, created_at, next_attempt_at) VALUES"
                    " (:t, :n, 'email', :u, 'delivered', 1, :c, :d)"
                ),
                {"t": small.tenant_id, "n": note.id, "u": user.id, "c": created, "d": due},
            )
            await tx.session.execute(
                text(
                    "INSERT INTO user_sessions (id, tenant_id, user_id, token_sha256, created_at,"
                    " last_seen_at, expires_at) VALUES (gen_random_uuid(), :t, :u, :h, :c, :c, :c)"
                ),
                {"t": small.tenant_id, "u": user.id, "h": f"{index}", "c": created},
            )
    trial = await Upkeeper(small.database, SETTINGS).keep(is_trial=True)
    done = await Upkeeper(small.database, SETTINGS).keep()
    wanted = {"user_sessions": 2, "request_keys": 0, "notification_deliveries": 1, "webhook_deliveries": 0}
    assert trial.rows == done.rows == wanted


async def test_partitions_are_made_ahead_and_missing_ones_known(
    small: SmallPlant, fresh_database: str
) -> None:
    today = clock.now().date()
    await _drop(fresh_database, today)
    async with small.database.platform("test") as tx:
        assert await days_without_partition(tx.session, today) == [today]
    done = await Upkeeper(small.database, SETTINGS).keep()
    assert done.made >= 1
    assert today + timedelta(days=7) in await days(small.database)


async def _drop(owner_url: str, day: date) -> None:
    owner = await asyncpg.connect(owner_url)
    try:
        await owner.execute(f"DROP TABLE history_chunks_{day:%Y%m%d}")
    finally:
        await owner.close()


@pytest.mark.parametrize("settings", [{"history_days": 29}, {"history_days": -1}, {"delivery_days": 0}])
def test_periods_that_would_lose_what_goes_on_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        Periods.of(Settings.model_validate(settings))


def test_zero_keeps_the_history_for_ever() -> None:
    assert Periods(0, 90).over([], clock.now().date()) == []
