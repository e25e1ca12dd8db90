"""Median, 95th percentile and histogram of how long orders took."""

import random

from optria.web.overview.latency import BINS, TARGET_S, latency_of


def test_without_orders_nothing_is_said() -> None:
    assert latency_of([]).median_s is None


def test_every_order_is_in_a_bar_or_beyond_the_axis() -> None:
    chance = random.Random(7)
    for _ in range(50):
        seconds = [chance.expovariate(1 / chance.uniform(0.1, 400)) for _ in range(chance.randint(1, 300))]
        found = latency_of(seconds)
        assert len(found.bins) == BINS
        assert sum(found.bins) + found.beyond == found.count == len(seconds)
        assert found.median_s is not None
        assert found.p95_s is not None
        assert found.median_s <= found.p95_s <= found.end_s
        assert found.beyond == sum(each > found.end_s for each in seconds)
        assert found.within_target == sum(each <= TARGET_S for each in seconds)


def test_the_axis_ends_at_a_round_number() -> None:
    assert latency_of([0.2, 0.3, 0.4]).end_s == 0.5
    assert latency_of([3.0] * 20).end_s == 5.0
    assert latency_of([9_000.0]).end_s == 3 * 3600
