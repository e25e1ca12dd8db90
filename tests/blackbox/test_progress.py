"""Analyses that people asked for can be watched and cancelled."""

import asyncio
from uuid import uuid4

import pytest

from optria.blackbox.progress import Runs
from optria.core.errors import Conflict
from optria.db.blackbox import AnalysisRow
from optria.kit.bus import Bus
from tests.blackbox.conftest import SmallPlant
from tests.blackbox.test_recorder import anchor, opened, rows


async def test_a_run_can_be_watched_until_it_is_over() -> None:
    runs, incident, reading, gate = Runs(Bus()), uuid4(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        runs.reached(1, incident)("weighing", 1800, 3)
        reading.set()
        await gate.wait()

    following = asyncio.create_task(runs.follow(1, incident, 7, work()))
    await reading.wait()
    progress = runs.of(incident)
    assert progress is not None
    assert (progress.stage, progress.samples, progress.events, progress.user_id) == ("weighing", 1800, 3, 7)
    gate.set()
    await following
    assert runs.of(incident) is None
    assert not runs.cancel(incident)


async def for_ever(begun: asyncio.Event, stopped: asyncio.Event) -> None:
    begun.set()
    try:
        await asyncio.Event().wait()
    finally:
        stopped.set()


async def test_a_cancelled_run_says_so_and_is_gone() -> None:
    runs, incident, begun, stopped = Runs(Bus()), uuid4(), asyncio.Event(), asyncio.Event()
    following = asyncio.create_task(runs.follow(1, incident, 7, for_ever(begun, stopped)))
    await begun.wait()
    assert runs.cancel(incident)
    with pytest.raises(Conflict, match="cancelled"):
        await following
    assert stopped.is_set()
    assert runs.of(incident) is None


async def test_whoever_gives_up_waiting_takes_the_work_along() -> None:
    runs, incident, begun, stopped = Runs(Bus()), uuid4(), asyncio.Event(), asyncio.Event()
    following = asyncio.create_task(runs.follow(1, incident, None, for_ever(begun, stopped)))
    await begun.wait()
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert stopped.is_set()


async def test_a_failing_run_fails_for_whoever_asked() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Runs(Bus()).follow(1, uuid4(), None, work())


async def test_a_cancelled_analysis_stores_nothing(small: SmallPlant) -> None:
    (incident,) = await opened(small, anchor(small.pumps[0]))
    before = len(await rows(small, AnalysisRow))
    recorder = small.recorder()
    asked = asyncio.create_task(recorder.run_for_incident(small.tenant_id, incident.id, 1))
    await asyncio.sleep(0)
    assert recorder.cancel(incident.id)
    with pytest.raises(Conflict):
        await asked
    assert len(await rows(small, AnalysisRow)) == before
    await recorder.run_for_incident(small.tenant_id, incident.id, 1)
    assert len(await rows(small, AnalysisRow)) == before + 1
