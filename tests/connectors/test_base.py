"""The seam between history and live values, and the state of a link."""

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optria.connectors.base import (
    HISTORY_ROWS_PER_BATCH,
    Advance,
    Link,
    LinkState,
    Seam,
    batch_of,
    in_time_order,
)
from optria.core.tag import SampleBatch
from optria.kit import clock

rows = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 30)), max_size=60)


def made(pairs: list[tuple[int, int]]) -> SampleBatch:
    return batch_of(
        [p[0] for p in pairs], [p[1] for p in pairs], [float(p[1]) for p in pairs], [0] * len(pairs)
    )


def pairs_of(batches: list[SampleBatch]) -> list[tuple[int, int]]:
    together = SampleBatch.concat(batches)
    return list(zip(together.tag.tolist(), together.source_time.tolist(), strict=True))


@given(rows)
def test_time_order_keeps_each_tag_and_time_once(pairs: list[tuple[int, int]]) -> None:
    ordered = pairs_of([in_time_order(made(pairs))])
    assert ordered == sorted(set(pairs), key=lambda p: (p[1], p[0]))


@given(rows, rows, rows)
def test_the_seam_loses_nothing_and_repeats_nothing_of_history(
    history: list[tuple[int, int]], waiting: list[tuple[int, int]], later: list[tuple[int, int]]
) -> None:
    got: list[SampleBatch] = []
    seam = Seam(got.append, Link(), hold=True)
    seam.offer(made(waiting))
    assert not got
    seam.join(in_time_order(made(history)))
    seam.offer(made(later))
    emitted = pairs_of(got)
    assert emitted == sorted(set(history), key=lambda p: (p[1], p[0])) + [
        pair for pair in [*waiting, *later] if pair not in set(history)
    ]


def test_history_comes_in_a_few_batches() -> None:
    got: list[SampleBatch] = []
    link = Link()
    seam = Seam(got.append, link, hold=True)
    seam.join(made([(1, n) for n in range(HISTORY_ROWS_PER_BATCH + 5)]))
    assert [len(batch) for batch in got] == [HISTORY_ROWS_PER_BATCH, 5]
    assert link.backfilled == HISTORY_ROWS_PER_BATCH + 5
    assert link.received == 0


def test_without_history_the_seam_passes_on_at_once() -> None:
    got: list[SampleBatch] = []
    seam = Seam(got.append, Link(), hold=False)
    seam.offer(made([(1, 1)]))
    seam.offer(made([]))
    seam.offer(made([(1, 1)]))
    assert pairs_of(got) == [(1, 1), (1, 1)]


def test_only_times_that_moved_on_are_news() -> None:
    advance = Advance()
    assert pairs_of([advance.news(made([(1, 5), (2, 5)]))]) == [(1, 5), (2, 5)]
    assert pairs_of([advance.news(made([(1, 5), (2, 6)]))]) == [(2, 6)]
    assert pairs_of([advance.news(made([(1, 4), (2, 5)]))]) == []


def test_rate_is_samples_per_second_from_the_start_and_decays() -> None:
    link = Link()
    now = clock.now()
    assert link.rate_at(now) == 0.0
    for second in range(60):
        link.count(made([(1, 1)] * 50), now + timedelta(seconds=second))
        assert 45 < link.rate_at(now + timedelta(seconds=second)) < 55
    last = now + timedelta(seconds=59)
    later = link.rate_at(last + timedelta(seconds=10))
    assert np.isclose(later / link.rate_at(last), 1 / np.e, rtol=0.01)


def test_lag_is_the_age_of_the_newest_sample() -> None:
    link = Link()
    then = clock.now() - timedelta(seconds=7)
    micros = round(then.timestamp() * 1e6)
    link.count(batch_of([1, 2], [micros, micros - 5_000_000], [1.0, 2.0], [0, 0]))
    assert link.lag_s is not None
    assert 7 <= link.lag_s < 60
    assert link.received == 2


def test_losing_a_link_keeps_its_sentence() -> None:
    link = Link()
    link.lost("The pump house is dark.")
    link.enter(LinkState.CONNECTED)
    assert link.last_error == "The pump house is dark."
    assert link.since is not None
