"""Every fault moves the tags it should, the way it should, and is labelled."""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.catalogue import FaultLabel
from optria.simulator.catalogue import CATALOGUE
from optria.simulator.fault_kinds import FAULT_KINDS, BadFault, UnknownFault
from optria.simulator.fault_run import Recording, fault_run
from optria.simulator.faults import Fault, FaultAsk, FaultBook, fitting_assets

AT = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = {tag.name: tag.normal_high - tag.normal_low for tag in CATALOGUE.tags}
BEFORE_MIN, AFTER_MIN = 1, 14
CLEARLY = 0.05
"""Of the normal range; the noise of the means compared is ten times less."""

UP, DOWN = 1, -1
MOVES: dict[str, dict[str, int]] = {
    "bearing-wear": {"vibration": UP, "bearing_temperature": UP},
    "cavitation": {
        "suction_pressure": DOWN,
        "flow": DOWN,
        "vibration": UP,
        "current": DOWN,
        "temperature": UP,
    },
    "imbalance": {"vibration": UP, "bearing_temperature": UP},
    "misalignment": {"vibration": UP, "bearing_temperature": UP, "axial_vibration": UP},
    "seal-leak": {"seal_level": DOWN, "flush_pressure": DOWN, "flow": DOWN},
    "suction-blockage": {"suction_pressure": DOWN},
    "discharge-blockage": {},
    "fouling": {"approach_temperature": UP, "differential_pressure": UP, "valve_output": UP},
    "motor-electrical": {
        "current": UP,
        "current_imbalance": UP,
        "power_factor": DOWN,
        "winding_temperature": UP,
    },
    "surge": {"vibration": UP, "axial_vibration": UP, "suction_temperature": UP},
}
SPECIAL: list[tuple[str, str, dict[str, int]]] = [
    ("discharge-blockage", "P-102B", {"P-102B.FT-4011": DOWN, "P-102B.PT-1025": UP, "V-102.LT-1021": UP}),
    (
        "discharge-blockage",
        "PUMP-001",
        {"PUMP-001.FT-5001": DOWN, "PUMP-001.Pressure": UP, "HX-001.TT-5041": UP},
    ),
    (
        "discharge-blockage",
        "PUMP-003",
        {"PUMP-003.FT-1031": DOWN, "PUMP-003.Pressure": UP, "P-102B.PT-1027": DOWN},
    ),
    ("discharge-blockage", "P-201", {"P-201.FT-2014": DOWN, "P-201.PT-2016": UP, "SEP-001.LT-1013": UP}),
    (
        "discharge-blockage",
        "PUMP-002",
        {"PUMP-002.FT-5011": DOWN, "PUMP-002.Pressure": UP, "TURB-001.JT-5032": DOWN},
    ),
    ("discharge-blockage", "COMP-002", {"COMP-002.PT-3024": UP, "SEP-001.Pressure": UP}),
    ("discharge-blockage", "COMP-001", {"COMP-001.FT-5021": DOWN, "COMP-001.Pressure": UP}),
    ("suction-blockage", "P-102B", {"P-102B.FT-4011": DOWN, "P-102A.PT-1047": UP, "V-102.LT-1021": UP}),
    ("suction-blockage", "COMP-002", {"V-301.PT-3001": UP, "SEP-001.Pressure": UP, "COMP-002.ST-3020": UP}),
    ("valve-leak", "FV-302", {"FV-302.FT-3042": UP, "COMP-002.FT-3022": UP, "COMP-002.JT-3029": UP}),
    ("valve-leak", "PSV-101", {"PSV-101.FT-1018": UP, "PSV-101.TT-1019": UP, "E-302.FT-3031": DOWN}),
    ("valve-leak", "LCV-101", {"LCV-101.LY-1015": DOWN, "LCV-101.ZT-1015": DOWN}),
    ("utility-loss", "E-302", {"E-302.TT-3034": UP, "E-302.ZT-3036": UP}),
    ("utility-loss", "HX-001", {"HX-001.TT-5042": UP, "HX-001.Temperature": UP, "HX-001.FT-5043": DOWN}),
    ("utility-loss", "SEP-001", {"SEP-001.FT-1010": DOWN, "P-102B.FT-4011": DOWN, "COMP-002.FT-3022": DOWN}),
]


