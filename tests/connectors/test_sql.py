"""Rows of a database as they come, and what a database refuses."""

import asyncio
import math
import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from optria.cli.demo import source_addresses
from optria.connectors.allowed_hosts import EVERYWHERE
from optria.connectors.sql import SqlConnector, columns, read_time
from optria.connectors.sql_engine import SqlConfig, database_url, sentence
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import Quality, SampleBatch, SignalMapping, to_micros
from optria.kit import clock
from optria.simulator.addresses import PlantAddresses
from optria.simulator.sql_feed import SqlFeed
from tests.fakes.plant import FakePlant

RIYADH = ZoneInfo("Asia/Riyadh")
TEN = datetime(2026, 7, 1, 10, 0, 0, 250000, UTC)


@pytest.mark.clause("A1")
@pytest.mark.parametrize(
    "written",
    [
        datetime(2026, 7, 1, 13, 0, 0, 250000),  # noqa: DTZ001
        "2026-07-01 13:00:00.250000",
        "2026-07-01T10:00:00.250000Z",
        "2026-07-01T12:00:00.250000+02:00",
        TEN,
        TEN.timestamp(),
    ],
)
def test_times_land_on_one_instant(written: object) -> None:
    assert read_time(written, RIYADH) == TEN


@pytest.mark.clause("A1")
def test_times_in_a_zone_with_daylight_saving() -> None:
    paris = ZoneInfo("Europe/Paris")
    assert read_time("2026-07-01 12:00:00", paris) == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert read_time("2026-12-01 12:00:00", paris) == datetime(2026, 12, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize("written", [None, "yesterday", b"x", 1e300, "2026-13-01"])
def test_what_is_no_time_is_none(written: object) -> None:
    assert read_time(written, RIYADH) is None


@pytest.mark.parametrize(
    ("written", "quality"),
    [
        (0, Quality.GOOD),
        (1, Quality.UNCERTAIN),
        (2, Quality.BAD),
        (192, Quality.GOOD),
        (64, Quality.UNCERTAIN),
        (8, Quality.BAD),
        (Decimal(192), Quality.GOOD),
        (-1, Quality.BAD),
        (None, Quality.GOOD),
        ("Good", Quality.GOOD),
        (" questionable ", Quality.UNCERTAIN),
        ("shutdown", Quality.BAD),
    ],
)
def test_qualities_as_databases_write_them(written: object, quality: Quality) -> None:
    batch = columns([("a", 1.5, written, TEN)], {"a": 3}, UTC, Counter())
    assert batch.quality.tolist() == [quality]


def test_rows_are_columns_and_bad_ones_are_counted() -> None:
    rejected: Counter[str] = Counter()
    rows = [
        ("a", Decimal("1.5"), TEN),
        ("b", None, 0, TEN),
        ("b", "n/a", 0, TEN),
        ("b", b"\x00", 0, TEN),
        ("b", Decimal("sNaN"), 0, TEN),
        ("c", 1.0, 0, None),
        ("c", 1.0, 0, math.nan),
        ("c", 1.0, math.nan, TEN),
        ("c", 1.0, math.inf, TEN),
        ("c", 1.0, Decimal("NaN"), TEN),
        ("c", 1.0, Decimal("sNaN"), TEN),
        ("c", 1.0, b"good", TEN),
        ("c", 1.0),
        ("unmapped", 1.0, 0, TEN),
    ]
    batch = columns(rows, {"a": 1, "b": 2, "c": 3}, UTC, rejected)
    assert batch.tag.tolist() == [1, 2]
    assert batch.quality.tolist() == [Quality.GOOD, Quality.BAD]
    assert batch.source_time.tolist() == [to_micros(TEN)] * 2
    assert rejected == {"not a number": 3, "no time": 2, "no quality": 5, "columns": 1}


def make(path: Path, **changes: object) -> SqlConnector:
    return SqlConnector({"endpoint_url": f"sqlite:///{path}", **changes}, path.parent)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "plant.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE plant_readings (tag TEXT, value REAL, quality INT, source_time TEXT)")
        database.execute(
            "INSERT INTO plant_readings VALUES ('P-1.TT', 41.5, 0, '2026-07-01 13:00:00.250000')"
        )
    database.close()
    return path


@pytest.mark.clause("D6", "C3")
async def test_naive_times_are_of_the_configured_zone(table: Path) -> None:
    mapping = SignalMapping(9, 1, 1, "P-1.TT", "temperature", "°C")
    batch = await make(table, time_zone="Asia/Riyadh").read_latest([mapping])
    assert [(s.tag, s.value, s.source_time) for s in batch.rows()] == [(9, 41.5, TEN)]


async def test_the_file_is_only_read(table: Path) -> None:
    found = await make(table, query="DELETE FROM plant_readings RETURNING *").probe()
    assert not found.ok
    assert "readonly" in found.message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"query": "SELECT * FROM nothing_here"}, "does not have what the query reads"),
        ({"query": "SELECT tgg FROM plant_readings"}, "does not understand the query"),
        ({"query": "SELEC"}, "does not understand the query"),
        ({"query": "SELECT tag FROM plant_readings"}, "gives 1 columns"),
    ],
)
async def test_a_query_of_no_use_is_a_sentence(table: Path, changes: dict[str, object], says: str) -> None:
    found = await make(table, **changes).probe()
    assert not found.ok
    assert says in found.message


