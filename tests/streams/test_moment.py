"""A stream that is ended at any moment goes on as if it never had: state, moment and anchors are equal."""

import json
import random

import numpy as np
import pytest
from numpy.typing import NDArray

from optria.core.asset import Threshold
from optria.core.event import Severity
from optria.core.tag import SampleBatch, from_micros, to_micros
from optria.streams.moment import positions_in, resume, snapshot
from optria.streams.pipeline import Pipeline
from optria.streams.replay import replay
from tests.streams.plants import BEGIN, Run, normal_run, plant

SECONDS = 400
THRESHOLD = Threshold("power", "high", 60.0, Severity.MAJOR, asset_type="Pump")


def story() -> NDArray[np.float64]:
    """Normal operation, a fault on the first pump, values that are none, and a frozen instrument."""
    values = normal_run(plant(2), SECONDS)
    values[250:320, 3] += np.linspace(0, 25, 70)
    values[330:335, 5] = np.nan
    values[300:, 8] = values[300, 8]
    return values


def begun() -> Run:
    return Run(plant(2, thresholds=[THRESHOLD]))


def stored(run: Run, values: NDArray[np.float64], first: int, last: int) -> SampleBatch:
    """What the history holds of the seconds [first, last)."""
    tags = np.array([m.id for m in run.model.mappings], np.int32)
    times = to_micros(BEGIN) + 1_000_000 * (np.arange(first, last) + 1)
    part = values[first:last].ravel()
    quality = np.where(np.isfinite(part), 0, 2).astype(np.uint8)
    return SampleBatch(
        np.tile(tags, last - first), np.repeat(times, len(tags)).astype(np.int64), part, quality
    )


def moment_of(pipeline: Pipeline) -> dict[str, object]:
    moment: dict[str, object] = json.loads(snapshot(pipeline)())["moment"]
    return moment


def ended_and_begun_again(values: NDArray[np.float64], saved_at: int, ended_at: int) -> Run:
    """A run whose last checkpoint is of ``saved_at``, and whose samples are stored until ``ended_at``."""
    before = begun().feed(values[:saved_at])
    kept = json.loads(snapshot(before.pipeline)())
    after = begun()
    after.anchors, after.events, after.cleared = before.anchors, before.events, before.cleared
    after.pipeline = after.listening()
    after.pipeline.restore(kept["learned"])
    resume(after.pipeline, kept["moment"], frozenset(positions_in(kept["moment"])))
    after.time = from_micros(to_micros(BEGIN) + ended_at * 1_000_000)
    assert replay(after.pipeline, stored(after, values, max(saved_at - 60, 0), ended_at)) > 0
    return after.feed(values[ended_at:])


@pytest.mark.parametrize("seed", range(6))
def test_ended_at_any_moment_it_goes_on_as_if_it_never_had(seed: int) -> None:
    values, chance = story(), random.Random(seed)
    saved_at = chance.randrange(20, SECONDS - 40)
    ended_at = chance.randrange(saved_at + 1, SECONDS - 1)
    whole, parted = begun().feed(values), ended_and_begun_again(values, saved_at, ended_at)
    assert whole.anchors
    assert whole.events
    assert parted.anchors == whole.anchors
    assert parted.events == whole.events
    assert parted.cleared == whole.cleared
    assert parted.pipeline.state() == whole.pipeline.state()
    assert moment_of(parted.pipeline) == moment_of(whole.pipeline)


def test_what_is_older_than_the_position_is_remembered_and_not_scored() -> None:
    values = story()
    run = begun().feed(values[:200])
    before = run.pipeline.state()
    assert replay(run.pipeline, stored(run, values, 100, 200)) == 0
    assert run.pipeline.state() == before


def test_a_moment_of_another_kind_is_refused_whole() -> None:
    run, fresh = begun().feed(story()[:100]), begun()
    good = moment_of(run.pipeline)
    for broken in ({"version": 99}, {"position": "x"}, {"limits": 3}, {"episodes": {"1": 5}}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            resume(fresh.pipeline, good | broken, frozenset(positions_in(good)))
        assert moment_of(fresh.pipeline) == moment_of(begun().pipeline)
