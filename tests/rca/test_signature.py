"""The pattern of an incident, and which tags it may be read from."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from optria.core.tag import Quality, to_micros
from optria.rca.case import Case, Series
from optria.rca.engine import analyse
from optria.rca.signals import read_signals
from optria.rca.signature import ALONE, signature
from tests.rca.cases import ANCHOR, case, sensors, series, spoiled


def features(whole: Case) -> dict[str, float]:
    return signature(read_signals(whole, whole.series))


def shaken(tag: int, metric: str, factor: float) -> Series:
    """Noise times ``factor`` after the anchor, about the same mean."""
    whole = series(tag, metric)
    mean, after = whole.value.mean(), whole.time > to_micros(ANCHOR)
    return replace(whole, value=np.where(after, mean + (whole.value - mean) * factor, whole.value))


def frozen(whole: Series) -> Series:
    after = whole.time > to_micros(ANCHOR)
    return replace(whole, value=np.where(after, whole.value[~after][-1], whole.value))


def test_levels_are_signed_and_quiet_tags_are_left_out() -> None:
    found = features(case(series=sensors(vibration=20, flow=-12)))
    assert found["vibration.level"] > 10
    assert found["flow.level"] < -5
    assert "pressure.level" not in found


def test_unsteadiness_is_seen_without_a_shift() -> None:
    found = features(case(series=(*sensors()[1:], shaken(1, "vibration", 4.0))))
    assert found["vibration.noise"] > 5
    assert "vibration.level" not in found


def test_a_slow_swing_is_unsteady_and_a_ramp_is_not() -> None:
    whole = series(1, "vibration")
    after = np.maximum(whole.time - to_micros(ANCHOR), 0) / 1e6
    swing = replace(whole, value=whole.value + np.sin(after / 30.0) * (after > 0))
    ramp = replace(whole, value=whole.value + after / 100.0)
    assert features(case(series=(swing, *sensors()[1:])))["vibration.noise"] > 5
    climbing = features(case(series=(ramp, *sensors()[1:])))
    assert "vibration.noise" not in climbing
    assert climbing["vibration.slope"] > 5


def test_what_the_others_explain_weighs_less_than_what_they_do_not() -> None:
    common = np.random.default_rng(9).normal(0, 3, len(series(1, "flow").time))
    common = np.convolve(common, np.ones(120) / 12, "same")
    flow, power = (series(tag, metric) for tag, metric in ((4, "flow"), (6, "power")))
    flow = replace(flow, value=flow.value + 4 * common)
    power = replace(power, value=power.value + 3 * common)
    after = flow.time > to_micros(ANCHOR)
    lone = features(case(series=(replace(flow, value=flow.value + 200 * after), power)))
    both = features(
        case(
            series=(
                replace(flow, value=flow.value + 200 * after),
                replace(power, value=power.value + 150 * after),
            )
        )
    )
    assert lone["flow.given"] > both["flow.given"]
    assert lone["flow.level"] == both["flow.level"]


def test_neighbours_are_named_by_their_side() -> None:
    up, down = series(20, "level", -20, asset_id=3), series(21, "level", 20, asset_id=2)
    found = features(case(series=(*sensors(), up, down)))
    assert found["up:level.level"] < 0 < found["down:level.level"]
    assert "up:level.level" not in features(
        case(series=(*sensors(), replace(up, mapping=series(20, "level", 0, 99).mapping)))
    )


def test_one_tag_that_leaves_alone_points_to_the_instrument() -> None:
    drifted = case(series=sensors(temperature=20), events=(), history=())
    assert features(drifted)[ALONE] > 4
    assert analyse(drifted).top.label == "Instrumentation Fault"
    assert ALONE not in features(case(series=sensors(temperature=20, flow=-20)))


def test_a_sensor_anchor_points_to_the_instrument_when_little_is_seen() -> None:
    weak = case(series=sensors(temperature=1.0), events=(), history=())
    told = replace(weak, anchor=replace(weak.anchor, mode="sensor"))
    assert ALONE not in features(weak)
    assert analyse(told).top.label == "Instrumentation Fault"


@pytest.mark.parametrize("trouble", ["bad", "stale", "frozen"])
def test_untrusted_tags_are_named_and_count_little(trouble: str) -> None:
    moved = series(1, "vibration", 25)
    spoil = {
        "bad": spoiled(moved, Quality.BAD),
        "stale": cut(moved, ANCHOR + timedelta(minutes=5)),
        "frozen": frozen(moved),
    }[trouble]
    analysis = analyse(case(series=(spoil, *sensors()[1:]), events=(), history=()))
    assert analysis.facts["untrusted_tags"] == f"P-101.T-1 ({trouble})"
    trusted = analyse(case(series=sensors(vibration=25))).signature["vibration.level"]
    assert abs(analysis.signature.get("vibration.level", 0.0)) < trusted / 2


def test_a_stuck_tag_points_to_the_instrument() -> None:
    analysis = analyse(case(series=(*sensors()[1:], frozen(series(1, "vibration"))), events=(), history=()))
    assert analysis.top.label == "Instrumentation Fault"


def test_without_a_reference_there_is_no_pattern() -> None:
    late = tuple(cut_before(s, ANCHOR - timedelta(seconds=20)) for s in sensors(vibration=25))
    assert features(case(series=late)) == {}
    assert features(case(series=())) == {}


def test_gaps_and_values_that_are_none_are_survived() -> None:
    holed = series(1, "vibration", 25)
    keep = np.random.default_rng(3).random(len(holed.time)) > 0.7
    value = np.where(keep, holed.value, np.nan)
    found = features(case(series=(replace(holed, value=value), *sensors()[1:])))
    assert found["vibration.level"] > 10


def cut(whole: Series, end: datetime) -> Series:
    return select(whole, whole.time <= to_micros(end))


def cut_before(whole: Series, begin: datetime) -> Series:
    return select(whole, whole.time > to_micros(begin))


def select(whole: Series, kept: NDArray[np.bool_]) -> Series:
    return replace(whole, time=whole.time[kept], value=whole.value[kept], quality=whole.quality[kept])


def test_a_quiet_tag_of_coarse_resolution_is_not_called_stuck() -> None:
    whole = series(4, "flow")
    coarse = replace(whole, mapping=replace(whole.mapping, decimals=0), value=whole.value / 100.0)
    assert "flow.noise" not in features(case(series=(coarse,)))


def test_a_standing_machine_that_keeps_standing_has_no_pattern() -> None:
    still = replace(series(4, "flow"), value=np.zeros(len(series(4, "flow").time)))
    assert features(case(series=(still, *sensors()[:3]))) == {}
