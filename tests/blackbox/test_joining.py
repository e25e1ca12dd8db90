"""Which open incident an anchor belongs to."""

from datetime import UTC, datetime, timedelta

import pytest

from optria.blackbox.joining import JOIN_WITHIN, Running, joined, within
from optria.core.asset import Link, PlantModel
from optria.core.incident import Anchor

START = datetime(2026, 1, 1, tzinfo=UTC)
ROW = PlantModel(1, links=tuple(Link(n, n + 1) for n in range(1, 6)))
"""Six assets in a row."""


def running(root: int, *reached: int, latest: datetime = START) -> Running[str]:
    return Running(f"of {root}", root, frozenset({root, *reached}), latest)


def anchor(asset_id: int, after: timedelta = timedelta(seconds=10), mode: str = "process") -> Anchor:
    return Anchor(asset_id, START + after, 2.0, 0.9, (), "level", mode)


def test_an_asset_joins_its_own_incident_whenever_and_however() -> None:
    one = running(2)
    assert joined(ROW, [running(1), one], anchor(2, timedelta(hours=2), "sensor")) is one


@pytest.mark.parametrize(("asset_id", "joins"), [(2, True), (3, True), (4, False)])
def test_a_neighbour_joins_what_is_at_most_two_links_away(asset_id: int, joins: bool) -> None:
    assert (joined(ROW, [running(1)], anchor(asset_id)) is not None) is joins


def test_it_is_followed_from_wherever_the_incident_has_spread_to() -> None:
    assert joined(ROW, [running(1, 3)], anchor(5)) is not None


def test_a_late_neighbour_is_an_incident_of_its_own() -> None:
    assert joined(ROW, [running(1)], anchor(2, JOIN_WITHIN)) is not None
    assert joined(ROW, [running(1)], anchor(2, JOIN_WITHIN + timedelta(seconds=1))) is None


def test_what_spreads_slowly_is_followed_from_asset_to_asset() -> None:
    spreading = running(1, 2, latest=START + timedelta(minutes=4))
    assert joined(ROW, [spreading], anchor(3, timedelta(minutes=8))) is spreading


def test_an_instrument_that_fails_beside_a_fault_is_part_of_it() -> None:
    assert joined(ROW, [running(1)], anchor(2, mode="sensor")) is not None


def test_links_are_followed_both_ways() -> None:
    assert within(ROW, {3}, 1) == {2, 3, 4}
    assert within(ROW, {3}, 2) == {1, 2, 3, 4, 5}
