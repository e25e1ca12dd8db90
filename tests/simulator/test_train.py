"""The flows, pressures, powers and levels of the train obey each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optria.simulator.catalogue import ASSETS
from optria.simulator.dynamics import Disturbances, Pi, Upsets, clamp, day_wave, lag
from optria.simulator.train import LP_M3, OIL_SHRINKAGE, SEPARATOR_M3, OilTrain

SHARES = st.floats(0.0, 1.0)


def oil_train(**broken: Upsets) -> OilTrain:
    upsets = {asset.code: Upsets() for asset in ASSETS}
    upsets.update({code.replace("_", "-"): upset for code, upset in broken.items()})
    return OilTrain(upsets)


def run(train: OilTrain, seconds: int, seed: int = 1) -> tuple[float, float]:
    """Oil that flowed into and out of the high-pressure separator, m³."""
    gusts = Disturbances([20.0] * 15, np.random.default_rng(seed))
    came = left = 0.0
    for _ in range(seconds):
        gusts.step()
        train.step(38.2, gusts, 0.0, 32.0, 1.0)
        came += train.wells.liquid * (1.0 - train.wells.water_cut) / 3600.0
        left += train.valve_m3h / 3600.0
    return came, left


@settings(max_examples=15, deadline=None)
@given(blocked=SHARES, wear=SHARES, seed=st.integers(0, 1000))
def test_what_the_separator_does_not_let_out_raises_its_level(blocked: float, wear: float, seed: int) -> None:
    train = oil_train(P_102B=Upsets(discharge_blockage=blocked, bearing_wear=wear))
    before = train.level
    came, left = run(train, 600, seed)
    assert 0.0 < train.level < 100.0
    assert (train.level - before) / 100.0 * SEPARATOR_M3 == pytest.approx(came - left, abs=1e-6)


def test_the_lp_separator_integrates_valve_less_pumps() -> None:
    train = oil_train(P_102B=Upsets(suction_blockage=0.8))
    gusts = Disturbances([20.0] * 15, np.random.default_rng(1))
    for _ in range(300):
        gusts.step()
        level, pumped = train.lp_level, train.export_m3h
        train.step(38.2, gusts, 0.0, 32.0, 1.0)
        stored = (train.lp_level - level) / 100.0 * LP_M3 * 3600.0
        assert stored == pytest.approx(train.valve_m3h * OIL_SHRINKAGE - pumped, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(SHARES, SHARES, SHARES)
def test_the_oil_pumps_stand_in_series(cavitation: float, suction: float, discharge: float) -> None:
    upsets = Upsets(cavitation=cavitation, suction_blockage=suction, discharge_blockage=discharge)
    train = oil_train(P_102B=upsets)
    run(train, 200)
    transfer, export = train.transfer, train.export
    assert transfer.flow == pytest.approx(export.flow)
    assert export.suction_bar < transfer.discharge_bar
    assert export.suction_bar < export.discharge_bar


def test_power_is_flow_times_pressure_over_efficiency() -> None:
    train = oil_train(P_102B=Upsets(discharge_blockage=0.6))
    run(train, 300)
    pump = train.export
    hydraulic_kw = pump.flow * (pump.discharge_bar - pump.suction_bar) / 36.0
    machine = pump.machine
    assert hydraulic_kw / machine.power_kw == pytest.approx(406.0 * 33.0 / 36.0 / 494.0)
    volts = machine.power_kw * 1000.0 / (math.sqrt(3.0) * machine.current_a * machine.power_factor)
    assert volts == pytest.approx(494_000.0 / (math.sqrt(3.0) * 188.0 * 0.87))


def test_the_bearing_temperature_lags_the_vibration() -> None:
    train = oil_train(P_102B=Upsets(bearing_wear=0.8))
    machine = train.export.machine
    cold = machine.bearing_c
    run(train, 30)
    soon = machine.bearing_c - cold
    run(train, 900)
    assert machine.vibration > 4.5
    assert 0.0 < soon < 0.25 * (machine.bearing_c - cold)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.01, 1e4), st.floats(0.01, 100.0))
def test_a_lag_never_overshoots(value: float, target: float, tau_s: float, dt_s: float) -> None:
    moved = lag(value, target, tau_s, dt_s)
    assert min(value, target) - 1e-9 <= moved <= max(value, target) + 1e-9


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50))
def test_a_controller_stays_within_its_limits(measurements: list[float]) -> None:
    controller = Pi(0.0, 2.0, 10.0, 0.0, 100.0, 50.0)
    assert all(0.0 <= controller.step(measured, 1.0) <= 100.0 for measured in measurements)


@given(st.floats(-10, 10), st.floats(-10, 0), st.floats(0, 10))
def test_clamp(value: float, low: float, high: float) -> None:
    assert low <= clamp(value, low, high) <= high


def test_the_day_is_warmest_at_three_in_the_afternoon() -> None:
    assert day_wave(15 * 3600.0) == pytest.approx(1.0)
    assert day_wave(3 * 3600.0) == pytest.approx(-1.0)
