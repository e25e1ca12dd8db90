"""The plant in real time."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from optria.core.errors import SimulatorError
from optria.kit import clock
from optria.simulator.fault_kinds import BadFault
from optria.simulator.plant import SimulatedPlant
from optria.simulator.source import PlantFrame, PlantSource

TAG = "P-102B.VT-1022"


def is_a_source(plant: PlantSource) -> PlantSource:
    return plant


async def first_frames(plant: SimulatedPlant, count: int) -> list[PlantFrame]:
    frames: list[PlantFrame] = []
    enough = asyncio.Event()

    def take(frame: PlantFrame) -> None:
        frames.append(frame)
        if len(frames) == count:
            enough.set()

    end = plant.subscribe(take)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(plant.run())
        await enough.wait()
        end()
        running.cancel()
    return frames


@pytest.mark.clause("C8")
async def test_frames_come_each_second_with_the_time_of_the_wall_clock() -> None:
    plant = SimulatedPlant(preheat_minutes=1)
    frames = await first_frames(plant, 3)
    gaps = {(late.time - early.time) for early, late in pairwise(frames)}
    assert gaps == {timedelta(seconds=1)}
    assert abs(frames[-1].time - clock.now()) < timedelta(seconds=15)
    assert all(frame.time.tzinfo is UTC for frame in frames)


async def test_a_subscription_can_be_ended() -> None:
    plant = SimulatedPlant(preheat_minutes=0)
    taken: list[PlantFrame] = []
    plant.subscribe(taken.append)()
    await first_frames(plant, 1)
    assert taken == []


def test_half_an_hour_of_history_exists_from_the_start() -> None:
    plant = SimulatedPlant(preheat_minutes=30)
    now = clock.now()
    time, value, quality = plant.history(TAG, now - timedelta(hours=1), now, 0)
    assert 1795 <= time.size <= 1800
    assert set(np.diff(time).tolist()) == {1_000_000}
    assert 1.3 < value.min() < value.max() < 3.1
    assert np.all(quality == 0)


def test_history_is_limited_from_its_beginning() -> None:
    plant = SimulatedPlant(preheat_minutes=1)
    everything = plant.history(TAG, datetime(2000, 1, 1, tzinfo=UTC), clock.now(), 0)
    some = plant.history(TAG, datetime(2000, 1, 1, tzinfo=UTC), clock.now(), 10)
    assert np.array_equal(some[0], everything[0][:10])


async def test_speed_compresses_the_dynamics_but_not_the_clock() -> None:
    plant = SimulatedPlant(speed=120, preheat_minutes=0)
    before = plant.latest([TAG]).value
    plant.inject("bearing-wear", "P-102B", severity=1.0, ramp_s=120.0)
    frames = await first_frames(plant, 3)
    after = plant.latest([TAG]).value[0]
    assert before.size == 0
    assert after > 7.1
    assert (frames[-1].time - frames[0].time) == timedelta(seconds=2)


async def test_an_injected_fault_shows_and_ends() -> None:
    plant = SimulatedPlant(speed=10, preheat_minutes=0)
    label = is_a_source(plant).inject("imbalance", "P-102B", severity=1.0, ramp_s=0.0)
    assert plant.faults() == [label]
    await first_frames(plant, 1)
    assert plant.latest([TAG]).value[0] > 5.0
    plant.clear(label.id)
    await first_frames(plant, 1)
    assert plant.latest([TAG]).value[0] < 3.0
    assert plant.faults()[0].ended_at is not None


def test_a_bad_fault_is_refused() -> None:
    with pytest.raises(BadFault):
        SimulatedPlant(preheat_minutes=0).inject("surge", "P-102B")


@pytest.mark.parametrize("speed", [0, -1, 601])
def test_an_impossible_speed_is_refused(speed: int) -> None:
    with pytest.raises(SimulatorError, match="speed"):
        SimulatedPlant(speed=speed, preheat_minutes=0)