@cache
def normal() -> Recording:
    return fault_run(None, seed=3, minutes_before=BEFORE_MIN, minutes_after=AFTER_MIN)


@cache
def broken(kind: str, asset: str) -> Recording:
    return fault_run(kind, asset, 0.8, 3, BEFORE_MIN, AFTER_MIN, ramp_s=60.0)


def difference(kind: str, asset: str) -> dict[str, np.ndarray]:
    """Against the same seed without the fault, in normal ranges, over the last six minutes."""
    rows = (broken(kind, asset).value - normal().value)[-360:]
    return {name: rows[:, column] / SPAN[name] for column, name in enumerate(normal().tags)}


def pairs(group: str) -> list[tuple[str, str]]:
    return [
        (kind.kind, asset)
        for kind in FAULT_KINDS.values()
        if kind.group == group
        for asset in fitting_assets(kind, CATALOGUE)
    ]


@pytest.mark.clause("C8")
@pytest.mark.parametrize(("kind", "asset"), [pair for pair in pairs("machine") if pair[0] in MOVES])
def test_a_fault_moves_its_tags_in_its_direction(kind: str, asset: str) -> None:
    moved = difference(kind, asset)
    for tag in CATALOGUE.tags_of(asset):
        sign = MOVES[kind].get(tag.metric)
        if sign is not None and (kind, tag.metric) != ("surge", "temperature"):
            assert sign * moved[tag.name].mean() > CLEARLY, tag.name


@pytest.mark.parametrize(("kind", "asset", "moves"), SPECIAL)
def test_a_fault_reaches_its_neighbours(kind: str, asset: str, moves: dict[str, int]) -> None:
    moved = difference(kind, asset)
    for name, sign in moves.items():
        assert sign * moved[name].mean() > CLEARLY, name


@pytest.mark.parametrize(("kind", "asset"), pairs("machine"))
def test_a_machine_fault_shows_in_a_tag_of_its_label(kind: str, asset: str) -> None:
    label = broken(kind, asset).label
    assert label is not None
    moved = difference(kind, asset)
    assert max(abs(moved[name].mean()) + moved[name].std() for name in label.tags) > 0.1


def test_only_neighbours_feel_a_fault() -> None:
    moved = difference("bearing-wear", "P-102B")
    touched = {name.partition(".")[0] for name, shift in moved.items() if abs(shift.mean()) > CLEARLY}
    assert touched == {"P-102B"}


def test_a_sticking_valve_swings() -> None:
    quiet = normal().value[-360:, normal().tags.index("LCV-101.FT-1016")].std()
    swinging = broken("valve-stiction", "LCV-101").value[-360:, normal().tags.index("LCV-101.FT-1016")].std()
    assert swinging > 3.0 * quiet


def test_cavitation_and_surge_are_noisy() -> None:
    for kind, asset, tag in (
        ("cavitation", "P-102B", "P-102B.PT-1025"),
        ("cavitation", "P-102B", "P-102B.VT-1022"),
        ("surge", "COMP-002", "COMP-002.FT-3022"),
        ("surge", "COMP-002", "COMP-002.PT-3024"),
    ):
        column = normal().tags.index(tag)
        quiet, noisy = (np.diff(run.value[-360:, column]).std() for run in (normal(), broken(kind, asset)))
        assert noisy > 3.0 * quiet, tag


def test_bearing_wear_is_worse_the_more_severe() -> None:
    column = normal().tags.index("P-102B.VT-1022")
    runs = [fault_run("bearing-wear", "P-102B", severity, 3, 1, 4) for severity in (0.2, 0.5, 1.0)]
    levels = [run.value[-60:, column].mean() for run in runs]
    assert levels[0] < levels[1] < levels[2]
    assert levels[2] > 7.1


@pytest.mark.parametrize("asset", ["P-102B", "T-201", "PSV-101", "TURB-001"])
def test_a_drifting_sensor_leaves_its_neighbours(asset: str) -> None:
    label = broken("sensor-drift", asset).label
    assert label is not None
    moved = difference("sensor-drift", asset)
    assert {name for name, shift in moved.items() if abs(shift.mean()) > CLEARLY} == set(label.tags)
    assert len(label.tags) == 1


