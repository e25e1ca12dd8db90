"""A stream that is configured anew goes on where the old one stopped."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from optria.core.asset import Asset, PlantModel, Threshold
from optria.core.event import Event, Severity
from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.kit import clock
from optria.kit.settings import Settings
from optria.streams.handover import hand_over
from optria.streams.historian import Historian
from optria.streams.pipeline import Pipeline

PUMP = Asset(1, "P-1", "Pump 1", "Pump", 1)
FLOW = SignalMapping(5, 1, 1, "P-1.FT", "flow", "m3/h", normal_low=90.0, normal_high=110.0)
HEAT = SignalMapping(7, 1, 1, "P-1.TT", "temperature", "°C", normal_low=40.0, normal_high=60.0)
HIGH = Threshold("flow", "high", 120.0, Severity.MAJOR, asset_id=1)
PLANT = PlantModel(1, assets=(PUMP,), mappings=(FLOW, HEAT), thresholds=(HIGH,))


class Watched:
    """A pipeline and what it reported."""

    def __init__(self, plant: PlantModel, history: Historian | None = None) -> None:
        self.events: list[Event] = []
        self.stream = Pipeline(plant, Settings(), lambda _: None, self.events.append, lambda _: None, history)

    def configured(self, plant: PlantModel) -> "Watched":
        successor = Watched(plant, self.stream.history)
        hand_over(self.stream, successor.stream)
        return successor


def samples(tag: int, values: NDArray[np.float64], end: datetime) -> SampleBatch:
    """One a second, the last at ``end``."""
    time = to_micros(end) - np.arange(len(values), dtype=np.int64)[::-1] * 1_000_000
    return SampleBatch(np.full(len(values), tag, np.int32), time, values, np.zeros(len(values), np.uint8))


@pytest.fixture
def now() -> datetime:
    return clock.now() - timedelta(seconds=30)


@pytest.fixture
def running(now: datetime) -> Watched:
    """Ten minutes of a calm pump."""
    watched = Watched(PLANT)
    random = np.random.default_rng(3)
    for tag, level in ((FLOW.id, 100.0), (HEAT.id, 50.0)):
        watched.stream.ingest(samples(tag, level + random.standard_normal(600), now))
    return watched


def test_what_was_learned_and_seen_is_kept(running: Watched, now: datetime) -> None:
    extra = SignalMapping(6, 1, 1, "P-1.PT", "pressure", "bar")
    after = running.configured(replace(PLANT, mappings=(FLOW, extra, HEAT))).stream
    assert after.expected(FLOW.id) == running.stream.expected(FLOW.id)
    assert after.expected(extra.id) is None
    assert after.live.latest(HEAT.id) == running.stream.live.latest(HEAT.id)
    kept = after.recent.window(HEAT.id, now - timedelta(hours=1), now)
    assert kept.value == pytest.approx(
        running.stream.recent.window(HEAT.id, now - timedelta(hours=1), now).value
    )
    assert after.history is running.stream.history


def test_a_tag_with_another_meaning_begins_anew(running: Watched, now: datetime) -> None:
    in_litres = replace(FLOW, unit="l/h", scale=1000.0, normal_low=None, normal_high=None)
    after = running.configured(replace(PLANT, mappings=(in_litres, HEAT))).stream
    assert after.expected(FLOW.id) is None
    assert after.live.latest(FLOW.id) is None
    assert len(after.recent.window(FLOW.id, now - timedelta(hours=1), now)) == 0
    assert after.expected(HEAT.id) is not None


def test_a_limit_that_is_crossed_is_not_reported_again(running: Watched, now: datetime) -> None:
    running.stream.ingest(samples(FLOW.id, np.full(5, 130.0), now + timedelta(seconds=5)))
    assert [event.severity for event in running.events] == [Severity.MAJOR]
    after = running.configured(replace(PLANT, assets=(replace(PUMP, name="Pump one"),)))
    after.stream.ingest(samples(FLOW.id, np.full(5, 131.0), now + timedelta(seconds=10)))
    assert after.events == []
    after.stream.ingest(samples(FLOW.id, np.full(8, 100.0), now + timedelta(seconds=18)))
    assert [event.payload["state"] for event in after.events] == ["returned"]


def test_a_new_limit_is_watched_at_once(running: Watched, now: datetime) -> None:
    lower = Threshold("temperature", "high", 45.0, Severity.CRITICAL, asset_id=1)
    after = running.configured(replace(PLANT, thresholds=(HIGH, lower)))
    after.stream.ingest(samples(HEAT.id, np.full(5, 50.0), now + timedelta(seconds=5)))
    assert [event.severity for event in after.events] == [Severity.CRITICAL]


def test_an_open_screen_hears_of_everything_once_more(running: Watched) -> None:
    cursor, _ = running.stream.live.changed_since(0)
    after = running.configured(PLANT).stream
    newer, changed = after.live.changed_since(cursor)
    assert set(changed) == {FLOW.id, HEAT.id}
    assert after.live.changed_since(newer)[1] == {}


def test_counts_go_on(running: Watched, now: datetime) -> None:
    running.stream.ingest(samples(99, np.full(3, 1.0), now))
    after = running.configured(PLANT).stream
    assert after.counts["unknown_tag"] == 3
