"""What a detection says, as plain values for JSON, as lines for people, and row by row as CSV."""

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import numpy as np

from optria.backtest import figures
from optria.backtest.detect import Detection
from optria.backtest.recording import Recording
from optria.core.errors import Invalid
from optria.core.incident import Anchor, Contribution
from optria.core.tag import to_micros

COLUMNS = ("time", "score", "probability", "alarm", "top")
Told = dict[str, object]


def write_scores(path: Path, recording: Recording, found: Detection) -> None:
    """A row per row of the file, in its order and with its times.

    Raises:
        Invalid: the file cannot be written.
    """
    place = np.arange(len(recording)) if recording.input_row is None else np.argsort(recording.input_row)
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in place.tolist():
                score, chance = f"{found.score[row]:.6g}", f"{found.probability[row]:.6g}"
                writer.writerow((recording.stamp[row], score, chance, int(found.alarm[row]), found.top[row]))
    except OSError as error:
        raise Invalid(f"The scores cannot be written to {path}: {error.strerror or error}.") from None


def report(recording: Recording, found: Detection) -> Told:
    """Everything worth saying, in plain values."""
    live = len(recording) - found.live_from
    told: Told = {
        "recording": recording.name,
        "rows": len(recording),
        "tags": list(recording.tags),
        "step_s": recording.step_us / 1e6,
        "warmup": found.live_from,
        "alarm_rows": int(found.alarm.sum()),
        "alarm_share": float(found.alarm.sum() / live) if live else 0.0,
        "anchors": [_anchor(recording, found, anchor) for anchor in found.anchors],
        "notes": list(recording.notes),
    }
    if recording.label is not None:
        told["against_label"] = against_label(recording, found)
    return told


def against_label(recording: Recording, found: Detection) -> Told:
    """How well the alarm agrees with the labelled faults, after the warm-up; None where that is undefined."""
    label = recording.label
    if label is None:
        raise ValueError("the recording has no label")
    part = slice(found.live_from, None)
    counts = figures.count(found.alarm[part], label[part])
    delays = figures.delays_s(found.alarm[part], label[part], recording.time[part])
    seen = [delay for delay in delays if delay is not None]
    return {
        "f1": _number(counts.f1),
        "far": _number(counts.false_alarm_rate),
        "mar": _number(counts.missed_alarm_rate),
        "false_onsets": counts.onsets,
        "false_onsets_per_1000": _number(counts.onsets_per_1000),
        "faults": len(delays),
        "faults_seen": len(seen),
        "median_delay_s": median(seen) if seen else None,
    }


def in_words(told: Mapping[str, object]) -> list[str]:
    """The report for people."""
    tags, anchors = told["tags"], told["anchors"]
    assert isinstance(tags, list)
    assert isinstance(anchors, list)
    lines = [
        f"{told['recording']}: {told['rows']} rows of {len(tags)} tags, a row every {told['step_s']:g} s",
        f"The first {told['warmup']} rows only trained.",
    ]
    lines += [f"  note: {note}" for note in _texts(told["notes"])]
    lines.append(f"In alarm: {told['alarm_rows']} rows ({told['alarm_share']:.1%}). Anchors: {len(anchors)}")
    for anchor in anchors:
        lines += _anchor_words(anchor)
    if told["rows"] == told["warmup"]:
        lines.append("Every row was warm-up: a longer recording or a smaller --warmup shows detections.")
    against = told.get("against_label")
    return lines + (_label_words(against) if isinstance(against, dict) else [])


def _anchor(recording: Recording, found: Detection, anchor: Anchor) -> Told:
    row = _row_at(recording, anchor.time)
    asset = found.plant.asset(anchor.asset_id)
    return {
        "time": recording.stamp[row],
        "row": _input_row(recording, row),
        "asset": asset.code if asset else "",
        "detector": anchor.detector,
        "mode": anchor.mode,
        "score": anchor.score,
        "probability": anchor.probability,
        "tags": [_contribution(recording, found, one) for one in anchor.contributions],
    }


def _contribution(recording: Recording, found: Detection, one: Contribution) -> Told:
    row = None if one.first_onset is None else _row_at(recording, one.first_onset)
    return {
        "tag": found.tag(one.tag),
        "score": one.score,
        "direction": one.direction,
        "left_normal": None if row is None else recording.stamp[row],
        "left_normal_row": None if row is None else _input_row(recording, row),
    }


def _row_at(recording: Recording, time: datetime) -> int:
    return min(int(np.searchsorted(recording.time, to_micros(time))), len(recording) - 1)


def _input_row(recording: Recording, row: int) -> int:
    return row if recording.input_row is None else int(recording.input_row[row])


def _anchor_words(anchor: Mapping[str, object]) -> list[str]:
    tags = anchor["tags"]
    assert isinstance(tags, list)
    first = (
        f"  {anchor['time']}  {anchor['detector']} ({anchor['mode']})  "
        f"P(fault) {anchor['probability']:.2f}, {anchor['score']:.1f} times the limit"
    )
    strong = [tag for tag in tags if tag["score"] >= 1.0] or tags[:1]
    strong.sort(key=lambda tag: (tag["left_normal_row"] is None, tag["left_normal_row"] or 0))
    order = ", ".join(
        f"{tag['tag']} {tag['direction']}" + (f" since {tag['left_normal']}" if tag["left_normal"] else "")
        for tag in strong
    )
    return [first, f"      {order}"]


def _label_words(against: Mapping[str, object]) -> list[str]:
    def percent(name: str) -> str:
        share = against[name]
        return "-" if share is None else f"{share:.1%}"

    f1 = against["f1"]
    delay = against["median_delay_s"]
    return [
        "Against the label, after the warm-up:",
        f"  F1 {'-' if f1 is None else format(f1, '.3f')}",
        f"  false alarm rate {percent('far')}, missed alarm rate {percent('mar')}",
        f"  false onsets {against['false_onsets']}",
        f"  faults seen {against['faults_seen']} of {against['faults']}"
        + ("" if delay is None else f", median delay {delay:g} s"),
    ]


def _texts(value: object) -> Sequence[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