def test_a_stuck_sensor_shows_one_value() -> None:
    run = broken("sensor-stuck", "P-102B")
    assert run.label is not None
    column = run.tags.index(run.label.tags[0])
    assert np.ptp(run.value[-600:, column]) == 0.0
    assert np.ptp(normal().value[-600:, column]) > 0.0


def test_the_label_tells_the_truth() -> None:
    run = fault_run("cavitation", "P-102B", 0.6, 3, 2, 1, ramp_s=30.0)
    label = run.label
    assert label is not None
    assert (label.kind, label.cause, label.asset) == ("cavitation", "Pump Cavitation", "P-102B")
    assert (label.severity, label.ramp_s, label.ended_at) == (0.6, 30.0, None)
    assert "P-102B.PT-1027" in label.tags
    assert label.started_at.timestamp() * 1e6 == run.time[119]


def book() -> FaultBook:
    return FaultBook(CATALOGUE)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (FaultAsk("bering-wear", "P-102B"), ["'bering-wear'", "bearing-wear", "valve-leak"]),
        (FaultAsk("bearing-wear", "P-999"), ["'P-999'", "P-102B", "COMP-002"]),
        (FaultAsk("cavitation", "COMP-002"), ["COMP-002 is a Compressor", "P-102B"]),
        (FaultAsk("imbalance", "P-102A"), ["P-102A is on standby", "P-102B"]),
        (FaultAsk("valve-stiction", "FV-302"), ["closed", "LCV-101"]),
        (FaultAsk("surge", "COMP-002", severity=1.5), ["severity", "1.5"]),
        (FaultAsk("surge", "COMP-002", severity=float("nan")), ["severity"]),
        (FaultAsk("surge", "COMP-002", severity=0.0), ["severity"]),
        (FaultAsk("surge", "COMP-002", ramp_s=-1.0), ["ramp"]),
        (FaultAsk("surge", "COMP-002", duration_s=0.0), ["duration"]),
        (FaultAsk("surge", "COMP-002", tag="COMP-002.Vibration"), ["surge", "no fault of one instrument"]),
        (FaultAsk("sensor-drift", "T-201", tag="P-201.VT-2012"), ["P-201.VT-2012", "T-201.LIT-2011"]),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_words(ask: FaultAsk, words: list[str]) -> None:
    with pytest.raises(BadFault) as refused:
        book().begin(ask, 0.0, AT)
    assert all(word in str(refused.value) for word in words)


def test_an_unknown_fault_cannot_be_ended() -> None:
    with pytest.raises(UnknownFault, match="F0009"):
        book().end("F0009", AT)


def test_a_fault_ends_after_its_duration() -> None:
    faults = book()
    faults.begin(FaultAsk("surge", "COMP-002", duration_s=10.0), 100.0, AT)
    faults.expire(109.0, AT)
    assert [label.ended_at for label in faults.labels()] == [None]
    faults.expire(110.0, AT)
    assert [label.ended_at for label in faults.labels()] == [AT]
    assert list(faults.acting()) == []


@given(st.floats(0.01, 1.0), st.floats(0.0, 1e4), st.floats(0.0, 1e5), st.floats(0.0, 1e5))
def test_intensity_grows_to_the_severity(severity: float, ramp_s: float, one: float, two: float) -> None:
    label = FaultLabel("F1", "surge", "Compressor Surge", "COMP-002", (), severity, AT, ramp_s)
    fault = Fault(label, FAULT_KINDS["surge"], 0.0, None)
    early, late = sorted((one, two))
    assert 0.0 <= fault.intensity(early) <= fault.intensity(late) <= severity
    assert fault.intensity(ramp_s) == pytest.approx(severity)
    assert fault.intensity(-1.0) == 0.0


def test_an_instrument_can_be_chosen_and_drift_down() -> None:
    quiet, faulty = (
        fault_run(kind, "T-201", 0.8, 3, 1, 2, 5.0, tag="T-201.TT-2021" if kind else None, falls=True)
        for kind in (None, "sensor-drift")
    )
    moved = (faulty.value - quiet.value)[-30:].mean(axis=0)
    assert {name for name, away in zip(faulty.tags, moved, strict=True) if away} == {"T-201.TT-2021"}
    assert moved[faulty.tags.index("T-201.TT-2021")] < -1.0
