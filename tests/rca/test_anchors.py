"""Where an incident begins: a critical event, else the first anomaly of the sensors."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from optria.core.event import EventCategory, Severity
from optria.core.incident import Anchor
from optria.rca.anchors import first_zscore_anomaly, select_anchor
from optria.rca.case import RawEntry, Series
from optria.rca.timeline import TimelineEntry, build_timeline
from tests.rca.cases import ANCHOR, case, limit_event, sensors


def aligned(*entries: RawEntry) -> tuple[TimelineEntry, ...]:
    return build_timeline(case(events=entries, series=(), maintenance=())).events


def critical(minutes: float, asset_id: int = 1) -> RawEntry:
    time = ANCHOR + timedelta(minutes=minutes)
    return limit_event("vibration", 8.0, 7.1, time=time, asset_id=asset_id, severity=Severity.CRITICAL)


@pytest.mark.clause("A5")
def test_the_earliest_critical_event_of_the_asset_is_the_anchor() -> None:
    anchor = select_anchor(
        1, aligned(critical(5), critical(2), critical(1, asset_id=2)), sensors(vibration=30)
    )
    assert anchor is not None
    assert anchor.time == ANCHOR + timedelta(minutes=2)


@pytest.mark.clause("A5")
def test_what_the_product_wrote_itself_is_no_anchor() -> None:
    own = RawEntry("optria", ANCHOR, severity=Severity.CRITICAL, category=EventCategory.AI_OUTPUT, asset_id=1)
    assert select_anchor(1, aligned(own), ()) is None


@pytest.mark.clause("A6")
def test_without_a_critical_event_the_detector_decides() -> None:
    asked: list[int] = []

    def detector(asset_id: int, sensor: Sequence[Series]) -> Anchor:
        asked.append(asset_id)
        return Anchor(asset_id, ANCHOR, 2.0, 0.9, (), "mine")

    anchor = select_anchor(1, aligned(limit_event("vibration", 5.0, 4.5)), sensors(), detector)
    assert asked == [1]
    assert anchor is not None
    assert anchor.detector == "mine"


@pytest.mark.clause("A6")
def test_the_zscore_finds_the_first_shift() -> None:
    anchor = select_anchor(1, (), sensors(vibration=12))
    assert anchor is not None
    assert timedelta(0) < anchor.time - ANCHOR <= timedelta(seconds=5)
    assert anchor.contributions[0].direction == "high"


@pytest.mark.clause("A6")
def test_the_zscore_keeps_silent_on_noise_and_on_other_assets() -> None:
    assert first_zscore_anomaly(1, sensors()) is None
    assert first_zscore_anomaly(2, sensors(vibration=12)) is None
    assert first_zscore_anomaly(1, ()) is None
