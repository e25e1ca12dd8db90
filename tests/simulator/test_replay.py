"""A recording becomes a plant."""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.errors import SimulatorError
from optria.kit import clock
from optria.simulator.fault_kinds import BadFault
from optria.simulator.recording import parse_time, read_csv
from optria.simulator.replay import ReplayedPlant
from optria.simulator.source import BAD, GOOD, PlantFrame, PlantSource

SEMICOLON = """datetime;Accelerometer1RMS;Accelerometer2RMS;Volume Flow RateRMS;anomaly;note
2020-03-09 10:14:33;0,02;0,04;32.0;0.0;start
2020-03-09 10:14:34;0,03;;31.0;0.0;
2020-03-09 10:14:36;oops;0,05;nan;1.0;
2020-03-09 10:14:37;0,04;0,06;30.0;1.0;end
"""
COMMA = """when,load,temp
12.01.2021 08:00:02,3,21.5
12.01.2021 08:00:00,1,20.5
not a time,9,9
12.01.2021 08:00:01,2,broken
"""


@pytest.fixture
def pump(tmp_path: Path) -> Path:
    path = tmp_path / "valve1-0.csv"
    path.write_text(SEMICOLON, encoding="utf-8")
    return path


def comma(tmp_path: Path, text: str = COMMA) -> Path:
    path = tmp_path / "comma.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


async def replayed(plant: ReplayedPlant) -> list[PlantFrame]:
    frames: list[PlantFrame] = []
    plant.subscribe(frames.append)
    async with asyncio.timeout(20):
        await plant.run()
    return frames


def test_a_semicolon_file_with_decimal_commas(pump: Path) -> None:
    recording = read_csv(pump, ignore=frozenset({"anomaly"}))
    assert recording.columns == ["Accelerometer1RMS", "Accelerometer2RMS", "Volume Flow RateRMS"]
    assert recording.value[0].tolist() == [0.02, 0.04, 32.0]
    assert recording.quality.tolist() == [
        [GOOD, GOOD, GOOD],
        [GOOD, BAD, GOOD],
        [BAD, GOOD, BAD],
        [GOOD, GOOD, GOOD],
    ]


def test_a_comma_file_is_sorted_and_rows_without_time_are_counted(tmp_path: Path) -> None:
    recording = read_csv(comma(tmp_path))
    assert recording.value[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert recording.quality[:, 1].tolist() == [GOOD, BAD, GOOD]
    assert recording.skipped == 1
    assert np.diff(recording.time).tolist() == [1_000_000, 1_000_000]


@pytest.mark.parametrize(
    "cell",
    [
        "2020-03-09T10:14:33Z",
        "2020-03-09 13:14:33+03:00",
        "1583748873",
        "1583748873000",
        "09.03.2020 10:14:33",
    ],
)
def test_times_of_many_kinds_land_on_one_instant(cell: str) -> None:
    assert parse_time(cell) == datetime(2020, 3, 9, 10, 14, 33, tzinfo=UTC)


@pytest.mark.parametrize("cell", ["", "soon", "12", "nan", "inf"])
def test_what_is_no_time(cell: str) -> None:
    assert parse_time(cell) is None


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.sampled_from(",;"))
def test_numbers_come_back_as_written(numbers: list[float], separator: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "numbers.csv"
        rows = [f"{1_600_000_000 + i}{separator}{number!r}" for i, number in enumerate(numbers)]
        path.write_text("\n".join([f"time{separator}x", *rows]), encoding="utf-8")
        recording = read_csv(path)
    assert recording.value[:, 0].tolist() == numbers


@pytest.mark.parametrize(
    ("text", "time_column", "words"),
    [
        ("", None, "no rows"),
        ("time,x\n", None, "no rows"),
        ("a,b\n1,2\n", None, "--time-column"),
        ("time,x\n2020-01-01,1\n", "when", "no column 'when'; it has: time, x"),
        ("time,x\nnever,1\n", None, "no cell of the column 'time' is a time"),
        ("time,x\n2020-01-01,one\n", None, "no column holds numbers"),
    ],
)
def test_an_unusable_file_is_refused_in_words(
    tmp_path: Path, text: str, time_column: str | None, words: str
) -> None:
    with pytest.raises(SimulatorError, match=words):
        ReplayedPlant(comma(tmp_path, text), time_column)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"nowhere[.]csv"):
        ReplayedPlant(tmp_path / "nowhere.csv")


def test_the_catalogue_comes_from_the_file(pump: Path) -> None:
    catalogue = ReplayedPlant(pump, ignore={"anomaly"}).catalogue
    assert [asset.code for asset in catalogue.assets] == ["VALVE1-0"]
    assert [(tag.name, tag.metric) for tag in catalogue.tags] == [
        ("VALVE1-0.Accelerometer1RMS", "vibration"),
        ("VALVE1-0.Accelerometer2RMS", "accelerometer2rms"),
        ("VALVE1-0.Volume_Flow_RateRMS", "flow"),
    ]
    flow = catalogue.tags[2]
    assert (flow.low, flow.high) == (29.0, 33.0)


@pytest.mark.clause("C8")
async def test_rows_are_delivered_faster_with_their_spacing_and_none_in_the_future(pump: Path) -> None:
    plant: PlantSource
    plant = replay = ReplayedPlant(pump, speed=20.0, ignore={"anomaly"})
    frames = await replayed(replay)
    times = [frame.time for frame in frames]
    assert [time - times[0] for time in times] == [timedelta(seconds=s) for s in (0, 1, 3, 4)]
    assert times[-1] <= clock.now()
    assert frames[1].quality.tolist() == [GOOD, BAD, GOOD]
    assert plant.latest(["VALVE1-0.Accelerometer1RMS"]).value.tolist() == [0.04]
    history = plant.history("VALVE1-0.Volume_Flow_RateRMS", times[0], times[-1], 0)
    assert history[0].size == 4
    assert history[2].tolist() == [GOOD, GOOD, BAD, GOOD]


async def test_at_recorded_speed_source_times_are_now(tmp_path: Path) -> None:
    plant = ReplayedPlant(comma(tmp_path), speed=1.0)
    before = clock.now()
    frames = await replayed(plant)
    assert before <= frames[0].time <= frames[-1].time <= clock.now()
    assert frames[-1].time - frames[0].time == timedelta(seconds=2)


async def test_source_times_lead_back_to_the_rows(pump: Path) -> None:
    plant = ReplayedPlant(pump, speed=1000.0)
    with pytest.raises(SimulatorError, match="not started"):
        plant.source_time_of(datetime(2020, 3, 9, tzinfo=UTC))
    frames = await replayed(plant)
    recorded = datetime(2020, 3, 9, 10, 14, 36, tzinfo=UTC)
    assert plant.source_time_of(recorded) == frames[2].time
    assert plant.recorded_time_of(frames[2].time) == recorded


async def test_a_recording_can_have_data_and_sensor_faults_but_no_machine_faults(pump: Path) -> None:
    plant = ReplayedPlant(pump, speed=1000.0, ignore={"anomaly"})
    with pytest.raises(BadFault, match="no asset here"):
        plant.inject("surge", "VALVE1-0")
    label = plant.inject("nan", "VALVE1-0", severity=1.0, ramp_s=0.0)
    frames = await replayed(plant)
    assert np.all(np.isnan(frames[-1].value))
    plant.clear(label.id)
    assert plant.faults()[0].ended_at is not None


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), 1e9])
def test_an_impossible_speed_is_refused(pump: Path, speed: float) -> None:
    with pytest.raises(SimulatorError, match="speed"):
        ReplayedPlant(pump, speed=speed)
