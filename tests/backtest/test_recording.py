"""Recordings of any program are read; what was made of them is said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from optria.backtest.recording import column_names, plant_of, read_recording
from optria.core.errors import Invalid
from optria.core.tag import to_micros

BEGIN = datetime(2026, 3, 1, 6, tzinfo=UTC)


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "run.csv"
    path.write_bytes(text.encode(encoding))
    return path


def seconds(*numbers: float) -> list[int]:
    return [to_micros(BEGIN + timedelta(seconds=number)) for number in numbers]


@pytest.mark.parametrize(
    "text",
    [
        "time,a,b\n2026-03-01 06:00:00,1.5,2\n2026-03-01 06:00:01,,4\n",
        "time;a;b\n2026-03-01T06:00:00Z;1,5;2\n2026-03-01T09:00:01+03:00;;4\n",
        "\ufeffwhen\ta\tb\n01.03.2026 06:00:00\t1.5\t2\n01.03.2026 06:00:01\tnan\t4\n",
        'Timestamp,"a","b"\n1772344800,1.5,2\n1772344801,Bad,4\n',
        "ms;b;a\n1772344800000;2;1,5\n1772344801000;4;No Data\n",
        "stamp,a,b\n1772344800000000,1.5,2\n1772344801000000,,4\n",
        "Date,Clock,a,b\n2026-03-01,06:00:00,1.5,2\n2026-03-01,06:00:01,,4\n",
        "time,a,b,\n2026-03-01 06:00:00.000 UTC,1.5,2,\n2026-03-01 06:00:01.000 UTC,I/O Timeout,4,\n",
        "time,a,b\n,bar,°C\n03/01/2026 6:00:00 AM,1.5,2\n03/01/2026 6:00:01 AM,,4\n",
        "time;a;b\r\n\r\n01-Mar-26 06:00:00;1,5;2\r\n01-Mar-26 06:00:01;;4\r\n",
    ],
)
def test_the_same_two_rows_however_they_are_written(tmp_path: Path, text: str) -> None:
    recording = read_recording(written(tmp_path, text))
    assert sorted(recording.tags) == ["a", "b"]
    assert recording.time.tolist() == seconds(0, 1)
    a, b = (recording.value[:, recording.tags.index(tag)] for tag in ("a", "b"))
    assert a[0] == 1.5
    assert np.isnan(a[1])
    assert b.tolist() == [2.0, 4.0]


def test_files_of_spreadsheets_in_other_encodings(tmp_path: Path) -> None:
    text = "time;Öl;b\n2026-03-01 06:00:00;1;2\n2026-03-01 06:00:01;3;4\n"
    for encoding in ("cp1252", "utf-16"):
        assert read_recording(written(tmp_path, text, encoding)).tags == ("Öl", "b")


def test_without_a_column_of_times_rows_are_a_second_apart(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, "a,b\n1,5\n2,5\n1,5\n"))
    assert recording.tags == ("a", "b")
    assert recording.time.tolist() == [0, 1_000_000, 2_000_000]
    assert recording.stamp == ("0", "1", "2")
    assert "there is no column of times: a row a second" in recording.notes
    assert "never changes: b" in recording.notes


def test_without_names_columns_are_counted(tmp_path: Path) -> None:
    assert read_recording(written(tmp_path, "0.5 \t7.25\n0.25\t6\n")).tags == ("column 1", "column 2")
    numbered = read_recording(written(tmp_path, "0,1,2\n0.5,7,1\n0.25,6,2\n"))
    assert numbered.tags == ("0", "1", "2")
    assert len(numbered) == 2


def test_elapsed_time_in_the_unit_of_its_name(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, "time (min),a\n0,1\n3,2\n6,1\n"))
    assert np.diff(recording.time).tolist() == [180_000_000] * 2
    assert read_recording(written(tmp_path, "time,a\n0,1\n0.5,2\n1,1\n")).step_us == 500_000


def test_a_column_named_like_time_that_goes_up_and_down_is_a_tag(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path, "t,a\n21.5,1\n20,2\n22,1\n20,3\n"))
    assert recording.tags == ("t", "a")


def test_what_is_no_tag_is_left_out_and_said(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},2026-03-01 06:00:{i:02},{i % 3},run,{int(i > 8)}" for i in range(12))
    text = f"row,when,a,state,fault\n{rows}\n"
    recording = read_recording(written(tmp_path, text), ignore=("elsewhere",), label="fault")
    assert recording.tags == ("a",)
    assert recording.label is not None
    assert recording.label.nonzero()[0].tolist() == [9, 10, 11]
    assert "left out, for holding a count of rows: row" in recording.notes
    assert "left out, for holding no numbers: state" in recording.notes
    assert "there is no column elsewhere to ignore" in recording.notes


def test_a_column_of_0_and_1_may_be_a_label_and_is_named(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{i % 3},{int(i > 8)}" for i in range(12))
    recording = read_recording(written(tmp_path, f"second,a,fault\n{rows}\n"))
    assert "only 0 and 1: fault; if that is no signal, --label or --ignore it" in recording.notes


def test_labels_in_words_and_tags_that_are_often_bad(tmp_path: Path) -> None:
    rows = ["1,nan,normal", "Bad,nan,", "Bad,nan,Leak", "Bad,nan,true", "2.5,nan,0.0", "Bad,nan,1"]
    recording = read_recording(written(tmp_path, "a,b,state\n" + "\n".join(rows) + "\n"), label="state")
    assert recording.tags == ("a",)
    assert recording.label is not None
    assert recording.label.tolist() == [False, False, True, True, False, True]
    assert "left out, for holding no numbers: b" in recording.notes


def test_rows_out_of_order_are_played_in_order_and_keep_their_place(tmp_path: Path) -> None:
    text = "time,a\n2026-03-01 06:00:00,1\n2026-03-01 06:00:02,3\n2026-03-01 06:00:01,2\n"
    recording = read_recording(written(tmp_path, text))
    assert recording.value[:, 0].tolist() == [1, 2, 3]
    assert recording.time.tolist() == seconds(0, 1, 2)
    assert recording.input_row is not None
    assert recording.input_row.tolist() == [0, 2, 1]
    assert recording.stamp[1] == "2026-03-01 06:00:01"
    assert any("go back" in note for note in recording.notes)


def test_runs_that_each_begin_at_the_same_time_come_one_after_the_other(tmp_path: Path) -> None:
    rows = "\n".join(f"{60 * (i % 30)},{i % 7}" for i in range(90))
    recording = read_recording(written(tmp_path, f"time,a\n{rows}\n"))
    assert recording.value[:, 0].tolist() == [i % 7 for i in range(90)]
    assert set(np.diff(recording.time).tolist()) == {60_000_000}
    assert recording.stamp[30] == "0"


def test_rows_of_the_same_minute_are_spread_over_it(tmp_path: Path) -> None:
    rows = "\n".join(f"2026-03-01 06:{i // 4:02},{i % 5}" for i in range(20))
    recording = read_recording(written(tmp_path, f"time,a\n{rows}\n"))
    assert recording.time[:5].tolist() == seconds(0, 15, 30, 45, 60)
    assert any("share their time" in note for note in recording.notes)


def test_a_row_that_comes_twice_counts_once(tmp_path: Path) -> None:
    text = "time,a\n2026-03-01 06:00:00,1\n2026-03-01 06:00:00,1\n2026-03-01 06:00:01,\n"
    recording = read_recording(written(tmp_path, text))
    assert recording.time.tolist() == seconds(0, 0, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("time,a\n", "no rows"),
        ("time,a\n2026-03-01,1\n2026-03-02,1,7\n", "line 3: 3 cells where the first line has 2"),
        ("time,a\n2026-03-01,1\n2026-03-02\n", "line 3: 1 cells"),
        ("time,state\n2026-03-01,on\n2026-03-02,off\n", "no column of numbers"),
        ("a,b\0\n1,2\n", "no text file"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read_recording(written(tmp_path, text))


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = written(tmp_path, "time,a\n2026-03-01,1\n2026-03-02,1\n")
    with pytest.raises(Invalid, match="no column 'when'; it has: time, a"):
        read_recording(path, time_column="when")
    with pytest.raises(Invalid, match="holds no times"):
        read_recording(written(tmp_path, "time,a,s\n2026-03-01,1,x\n2026-03-02,1,y\n"), time_column="s")
    with pytest.raises(Invalid, match="cannot be read"):
        read_recording(tmp_path / "elsewhere.csv")


def test_the_plant_of_a_recording(tmp_path: Path) -> None:
    rows = "\n".join(f"{60 * i},{i % 5},{i % 3 if i % 10 == 0 else ''}" for i in range(40))
    recording = read_recording(written(tmp_path, f"time,a,b\n{rows}\n"))
    alone = plant_of(recording)
    assert len(alone.assets) == 1
    assert [m.scan_s for m in alone.mappings] == [60.0, 600.0]
    plant = plant_of(recording, {"a": "Reactor"}, [("Reactor", "Stripper")], "Process unit")
    codes = {asset.id: asset.code for asset in plant.assets}
    assert [codes[m.asset_id] for m in plant.mappings] == ["Reactor", "Recorded asset"]
    assert [(codes[link.source], codes[link.target]) for link in plant.links] == [("Reactor", "Stripper")]


def test_a_part_of_a_recording_keeps_its_rows(tmp_path: Path) -> None:
    recording = read_recording(
        written(tmp_path, "time,a\n2026-03-01,1\n2026-03-03,3\n2026-03-02,2\n2026-03-04,4\n")
    )
    part = recording.rows(1)
    assert part.value[:, 0].tolist() == [2, 3, 4]
    assert part.stamp == ("2026-03-02", "2026-03-03", "2026-03-04")
    assert part.input_row is not None
    assert part.input_row.tolist() == [1, 0, 2]


def test_names_of_columns_to_ignore() -> None:
    assert column_names(["anomaly,changepoint", " x "]) == ("anomaly", "changepoint", "x")
