"""A day without faults is quiet."""

import numpy as np

from optria.simulator.catalogue import CATALOGUE
from optria.simulator.demo_plant import DemoPlant
from optria.simulator.fault_run import fault_run
from optria.simulator.instruments import NOISE_SHARE

NAMES = [tag.name for tag in CATALOGUE.tags]
LOW = np.array([tag.normal_low for tag in CATALOGUE.tags])
SPAN = np.array([tag.normal_high - tag.normal_low for tag in CATALOGUE.tags])


def test_24_hours_stay_in_the_normal_range_and_come_back_to_where_they_began() -> None:
    plant = DemoPlant(np.random.default_rng(5))
    rows = []
    for second in range(86_400):
        plant.step()
        if second % 60 == 0:
            readings = plant.readings()
            rows.append([readings[name] for name in NAMES])
    share = (np.array(rows) - LOW) / SPAN
    margin = 5.0 * NOISE_SHARE
    outside = [
        name
        for name, low, high in zip(NAMES, share.min(0), share.max(0), strict=True)
        if low < margin or high > 1.0 - margin
    ]
    assert outside == []
    runaway = np.abs(share[-60:].mean(axis=0) - share[:60].mean(axis=0))
    assert runaway.max() < 0.05, NAMES[int(runaway.argmax())]


def test_noise_is_steady_and_outweighs_the_disturbances() -> None:
    run = fault_run(None, minutes_before=0, minutes_after=20)
    share = (run.value - LOW) / SPAN
    noise = np.diff(share, axis=0).std(axis=0) / np.sqrt(2.0)
    assert np.all(noise[[tag.low < tag.normal_low for tag in CATALOGUE.tags]] > 0.8 * NOISE_SHARE)
    slow = share.reshape(20, 60, -1).mean(axis=1).std(axis=0)
    assert slow.max() < 1.5 * NOISE_SHARE
    assert np.all(run.quality == 0)


def test_a_seed_gives_the_same_run_again_and_another_seed_another() -> None:
    first, again, other = (
        fault_run(None, seed=seed, minutes_before=0, minutes_after=2) for seed in (7, 7, 8)
    )
    assert np.array_equal(first.value, again.value)
    assert not np.array_equal(first.value, other.value)
