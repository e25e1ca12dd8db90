"""Anchors and CRITICAL events become incidents as the recorder would make them."""

from datetime import UTC, datetime, timedelta

import numpy as np

from optria.backtest.stored_incidents import WouldBe, would_be_incidents
from optria.backtest.stored_stream import Heard
from optria.core.asset import Asset, Link, PlantModel
from optria.core.event import Event, EventCategory, Severity
from optria.core.incident import Anchor
from optria.core.tag import to_micros

T0 = datetime(2026, 11, 20, 6, tzinfo=UTC)
END = T0 + timedelta(hours=12)
ASSETS = tuple(Asset(n, f"P-{n}", f"Pump {n}", "Pump", None, "critical") for n in (1, 2, 3, 4, 5))
PLANT = PlantModel(1, assets=ASSETS, links=(Link(1, 2), Link(2, 3), Link(3, 4)))


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def anchor(asset: int, minutes: float, probability: float = 0.6, mode: str = "process") -> Anchor:
    return Anchor(asset, at(minutes), 2.0, probability, (), "level", mode)


def heard(*anchors: Anchor, cleared: tuple[tuple[float, int], ...] = ()) -> Heard:
    said = [(one.time + timedelta(seconds=5), one) for one in anchors]
    return Heard((1, 2, 3, 4, 5), said, [(at(minutes), asset) for minutes, asset in cleared])


def made(found: Heard) -> list[WouldBe]:
    return would_be_incidents(PLANT, found, [], END)


def test_a_neighbour_that_deviates_just_after_joins() -> None:
    (one,) = made(heard(anchor(1, 0), anchor(2, 2), anchor(3, 4)))
    assert one.asset_id == 1
    assert one.assets == {1, 2, 3}
    assert one.occurrences == 3


def test_what_is_far_later_or_not_linked_is_its_own() -> None:
    found = made(heard(anchor(1, 0), anchor(5, 1), anchor(2, 9)))
    assert [one.asset_id for one in found] == [1, 5, 2]


def test_an_episode_that_goes_on_is_one_incident_until_its_asset_is_calm() -> None:
    (one,) = made(heard(anchor(1, 0), cleared=((50, 1),)))
    assert one.end is not None
    assert at(50) <= one.end <= at(56)
    two = made(heard(anchor(1, 0), anchor(1, 40), anchor(1, 60), cleared=((10, 1), (41, 1))))
    assert [one.anchor.time for one in two] == [at(0), at(40)]  # at 60 the second one's window is open
    assert [one.end is None for one in two] == [False, True]


def test_what_goes_on_at_the_end_of_the_period_has_no_end() -> None:
    assert made(heard(anchor(1, 0)))[0].end is None


def test_a_critical_event_opens_an_incident_or_makes_one_graver() -> None:
    event = Event(at(1), Severity.CRITICAL, EventCategory.ALERT, "beyond its limit", asset_id=1)
    minor = Event(at(2), Severity.MINOR, EventCategory.ALERT, "beyond its limit", asset_id=5)
    found = heard(anchor(1, 0, 0.3))
    found.events += [(at(1.1), event), (at(2.1), minor)]
    (one,) = made(found)
    assert one.severity_at(at(1)) < Severity.CRITICAL
    assert one.severity_at(at(2)) is Severity.CRITICAL
    assert at(1.1) in one.passes
    alone = heard()
    alone.events.append((at(1.1), event))
    (one,) = made(alone)
    assert one.by_event
    assert one.severity is Severity.CRITICAL


def test_a_fault_that_grows_surer_is_graver_at_the_next_pass() -> None:
    found = heard(anchor(1, 0, 0.3))
    for minutes, p in ((0.1, 0.3), (1.9, 0.99), (25, 0.2)):
        found.step_end_us.append(to_micros(at(minutes)))
        found.probability.append(np.array([p, 0, 0, 0, 0], np.float32))
    (one,) = made(found)
    assert one.severity_at(at(1)) is Severity.MINOR
    assert one.severity_at(at(3)) is Severity.CRITICAL
    assert one.severity_at(one.final_pass) is Severity.CRITICAL
