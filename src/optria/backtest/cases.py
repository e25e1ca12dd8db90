"""A folder of labelled cases as the analysis knows them: past incidents, and queries to explain.

``normal/*.csv`` (optional) are recordings of normal operation. Every other folder with a ``case.json`` is a
case: ``data.csv``, ``events.jsonl`` (optional) and ``{"role": "history"|"query", "cause", "asset_type",
"anchor": "ISO time", "assets": {"tag": "asset"}, "topology": [["from", "to"]], "resolution"}``, all but the
role optional. Tags are anonymous: a tag's name is its metric.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np

from optria.backtest.case_files import CaseFile, read_case
from optria.backtest.detect import Trained, detect, train
from optria.backtest.normal_runs import baseline_of, most_surprising, rows_before
from optria.backtest.recording import Recording, plant_of, read_recording
from optria.core.asset import Asset, PlantModel
from optria.core.errors import Invalid
from optria.core.event import EventWindow, Severity
from optria.core.incident import Anchor
from optria.core.tag import Quality, SignalMapping, from_micros, to_micros
from optria.rca.baseline import Baseline
from optria.rca.case import Case, PastIncident, Series
from optria.rca.engine import analyse
from optria.rca.signals import MAX_BINS, step_s
from optria.rca.surprise import HORIZONS

Progress: TypeAlias = Callable[[str], None]
Kind: TypeAlias = tuple[str, tuple[str, ...], int]
"""What cases must share to be compared: asset type, tags, step in µs."""

TRAINED_WARM_UP = 60
"""Rows until detectors that know normal operation may speak."""
WARM_UP_SHARE, MOST_WARM_UP = 4, 400
"""Without it, a quarter of the rows trains, at most so many."""
BEFORE = timedelta(minutes=30)
BEFORE_BINS = 30
NORMAL_FOLDER = "normal"


@dataclass(frozen=True, slots=True, eq=False)
class CaseFolder:
    """``known_causes`` are those that history could name."""

    queries: tuple[CaseFile, ...]
    history: tuple[PastIncident, ...]
    known_causes: frozenset[str]
    _anchors: Mapping[str, Anchor] = field(default_factory=dict)
    _normal: Mapping[Kind, Baseline | None] = field(default_factory=dict)

    def case(self, query: CaseFile, shift_s: float = 0.0) -> Case | None:
        """The case of a query with all of history, its anchor moved by ``shift_s``; None: not detected."""
        anchor = self._anchors.get(query.name)
        if anchor is None:
            return None
        moved = replace(anchor, time=anchor.time + timedelta(seconds=shift_s))
        return case_of(query, moved, self._normal[kind_of(query)], self.history)


def read_cases(folder: Path, progress: Progress = lambda text: None) -> CaseFolder:
    """Read a folder, find the anchors of cases without one, and make past incidents of its history.

    Raises:
        Invalid: no such folder, no case in it, or a file that cannot be read.
    """
    files = _read_all(folder)
    normal = [read_recording(path) for path in sorted((folder / NORMAL_FOLDER).glob("*.csv"))]
    progress(f"{len(files)} cases, {len(normal)} recordings of normal operation")
    anchors = find_anchors(files, normal, progress)
    baselines = learn_normal(files, normal, anchors)
    past = [file for file in files if file.role == "history" and file.cause]
    history = tuple(past_of(file, anchors.get(file.name), baselines[kind_of(file)]) for file in past)
    return CaseFolder(
        queries=tuple(file for file in files if file.role == "query"),
        history=history,
        known_causes=frozenset(one.cause for one in history),
        _anchors=anchors,
        _normal=baselines,
    )


def _read_all(folder: Path) -> list[CaseFile]:
    if not folder.is_dir():
        raise Invalid(f"{folder} is no folder.")
    files = [read_case(path.parent) for path in sorted(folder.glob("*/case.json"))]
    if not files:
        raise Invalid(f"{folder} holds no case: a folder with a case.json and a data.csv.")
    return files


def kind_of(file: CaseFile) -> Kind:
    step = timedelta(seconds=step_s(file.recording.step_us / 1e6))
    return file.asset_type.casefold(), tuple(sorted(file.recording.tags)), step // timedelta(microseconds=1)


def find_anchors(
    files: Sequence[CaseFile], normal: Sequence[Recording], progress: Progress = lambda text: None
) -> dict[str, Anchor]:
    """By case: the anchor that its file gives, else the first one that the detectors set."""
    trained: dict[tuple[str, ...], Trained | None] = {}
    anchors = {}
    for number, file in enumerate(files, start=1):
        if file.anchor is not None:
            anchors[file.name] = Anchor(1, file.anchor, 1.0, 1.0, (), "given")
            continue
        tags = file.recording.tags
        if tags not in trained:
            trained[tags] = _train(file, normal)
        found = _detected(file, trained[tags])
        if found is not None:
            anchors[file.name] = found
        progress(f"{number} of {len(files)} cases: {file.name} {'detected' if found else 'not detected'}")
    return anchors


def _train(file: CaseFile, normal: Sequence[Recording]) -> Trained | None:
    fitting = [one for one in normal if set(file.recording.tags) <= set(one.tags)]
    return train(plant_of(file.recording), fitting) if fitting else None


def _detected(file: CaseFile, trained: Trained | None) -> Anchor | None:
    rows = len(file.recording)
    warm_up = TRAINED_WARM_UP if trained else min(MOST_WARM_UP, rows // WARM_UP_SHARE)
    anchors = detect(file.recording, warm_up, trained or (), plant_of(file.recording)).anchors
    return next(iter(anchors), None)


def learn_normal(
    files: Sequence[CaseFile], normal: Sequence[Recording], anchors: Mapping[str, Anchor]
) -> dict[Kind, Baseline | None]:
    """By kind of case: normal running, else what ran before the anchors of cases of the history."""
    found: dict[Kind, Baseline | None] = {}
    for kind in {kind_of(file) for file in files}:
        names, step = kind[1], timedelta(microseconds=kind[2])
        runs = [one for one in normal if set(names) <= set(one.tags)]
        if not runs:
            alike = [f for f in files if kind_of(f) == kind and f.role == "history" and f.name in anchors]
            runs = [rows_before(f.recording, anchors[f.name].time) for f in alike]
        found[kind] = baseline_of(names, step, runs, metric_of_tag)
    return found


def past_of(file: CaseFile, anchor: Anchor | None, normal: Baseline | None) -> PastIncident:
    """A case of history. Where nothing was detected, it begins where it deviates most."""
    if anchor is None:
        time = from_micros(most_surprising(file.recording, normal, metric_of_tag))
        anchor = Anchor(1, time, 1.0, 0.5, (), "most deviating")
    analysis = analyse(case_of(file, anchor, normal))
    return PastIncident(
        id=file.name,
        number=file.name,
        asset_id=1,
        asset_type=file.asset_type,
        cause=file.cause or "",
        signature=analysis.signature,
        event_types=analysis.event_types,
        resolution=file.resolution,
        occurred_at=anchor.time,
    )


def metric_of_tag(tag: str) -> str:
    """A tag's name where a metric stands; signatures keep ":" and "@" for themselves."""
    return tag.replace(":", "\u2236").replace("@", "\uff20")


