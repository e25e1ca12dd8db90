"""Rows 12 to 17: what happens to an OPC UA server, to the way to it, and to certificates of both sides."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from optria.connectors.base import LinkState
from optria.db.session import Database
from tests.fakes.plant import FakePlant
from tests.fakes.plant_line import Forgetful, PlantLine, plant_line, ticking, until
from tests.faults.figures import Figures, Scale

PERIOD_S = 0.1


@asynccontextmanager
async def running(
    database: Database, home: Path, plant: FakePlant, **more: object
) -> AsyncGenerator[PlantLine]:
    plant.tick()
    async with ticking(plant, PERIOD_S), plant_line(database, home, plant, **more) as line:  # type: ignore[arg-type]
        await line.flowing()
        yield line


def load(line: PlantLine, measured: int) -> str:
    return f"{measured:,} samples at {len(line.plant.names) / PERIOD_S:,.0f}/s"


async def tell(line: PlantLine, figures: Figures) -> None:
    """Stop measuring is up to the caller; everything that was measured must have come."""
    await line.caught_up()
    tally = line.tally()
    figures.load = load(line, tally.measured)
    figures.lost, figures.duplicated = tally.lost, tally.duplicated


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("kind", [FakePlant])
async def test_server_restarts(
    database: Database, tmp_path: Path, scale: Scale, figures: Figures, kind: type[FakePlant]
) -> None:
    """The session is gone with the server: another one is made, and history fills the time between."""
    async with running(database, tmp_path, kind(scale.of(50, 20))) as line:
        for _ in range(scale.of(3, 1)):
            await line.stop_server()
            await line.until(LinkState.LOST)
            await asyncio.sleep(scale.of(8.0, 0.3))
            await line.start_server()
            back_at = now()
            await line.flowing()
            recovered_s = now() - back_at
            figures.recovered_s = max(figures.recovered_s or 0.0, recovered_s)
        await tell(line, figures)
        assert line.source.backfilled > 0
    assert (figures.lost, figures.duplicated) == (0, 0)
    if scale.full:
        assert (figures.recovered_s or 0.0) < 5.0


@pytest.mark.parametrize("kind", [FakePlant, Forgetful])
async def test_link_cut(
    database: Database, tmp_path: Path, scale: Scale, figures: Figures, kind: type[FakePlant]
) -> None:
    """The server keeps session and queue: nothing is lost, also where it has no history at all."""
    async with running(database, tmp_path, kind(scale.of(60, 20))) as line:
        before = line.source.backfilled
        await line.proxy.cut(scale.of(15.0, 0.5))
        back_at = now()
        await line.flowing()
        figures.recovered_s = now() - back_at
        await tell(line, figures)
        assert line.source.backfilled == before, "the queue of the server was enough"
    assert (figures.lost, figures.duplicated) == (0, 0)


async def test_black_hole(database: Database, tmp_path: Path, scale: Scale, figures: Figures) -> None:
    """Nothing is refused and nothing comes: that is noticed by the silence, and no task hangs in it."""
    async with running(database, tmp_path, FakePlant(scale.of(50, 20))) as line:
        await line.proxy.black_hole()
        began_at = now()
        await line.until(LinkState.LOST)
        figures.notes.append(f"noticed after {now() - began_at:.1f} s")
        noticed_s = now() - began_at
        await until(lambda: line.supervisor.states["source"].restarts >= 2)
        figures.notes.append("connecting into it ends as well")
        await asyncio.sleep(scale.of(5.0, 0.0))
        line.proxy.clear()
        back_at = now()
        await line.flowing()
        figures.recovered_s = now() - back_at
        await tell(line, figures)
    assert (figures.lost, figures.duplicated) == (0, 0)
    if scale.full:
        assert noticed_s < 3.5


@pytest.mark.parametrize("kind", [FakePlant, Forgetful])
async def test_longer_than_the_queue(
    database: Database, tmp_path: Path, scale: Scale, figures: Figures, kind: type[FakePlant]
) -> None:
    """What the queue had to drop comes from history; where there is none, a gap is marked and said."""
    queue = scale.of(50, 5)
    async with running(database, tmp_path, kind(scale.of(60, 20)), max_queue=queue) as line:
        await line.proxy.cut(PERIOD_S * queue * 3)
        back_at = now()
        await line.flowing()
        figures.recovered_s = now() - back_at
        await tell(line, figures)
        marks = line.streams.all
        marked = set(marks.tag[marks.quality == 2].tolist())
        warning = line.source.warning or ""
    assert figures.duplicated == 0
    if kind is Forgetful:
        assert marked == set(line.tags.values())
        assert "Nothing is known of" in warning
        assert (figures.lost or 0) > 0, "without history the queue was too short"
        figures.notes.append(
            f"no history: {figures.lost:,} samples are a gap, marked on {len(marked)} signals"
        )
        figures.lost = None
    else:
        assert figures.lost == 0
        assert not marked
