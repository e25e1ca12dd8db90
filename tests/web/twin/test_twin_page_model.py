"""What the twin shows of a signal and of an asset."""

from datetime import UTC, datetime

import pytest

from optria.web.twin.twin_page_model import AssetView, IncidentView, OrderView, SignalView

BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


def signal(**changes: object) -> SignalView:
    given: dict[str, object] = {
        "tag": 1, "external_tag": "P-102B.VT-1022", "label": "", "metric": "vibration", "unit": "mm/s",
        "range_low": 0.0, "range_high": 25.0, "normal_low": 1.0, "normal_high": 3.0,
        "value": 2.0, "time_ms": 0,
    }  # fmt: skip
    return SignalView(**(given | changes))  # type: ignore[arg-type]


def test_indicator_has_room_for_the_normal_range_and_every_limit() -> None:
    shown = signal(limits=(("critical", "high", 7.1),))
    assert shown.low == 0.0
    assert shown.high == pytest.approx(7.7)
    assert 0 < shown.normal_from < shown.fraction < shown.normal_to < 1


def test_indicator_of_a_signal_without_a_normal_range_is_its_range() -> None:
    shown = signal(normal_low=None, normal_high=None)
    assert (shown.low, shown.high) == (0.0, 25.0)


def test_pointer_stays_on_the_track() -> None:
    assert signal(value=1000.0).fraction == 1.0
    assert signal(value=-1000.0).fraction == 0.0


def test_a_value_on_its_limit_is_not_past_it() -> None:
    limits = (("minor", "high", 5.0), ("critical", "high", 7.1), ("major", "low", 1.0))
    judged = [signal(limits=limits).alarm_of(value) for value in (0.9, 1.0, 5.0, 5.1, 7.1, 7.2)]
    assert judged == ["major", "normal", "normal", "minor", "minor", "critical"]


def test_instrument_is_the_last_part_of_the_tag() -> None:
    assert signal().instrument == "VT-1022"


def test_order_of_the_shown_incident_is_found_among_the_open_ones() -> None:
    incident = IncidentView("i-2", "INC-2", "Bearing Fault", "critical", "OPEN", BEGAN)
    other = OrderView("w-1", "WO-1", "Oil", "open", "low", incident_id="i-1")
    mine = OrderView("w-2", "WO-2", "Bearing", "open", "emergency", incident_id="i-2")
    asset = AssetView(1, "P-102B", "Pump", "Pump", "critical", incidents=(incident,), orders=(other, mine))
    assert asset.incident_order is mine
    assert AssetView(1, "P", "Pump", "Pump", "low", orders=(other,)).incident_order is None
