"""What can go wrong between an instrument and us, and what is remembered."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.tag import from_micros, to_micros
from optria.simulator.catalogue import CATALOGUE
from optria.simulator.engine import PlantEngine
from optria.simulator.fault_kinds import UnknownTag
from optria.simulator.faults import FaultAsk
from optria.simulator.plant import SECOND_US
from optria.simulator.ring import HistoryRing
from optria.simulator.source import BAD, GOOD, PlantFrame

START = datetime(2026, 1, 1, 5, 0, tzinfo=UTC)
OWN = [tag.name for tag in CATALOGUE.tags_of("P-102B")]
TAG = OWN[0]
OTHERS = len(CATALOGUE.tags) - len(OWN)


def frames(kind: str | None, count: int = 20, severity: float = 1.0) -> list[PlantFrame]:
    return run(kind, count, severity)[1]


def run(kind: str | None, count: int = 20, severity: float = 1.0) -> tuple[PlantEngine, list[PlantFrame]]:
    """A frame without the fault, then `count` with it."""
    engine = PlantEngine(1, START)
    engine.advance(1, engine.time_us + SECOND_US)
    if kind is not None:
        engine.inject(FaultAsk(kind, "P-102B", severity, ramp_s=0.0), START)
    return engine, [engine.advance(1, engine.time_us + SECOND_US) for _ in range(count)]


def own(frame: PlantFrame, column: str) -> np.ndarray:
    values: np.ndarray = getattr(frame, column)
    return values[[tag in OWN for tag in frame.tags]]


def test_a_healthy_frame_has_every_tag_once_good_and_of_its_second() -> None:
    for frame in frames(None):
        assert frame.tags == [tag.name for tag in CATALOGUE.tags]
        assert np.all(frame.quality == GOOD)
        assert np.all(frame.source_time == to_micros(frame.time))


@pytest.mark.clause("C8")
def test_bad_quality_at_half_severity_takes_half_of_the_samples() -> None:
    share = np.concatenate([own(frame, "quality") == BAD for frame in frames("bad-quality", 100, 0.5)]).mean()
    assert 0.4 < share < 0.6
    others = [frame.quality[[tag not in OWN for tag in frame.tags]] for frame in frames("bad-quality", 5)]
    assert np.all(np.concatenate(others) == GOOD)


def test_nan_comes_with_good_quality() -> None:
    frame = frames("nan")[-1]
    assert np.all(np.isnan(own(frame, "value")))
    assert np.all(own(frame, "quality") == GOOD)
    assert np.isnan(frame.value).sum() == len(OWN)


def test_a_skewed_clock_runs_ahead() -> None:
    frame = frames("clock-skew", severity=0.5)[-1]
    ahead_s = (frame.source_time - to_micros(frame.time)) / 1e6
    assert set(ahead_s.tolist()) == {0.0, 60.0}


def test_duplicates_repeat_the_sample() -> None:
    frame = frames("duplicates")[-1]
    assert Counter(Counter(frame.tags).values()) == {2: len(OWN), 1: OTHERS}
    first, second = (i for i, tag in enumerate(frame.tags) if tag == TAG)
    assert frame.value[first] == frame.value[second]
    assert frame.source_time[first] == frame.source_time[second]


def test_out_of_order_samples_follow_newer_ones_and_none_is_lost() -> None:
    engine, sent = run("out-of-order", 60, 0.5)
    times = [
        int(t) for frame in sent for t, tag in zip(frame.source_time, frame.tags, strict=True) if tag == TAG
    ]
    late = sum(later < earlier for earlier, later in pairwise(times))
    assert late > 5
    assert len(set(times)) == len(times) >= 59
    assert len(engine.delivery.history(TAG, START, START + timedelta(hours=1), 0)[0]) == 61


def test_stale_samples_keep_their_time_and_value() -> None:
    sent = frames("stale")
    assert {int(t) for frame in sent for t in own(frame, "source_time")} == {to_micros(START) + SECOND_US}
    assert np.array_equal(own(sent[0], "value"), own(sent[-1], "value"))


def test_a_lost_link_says_bad_once_and_is_silent_then() -> None:
    first, second = frames("link-loss", 2)
    assert np.all(own(first, "quality") == BAD)
    assert not set(OWN) & set(second.tags)
    assert len(second.tags) == OTHERS


def test_delivery_recovers_when_the_fault_is_cleared() -> None:
    engine, _sent = run("link-loss", 3)
    engine.faults.end("F0001", START)
    frame = engine.advance(1, engine.time_us + SECOND_US)
    assert frame.tags == [tag.name for tag in CATALOGUE.tags]
    assert np.all(frame.quality == GOOD)


def test_latest_is_the_last_delivered_sample() -> None:
    engine, sent = run(None)
    latest = engine.delivery.latest([TAG, "SEP-001.Pressure"])
    assert latest.tags == [TAG, "SEP-001.Pressure"]
    assert latest.value[0] == sent[-1].value[sent[-1].tags.index(TAG)]
    assert latest.time == sent[-1].time


def test_an_unknown_tag_is_named() -> None:
    with pytest.raises(UnknownTag, match=r"P-102B[.]XX-1"):
        PlantEngine(1, START).delivery.latest(["P-102B.XX-1"])


def test_before_the_first_frame_nothing_is_latest() -> None:
    assert PlantEngine(1, START).delivery.latest([TAG]).tags == []


@given(rows=st.integers(1, 30), appended=st.integers(0, 60), limit=st.integers(0, 40))
def test_the_ring_keeps_the_newest_rows_in_order(rows: int, appended: int, limit: int) -> None:
    ring = HistoryRing(rows, 2)
    for time in range(appended):
        ring.append(
            np.full(2, time, np.int64), np.full(2, time * 0.5), np.zeros(2, np.uint8), np.array([True, False])
        )
    kept = list(range(max(0, appended - rows), appended))
    expected = kept[:limit] if limit else kept
    times, value, quality = ring.read(0, 0, 1000, limit)
    assert times.tolist() == expected
    assert value.tolist() == [t * 0.5 for t in expected]
    assert quality.size == len(expected)
    assert ring.read(1, 0, 1000, 0)[0].size == 0


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_microseconds_round_trip(time: datetime) -> None:
    assert from_micros(to_micros(time)) == time