def case_of(
    file: CaseFile, anchor: Anchor, normal: Baseline | None, history: tuple[PastIncident, ...] = ()
) -> Case:
    """All tags as those of one asset, which is the case's; the plant still says whose each tag is."""
    plant = plant_of(file.recording, file.assets, file.topology, file.asset_type)
    whole = Asset(len(plant.assets) + 1, file.name, file.name, file.asset_type, None)
    step = timedelta(microseconds=kind_of(file)[2])
    end = min(from_micros(int(file.recording.time[-1])), anchor.time + (HORIZONS[-1] + 2) * step)
    end = max(end, anchor.time)
    window = EventWindow(anchor.time - max(BEFORE, BEFORE_BINS * step), end)
    begin = end - (MAX_BINS - 1) * step
    return Case(
        incident_id=file.name,
        number=file.name,
        severity=Severity.MAJOR,
        asset=whole,
        plant=replace(plant, assets=(*plant.assets, whole)),
        anchor=replace(anchor, asset_id=whole.id),
        window=window,
        now=end,
        events=tuple(replace(event, asset_id=whole.id) for event in file.events),
        series=_series(file.recording, plant, whole.id, begin),
        history=history,
        normal=normal,
    )


def _series(recording: Recording, plant: PlantModel, asset_id: int, begin: datetime) -> tuple[Series, ...]:
    from_row = int(np.searchsorted(recording.time, to_micros(begin)))
    time = recording.time[from_row:]
    return tuple(
        Series(
            _own(mapping, asset_id),
            time,
            recording.value[from_row:, column],
            np.where(np.isfinite(recording.value[from_row:, column]), Quality.GOOD, Quality.BAD).astype(
                np.uint8
            ),
        )
        for column, mapping in enumerate(plant.mappings)
    )


def _own(mapping: SignalMapping, asset_id: int) -> SignalMapping:
    return replace(mapping, asset_id=asset_id, metric=metric_of_tag(mapping.metric))
