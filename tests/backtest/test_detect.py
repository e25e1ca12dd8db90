"""The production path over a recording: what trains is never alarmed, the rest is said row by row."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from optria.backtest.detect import detect, train
from optria.backtest.detection_report import report
from optria.backtest.recording import Recording, plant_of
from optria.core.tag import from_micros

TAGS = ("FI-1", "PI-2", "VI-3", "TI-4")


def normal(rows: int, seed: int, step_s: float = 1.0, tags: Sequence[str] = TAGS) -> Recording:
    """Values around 50 with a common swing, a column per tag."""
    rng = np.random.default_rng(seed)
    swing = np.convolve(rng.standard_normal(rows + 20), np.ones(20) / 20, "valid")[:rows]
    own = np.convolve(rng.standard_normal(rows + 5), np.ones(5) / 5, "valid")[:rows]
    value = 50 + swing[:, None] * np.linspace(1, 2, len(tags)) + 0.3 * own[:, None]
    value += 0.2 * rng.standard_normal((rows, len(tags)))
    time = (np.arange(rows) * step_s * 1e6).astype(np.int64)
    return Recording("made up", tuple(tags), time, value, tuple(str(i) for i in range(rows)))


def stepped(
    recording: Recording, begin: int, end: int | None = None, tag: int = 2, by: float = 15.0
) -> Recording:
    recording.value[begin:end, tag] += by
    return recording


@pytest.mark.parametrize("step_s", [1.0, 60.0])
def test_a_step_is_found_and_its_tag_named(step_s: float) -> None:
    found = detect(stepped(normal(900, 1, step_s), 700))
    assert not found.alarm[:700].any()
    assert found.alarm[705:].mean() > 0.9
    assert len(found.anchors) == 1
    late_s = (found.anchors[0].time - from_micros(0)).total_seconds() - 700 * step_s
    assert 0 <= late_s <= 10 * step_s
    assert found.tag(found.anchors[0].contributions[0].tag) == "VI-3"
    assert {found.top[row] for row in range(710, 760)} == {"VI-3"}
    assert ((found.score > 1) == (found.probability > found.probability[found.score <= 1].max())).all()


def test_what_happens_in_the_warm_up_is_no_alarm_then_or_later() -> None:
    found = detect(stepped(normal(900, 2), 250, 330, by=40.0))
    assert not found.alarm.any()
    assert not found.score[:400].any()
    assert found.anchors == ()
    all_of_it = detect(stepped(normal(500, 2), 450), warm_up=600)
    assert not all_of_it.alarm.any()
    assert all_of_it.anchors == ()
    assert all_of_it.live_from == 500


def test_recordings_of_normal_operation_train_before_the_first_row() -> None:
    trained = [normal(300, 3), normal(300, 4, tags=("TI-4", "VI-3", "PI-2", "FI-1"))]
    found = detect(stepped(normal(200, 5), 100), warm_up=0, trained=trained)
    assert not found.alarm[:100].any()
    assert found.alarm[110:150].all()


def test_gaps_in_time_forget_nothing() -> None:
    recording = stepped(normal(900, 6), 700)
    recording.time[450:] += 86_400_000_000
    found = detect(recording)
    assert not found.alarm[:700].any()
    assert found.alarm[710:760].all()


@pytest.mark.parametrize("warm_up", [150, 400, 800])
def test_the_warm_up_is_as_long_as_one_says(warm_up: int) -> None:
    found = detect(stepped(normal(1100, 11), warm_up + 60), warm_up)
    assert not found.alarm[: warm_up + 60].any()
    assert found.alarm[warm_up + 70 : warm_up + 120].all()
    assert found.live_from == warm_up


def test_what_was_learned_once_serves_many_recordings() -> None:
    plant, days = plant_of(normal(10, 1)), [normal(300, 3), normal(300, 4)]
    trained = train(plant, days)
    recording = stepped(normal(200, 5), 100)
    recording.time[:] += 1_700_000_000_000_000
    again = detect(recording, 0, trained, plant)
    anew = detect(stepped(normal(200, 5), 100), 0, days)
    assert again.score == pytest.approx(anew.score)
    assert again.anchors[0].time - anew.anchors[0].time == timedelta(seconds=1_700_000_000)


def test_missing_values_and_rows_are_no_fault() -> None:
    recording = stepped(normal(900, 7), 750)
    rng = np.random.default_rng(1)
    recording.value[rng.random(recording.value.shape) < 0.2] = np.nan
    recording.value[500:520] = np.nan
    recording.value[:, 1] = np.where(np.arange(900) % 10, np.nan, recording.value[:, 1])
    found = detect(recording)
    assert not found.alarm[:750].any()
    assert found.alarm[760:800].all()
    assert len(found.score) == 900


def test_each_asset_of_a_plant_is_anchored_by_itself() -> None:
    recording = stepped(normal(900, 8), 700)
    plant = plant_of(
        recording, {"FI-1": "P-1", "PI-2": "P-1", "VI-3": "P-2", "TI-4": "P-2"}, [("P-1", "P-2")]
    )
    found = detect(recording, plant=plant)
    anchored = [plant.asset(anchor.asset_id) for anchor in found.anchors]
    assert [asset.code for asset in anchored if asset] == ["P-2"]


def test_the_report_compares_with_the_label() -> None:
    recording = stepped(normal(900, 9), 700)
    label = np.arange(900) >= 700
    labelled = Recording(recording.name, TAGS, recording.time, recording.value, recording.stamp, label=label)
    told = report(labelled, detect(labelled))
    against = told["against_label"]
    assert isinstance(against, dict)
    assert against["f1"] > 0.95
    assert against["false_onsets"] == 0
    assert (against["faults"], against["faults_seen"]) == (1, 1)
    assert 0 < against["median_delay_s"] < timedelta(seconds=15).total_seconds()


def test_progress_is_told_to_the_end() -> None:
    done: list[int] = []
    detect(normal(1500, 10), progress=done.append)
    assert done == [1000, 1500]