async def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    found = await make(path).probe()
    assert "There is no SQLite file" in found.message
    assert not path.exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg:///plant",
        "postgresql://a:5432,169.254.169.254:80/plant",
        "postgresql+asyncpg:///plant?host=/var/run/postgresql",
        "postgresql+asyncpg://h/plant?host=169.254.169.254",
        "sqlite+aiosqlite:///file:secret?uri=true",
        "sqlite+aiosqlite://",
        "access://host/plant",
        "postgresql+asyncpg://h/plant?passfile=/etc/passwd",
        "postgresql://h/plant?ssl=a&ssl=b",
        "mysql://h/plant?unix_socket=/run/mysqld.sock",
        "mysql://h/plant?read_default_file=/etc/my.cnf",
        "mssql://h/plant?odbc_connect=SERVER%3D169.254.169.254",
        "mssql://h/plant?driver=%2Ftmp%2Flib.so",
        "oracle://h/plant?dsn=169.254.169.254",
        "not a url",
    ],
)
def test_addresses_that_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConnectorUnavailable):
        database_url(SqlConfig(endpoint_url=url), tmp_path, EVERYWHERE)


def test_a_driver_is_chosen_and_the_user_filled_in() -> None:
    config = SqlConfig.model_validate(
        {"endpoint_url": "postgresql://host/plant", "username": "reader", "password": "p@ss/word"}
    )
    url = database_url(config, Path(), EVERYWHERE)
    assert url.drivername == "postgresql+asyncpg"
    assert (url.username, url.password) == ("reader", "p@ss/word")


async def test_a_missing_driver_is_a_sentence(tmp_path: Path) -> None:
    found = await SqlConnector({"endpoint_url": "oracle://127.0.0.1/plant"}, tmp_path).probe()
    assert not found.ok
    assert "is not installed" in found.message


def test_a_password_never_shows_in_a_sentence() -> None:
    with pytest.raises(ConnectorUnavailable) as refused:
        database_url(SqlConfig(endpoint_url="nonsense:hunter2@host"), Path(), EVERYWHERE)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd"])
async def test_an_unknown_time_zone_is_a_sentence(table: Path, name: str) -> None:
    found = await make(table, time_zone=name).probe()
    assert f"time zone '{name}' is not known" in found.message


def demo_config(sql_url: str) -> dict[str, object]:
    """What the demo tenant's SQL connection is given."""
    nowhere = "http://127.0.0.1:1"
    addresses = PlantAddresses(
        1, 0.0, nowhere, "", None, "", nowhere, "pi", "pi", nowhere, sql_url=sql_url, sources={}
    )
    return dict(source_addresses(addresses).sql)


@pytest.mark.clause("D6")
async def test_the_simulated_plants_history_warms_up_and_joins_the_live_values(tmp_path: Path) -> None:
    plant = FakePlant(3)
    tags = tuple(replace(tag, source="sql") for tag in plant.catalogue.tags)
    plant.catalogue = replace(plant.catalogue, tags=tags)
    plant.fill(1900)
    since = clock.now() - timedelta(minutes=20)
    url = f"sqlite+aiosqlite:///{tmp_path / 'readings.db'}"
    connector = SqlConnector({**demo_config(url), "sampling_interval_ms": 50}, tmp_path)
    got: list[SampleBatch] = []
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(plant.run(0.5)), tasks.create_task(SqlFeed(plant, url).run())]
        async with asyncio.timeout(20):
            while not (await connector.probe()).ok:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            running.append(tasks.create_task(connector.run(plant.mappings(), got.append, since)))
            while connector.link.received < 9:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        for task in running:
            task.cancel()
    everything, history = SampleBatch.concat(got), got[0]
    kept = [time for time, _value, _quality in plant.rows[plant.names[0]] if time >= to_micros(since)]
    of_one = history.select(np.flatnonzero(history.tag == 1))
    assert of_one.source_time.tolist() == kept[: len(of_one)]
    assert len(of_one) >= 1199
    assert len(history) == connector.link.backfilled == 3 * len(of_one)
    for tag in (1, 2, 3):
        times = everything.source_time[everything.tag == tag]
        assert (np.diff(times) > 0).all()
        assert len(times) > len(of_one)


def test_other_faults_keep_the_words_of_the_driver() -> None:
    assert "disk on fire" in sentence(RuntimeError("disk on fire"), "host")


async def _password_asked_in_clear(url: str, home: Path) -> bytes:
    """What a connection answers to a PostgreSQL that asks for a password in clear text."""
    told = bytearray()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        if first == b"\x00\x00\x00\x08\x04\xd2\x16\x2f":  # SSLRequest
            writer.write(b"N")
            first = await reader.readexactly(8)
        await reader.readexactly(int.from_bytes(first[:4]) - 8)
        writer.write(b"R\x00\x00\x00\x08\x00\x00\x00\x03")  # AuthenticationCleartextPassword
        told.extend(await reader.read(1000))
        writer.close()

    async with await asyncio.start_server(ask, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        config = {"endpoint_url": url.format(port=port), "auth_type": "anonymous"}
        assert not (await SqlConnector(config, home).probe()).ok
    return bytes(told)


@pytest.mark.parametrize(
    ("url", "sent"),
    [("postgresql://127.0.0.1:{port}/plant", b""), ("postgresql://u:own@127.0.0.1:{port}/plant", b"own")],
)
async def test_no_password_of_this_machine_is_sent_to_a_plant(
    url: str, sent: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:*:of-this-machine", "utf-8")
    passfile.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    monkeypatch.setenv("PGPASSWORD", "of-this-machine")
    told = await _password_asked_in_clear(url, tmp_path)
    assert told[:1] == b"p"
    assert told[5:-1] == sent
