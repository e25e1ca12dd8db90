"""Where history is taken up after a lost link, and what is said of what is not."""

from datetime import timedelta
from pathlib import Path

import pytest

from optria.app.plants import Plants
from optria.app.sources import LEAST_OVERLAP, Connection, Source
from optria.app.streams import Streams
from optria.connectors.allowed_hosts import EVERYWHERE
from optria.core.asset import Asset, PlantModel
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import Quality, Sample, SampleBatch, SignalMapping
from optria.db.session import Database
from optria.kit import clock
from optria.kit.settings import Settings

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
MAPPINGS = tuple(SignalMapping(n, 1, 1, f"T{n}", "flow", "m3/h") for n in (1, 2))


def made(home: Path, *ages_s: float) -> Source:
    """A connection whose tags had their newest sample so long ago; nothing listens at its address."""
    settings = Settings(home=home)
    plant = PlantModel(1, assets=(Asset(1, "P-1", "Pump", "Pump", None),), mappings=MAPPINGS)
    streams = Streams(Plants.of([plant]), Database(NOWHERE), settings)
    now = clock.now()
    rows = [
        Sample(mapping.id, now - timedelta(seconds=age), 5.0, Quality.GOOD)
        for mapping, age in zip(MAPPINGS, ages_s, strict=False)
    ]
    if rows:
        streams.ingest(1, SampleBatch.of(rows))
    config = {"endpoint_url": "http://127.0.0.1:1/piwebapi"}
    return Source(Connection(1, 1, "PI", "pi", config, MAPPINGS), streams, settings, EVERYWHERE)


async def begun(source: Source) -> float:
    """Seconds back that a try asks history from."""
    with pytest.raises(ConnectorUnavailable):
        await source.run()
    assert source.backfill_from is not None
    return (clock.now() - source.backfill_from).total_seconds()


async def test_the_first_time_it_is_the_whole_backfill(tmp_path: Path) -> None:
    assert await begun(made(tmp_path)) == pytest.approx(20 * 60, abs=5)


async def test_tags_that_were_behind_when_the_link_was_lost_are_filled_too(tmp_path: Path) -> None:
    source = made(tmp_path, 100, 130)
    assert await begun(source) == pytest.approx(100 + LEAST_OVERLAP.total_seconds(), abs=5)
    assert "missing" not in (source._link.warning or "")


async def test_what_a_longer_outage_leaves_out_is_said(tmp_path: Path) -> None:
    source = made(tmp_path, 3600, 3700)
    assert await begun(source) == pytest.approx(20 * 60, abs=5)
    assert "longer than the 20 minutes" in (source._link.warning or "")
    (gap,) = source._link.gaps
    assert (gap.end - gap.start).total_seconds() == pytest.approx(40 * 60, abs=5)
    assert gap.tags == 2
