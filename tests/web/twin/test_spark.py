"""Sparklines: band, line, breaks, and what is outside or in alarm."""

import re
from dataclasses import replace

import pytest

from optria.core.tag import Quality
from optria.web.twin import spark
from optria.web.twin.twin_page_model import Point, SignalView

NOW = 10_000_000
INNER_TOP = 3.0
INNER = spark.HEIGHT - 2 * INNER_TOP


def heights(path: str) -> list[float]:
    """The y of every point of a path."""
    return [float(y) for _x, y in re.findall(r"[ML](\S+?) ([\d.]+)", path)]


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
    assert drawn.band is not None
    top, height = drawn.band
    assert height == pytest.approx(INNER / 3, abs=0.2)
    assert top + height / 2 == pytest.approx(spark.HEIGHT / 2, abs=0.2)
    assert all(top <= y <= top + height for y in heights(drawn.line))


def test_a_growing_fault_leaves_the_band_and_still_fits() -> None:
    drawn = spark.draw(signal(2.0, 2.1, 6.0, 40.0, limits=(("critical", "high", 7.1),)), NOW)
    assert drawn.band is not None
    assert drawn.band[0] > spark.HEIGHT / 2
    assert drawn.band[1] >= 2.0
    [(_severity, path)] = drawn.alarms
    assert min(heights(path)) == INNER_TOP
    assert max(heights(drawn.line)) <= spark.HEIGHT


def test_a_fall_out_of_the_band_leaves_it_at_the_top() -> None:
    drawn = spark.draw(signal(2.0, 2.0, -9.0), NOW)
    assert drawn.band is not None
    assert drawn.band[0] + drawn.band[1] < spark.HEIGHT / 2
    assert max(heights(drawn.outside)) == spark.HEIGHT - INNER_TOP


def test_a_missing_value_breaks_the_line() -> None:
    drawn = spark.draw(signal(2.0, 2.1, None, 2.2, 2.0), NOW)
    assert drawn.line.count("M") == 2


def test_a_lone_value_between_gaps_is_a_dot() -> None:
    drawn = spark.draw(signal(2.0, 2.0, None, 2.0), NOW)
    first, lone = drawn.line.split("M")[1:]
    assert first != lone
    assert len(set(lone.split("L"))) == 1


def test_the_line_ends_with_the_live_value() -> None:
    seen = replace(signal(2.0, 2.0), value=9.0, time_ms=NOW + 1, limits=(("major", "high", 4.5),))
    assert spark.draw(seen, NOW).state == "major"
    assert spark.draw(replace(seen, quality=int(Quality.BAD)), NOW).state == "normal"


def test_after_a_gap_the_live_value_stands_alone() -> None:
    seen = replace(signal(2.0, 2.0, None), value=2.0, time_ms=NOW + 1)
    assert spark.draw(seen, NOW).line.count("M") == 2


def test_outside_the_band_is_heavy_and_past_a_limit_has_its_severity() -> None:
    drawn = spark.draw(signal(2.0, 2.5, 4.0, 8.0, limits=(("critical", "high", 7.1),)), NOW)
    assert min(heights(drawn.line)) == pytest.approx(max(heights(drawn.outside)))
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


def test_noise_of_a_signal_without_a_range_is_no_change() -> None:
    noisy = SignalView(
        1, "P.VT", "", "x", "", range_low=0.0, range_high=100.0, history=((NOW - 60_000, 5.0), (NOW, 5.1))
    )
    ys = heights(spark.draw(noisy, NOW).line)
    assert max(ys) - min(ys) < 1.0
