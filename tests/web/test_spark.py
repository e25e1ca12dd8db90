"""Sparklines: band, line, breaks, and what is outside or in alarm."""

from optria.web import spark
from optria.web.twin_page_model import Point, SignalView

NOW = 10_000_000


def signal(*values: float | None, limits: tuple[tuple[str, str, float], ...] = ()) -> SignalView:
    first = NOW - (len(values) - 1) * 60_000
    history: tuple[Point, ...] = tuple((first + i * 60_000, value) for i, value in enumerate(values))
    return SignalView(
        1, "P.VT", "", "vibration", "mm/s", normal_low=1.0, normal_high=3.0, limits=limits, history=history
    )


def test_without_history_nothing_is_drawn() -> None:
    assert spark.draw(signal(), NOW) == spark.Sparkline()
    assert spark.draw(signal(None, None), NOW) == spark.Sparkline()


def test_normal_values_are_one_line_in_the_band() -> None:
    drawn = spark.draw(signal(1.5, 2.0, 2.5), NOW)
    assert drawn.line.count("M") == 1
    assert drawn.outside == ""
    assert drawn.alarms == ()
    assert drawn.band == (3.0, 22.0)


def test_a_missing_value_breaks_the_line() -> None:
    drawn = spark.draw(signal(2.0, 2.1, None, 2.2, 2.0), NOW)
    assert drawn.line.count("M") == 2


def test_outside_the_band_is_heavy_and_past_a_limit_has_its_severity() -> None:
    drawn = spark.draw(signal(2.0, 2.5, 4.0, 8.0, limits=(("critical", "high", 7.1),)), NOW)
    assert drawn.outside.count("L") == 1
    assert [severity for severity, _path in drawn.alarms] == ["critical"]
    assert drawn.state == "critical"


def test_the_right_edge_is_now_and_an_hour_fits() -> None:
    drawn = spark.draw(signal(*[2.0] * 61), NOW)
    assert drawn.last is not None
    assert drawn.last[0] == spark.WIDTH - 3
    assert drawn.line.startswith("M0 ")


def test_a_constant_signal_without_a_range_is_drawn_in_the_middle() -> None:
    flat = SignalView(1, "P.VT", "", "x", "", history=((NOW - 60_000, 5.0), (NOW, 5.0)))
    drawn = spark.draw(flat, NOW)
    assert drawn.band is None
    assert drawn.last is not None
    assert drawn.last[1] == spark.HEIGHT / 2
