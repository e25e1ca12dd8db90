"""Would-be incidents against those that people have judged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from optria.backtest.stored_cases import Explained
from optria.backtest.stored_incidents import WouldBe
from optria.backtest.stored_labels import Label
from optria.backtest.stored_outcome import Side, side_of
from optria.core.event import Event, EventCategory, EventWindow, Severity
from optria.core.incident import Anchor
from tests.analyses import analysis

T0 = datetime(2026, 11, 20, 6, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def made(asset: int, minutes: float, ordered: bool = False) -> Explained:
    anchor = Anchor(asset, at(minutes), 2.0, 0.6, (), "level")
    window = EventWindow(at(minutes - 30), at(minutes + 30))
    would_be = WouldBe(anchor, at(minutes + 0.1), window, False, Severity.MAJOR, at(minutes), assets={asset})
    return Explained(would_be, analysis(), at(minutes + 1) if ordered else None)


def label(number: str, asset: int, minutes: float, cause: str) -> Label:
    none = cause == ""
    return Label(
        number, number, asset, frozenset({asset}), at(minutes), at(minutes + 5), "MAJOR", cause, none
    )


def judged(*labels: Label, found: tuple[Explained, ...]) -> Side:
    return side_of(found, [], labels, is_cut=False)


def test_the_first_of_a_judged_incident_is_a_hit_and_another_a_repeat() -> None:
    top = analysis().top.label
    side = judged(label("A", 1, 0, top), found=(made(1, 1, ordered=True), made(1, 20)))
    assert [one.verdict for one in side.incidents] == ["hit", "repeat"]
    assert (side.missed, side.orders, side.causes_right) == ((), 1, 2)
    assert side.median_delay_s == 66.0


def test_another_asset_or_time_is_extra_and_the_judged_one_is_missed() -> None:
    side = judged(label("A", 1, 0, "Seal Leak"), found=(made(2, 1), made(1, 90)))
    assert [one.verdict for one in side.incidents] == ["extra", "extra"]
    assert side.missed == ("A",)
    assert side.median_delay_s is None


def test_one_that_people_found_to_be_none_is_false_and_never_missed() -> None:
    side = judged(label("A", 1, 0, ""), label("B", 5, 0, ""), found=(made(1, 1),))
    assert [one.verdict for one in side.incidents] == ["false"]
    assert side.missed == ()
    assert side.incidents[0].is_cause_right is None


def test_the_nearest_judged_incident_counts() -> None:
    side = judged(label("A", 1, 0, "Seal Leak"), label("B", 1, 25, "Seal Leak"), found=(made(1, 20),))
    assert side.incidents[0].label == "B"
    assert side.missed == ("A",)


def test_alarms_are_limits_crossed_not_left() -> None:
    crossed = Event(at(1), Severity.MINOR, EventCategory.ALERT, "above its limit", asset_id=3)
    left = replace(crossed, severity=Severity.INFO, category=EventCategory.SENSOR)
    side = side_of([], [(at(1), crossed), (at(2), left), (at(3), crossed)], [], is_cut=False)
    assert (side.alarms, side.alarms_of) == (2, ((3, 2),))
