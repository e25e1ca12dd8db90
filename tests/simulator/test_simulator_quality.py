"""The judge itself: runs are delivered and told apart as drawn, and its figures count what they say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np

from benchmarks import simulator_quality as quality
from benchmarks.causes_on_simulator import starting_rules
from benchmarks.simulator_runs import AFTER_S, PLANT, Draw, Feed, draw_runs, side_by_side, watch_faults
from optria.core.incident import Anchor
from optria.simulator.fault_run import fault_run

START = datetime(2026, 1, 5, tzinfo=UTC)
CODES = {asset.id: asset.code for asset in PLANT.assets}


def anchor(code: str, after_s: float) -> Anchor:
    asset_id = next(a.id for a in PLANT.assets if a.code == code)
    return Anchor(asset_id, START + timedelta(seconds=after_s), 2.0, 0.9, (), "level")


def drawn(kind: str, asset: str, seed: int) -> Draw:
    return Draw(kind, asset, None, 0.9, 5.0, False, seed, 600, START)


def test_plants_side_by_side_hear_only_of_their_own_fault() -> None:
    draws = [drawn("imbalance", "PUMP-002", 1), drawn("seal-leak", "P-102B", 2)]
    runs = list(watch_faults(draws))
    for draw, run in zip(draws, runs, strict=True):
        assert run.draw == draw
        assert len(run.time) == 600 + AFTER_S
        first = min(run.anchors, key=lambda one: one.time)
        assert CODES[first.asset_id] == draw.asset
        assert 0.0 <= (first.time - run.label.started_at).total_seconds() < 60.0
        named = {PLANT.mappings[c.tag - 1].asset_id for c in first.contributions}
        assert named == {first.asset_id}


def test_every_sample_that_is_given_comes_once() -> None:
    recording = fault_run(None, seed=3, minutes_before=0.0, minutes_after=2.0)
    feed = Feed(recording, 9)
    came = [pair for row in range(len(feed.time)) for pair in zip(*feed.at(row), strict=True)]
    assert len(came) == len(set(came))
    assert 0.0 < 1.0 - len(came) / feed.given.size < 0.02
    assert all(len(part) == 0 for part in (*feed.at(-1), *feed.at(len(feed.time))))
    assert np.all(np.diff(feed.time, axis=0) > 0)


def test_copies_of_the_plant_share_nothing() -> None:
    both = side_by_side(2)
    assert len({m.id for m in both.mappings}) == 2 * len(PLANT.mappings)
    first = set(range(1, len(PLANT.assets) + 1))
    assert all((link.source in first) == (link.target in first) for link in both.links)


def test_anchors_become_incidents_as_the_recorder_makes_them() -> None:
    train = [anchor("COMP-002", 0), anchor("E-302", 20), anchor("PUMP-001", 25)]
    assert [len(one) for one in quality.incidents_of(train)] == [2, 1]
    again = [anchor("T-201", 0), anchor("T-201", 7200)]
    assert len(quality.incidents_of(again)) == 1
    assert len(quality.incidents_of(again, open_for=timedelta(minutes=30))) == 2


def test_draws_are_repeatable_and_even_over_the_kinds() -> None:
    draws = draw_runs(5, 30)
    assert draws == draw_runs(5, 30) != draw_runs(6, 30)
    assert {sum(d.kind == kind for d in draws) for kind in {d.kind for d in draws}} == {2}
    assert all((d.tag is not None) == d.kind.startswith("sensor") for d in draws)


def test_operations_stay_within_the_shift_and_what_operators_may_move() -> None:
    asked = quality.operations(Random(1), 40_000)
    assert asked == quality.operations(Random(1), 40_000)
    assert all(quality.WARM_UP_S < one.begin_s < 40_000 for one in asked)
    assert all(abs(one.size) <= quality.SIZES[one.order] for one in asked)


def test_what_was_not_found_counts_against_recall_only() -> None:
    run = next(watch_faults([drawn("imbalance", "PUMP-002", 1)]))
    found = quality.answer(run, (), starting_rules())
    missed = quality.answer(replace(run, anchors=(), events=()), (), starting_rules())
    assert found.final is not None
    assert found.final.analysis.top.label == "Rotor Imbalance"
    assert missed.final is None
    assert missed.delay_s is None
    measured = quality.detection([found, missed])
    assert measured["recall"][0] == 0.5
    assert measured["delay_median_s"][0] == found.delay_s
    assert quality.causes([found], "final", "")["ac1"] == (1.0, 1.0, 1.0)
