"""The production path over a recording at full speed: what the detectors say of every row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from optria.backtest.recording import Floats, Recording, Times, plant_of
from optria.core.asset import PlantModel
from optria.core.incident import Anchor
from optria.core.tag import Quality, SampleBatch, from_micros
from optria.kit.settings import Settings
from optria.streams.anchoring import Anchoring
from optria.streams.pipeline import Pipeline

WARM_UP = 400
STANDS_OUT = 0.5
"""Score over limit from which a tag is named."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """What the detectors said after each row: ``score`` over its limit, ``probability`` of a fault,
    ``alarm``, and ``top``, the tag that spoke most ("" where none stands out). ``anchors`` are of assets of
    ``plant``.

    Rows before ``live_from`` only trained: nothing is alarmed there.
    """

    plant: PlantModel
    score: Floats
    probability: Floats
    alarm: NDArray[np.bool_]
    top: tuple[str, ...]
    anchors: tuple[Anchor, ...]
    live_from: int

    def tag(self, tag_id: int) -> str:
        """The name of a tag that an anchor names."""
        return self.plant.mappings[tag_id - 1].external_tag


def detect(
    recording: Recording,
    warm_up: int = WARM_UP,
    trained: Sequence[Recording] = (),
    plant: PlantModel | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Detection:
    """Play a recording, row by row, through the stream as a plant's samples go.

    ``trained`` are recordings of normal operation, of the same tags by name, that come before it: then, as
    before row ``warm_up``, detectors learn and nothing is alarmed. Gaps in time forget nothing.
    """
    replay = _Replay(plant or plant_of(recording), recording)
    replay.train(trained, recording.tags)
    for row in range(len(recording)):
        if row == warm_up:
            replay.go_live()
        replay.take(row, live=row >= warm_up)
        if row % 1000 == 999:
            progress(row + 1)
    progress(len(recording))
    return replay.told(min(warm_up, len(recording)))


@dataclass(slots=True)
class _Told:
    score: list[float] = field(default_factory=list)
    probability: list[float] = field(default_factory=list)
    alarm: list[bool] = field(default_factory=list)
    top: list[str] = field(default_factory=list)


class _Replay:
    """A pipeline whose clock is that of the recording."""

    def __init__(self, plant: PlantModel, recording: Recording) -> None:
        self._plant, self._recording = plant, recording
        self._now = from_micros(0)
        self._ids = np.arange(1, len(recording.tags) + 1, dtype=np.int32)
        self._anchors: list[Anchor] = []
        self._said = _Told()
        self._pipeline = Pipeline(
            plant,
            Settings(),
            self._anchors.append,
            lambda event: None,
            lambda asset_id: None,
            now=lambda: self._now,
        )

    def train(self, recordings: Sequence[Recording], tags: Sequence[str]) -> None:
        """Take in recordings as if they had ended just before this one began."""
        step = self._recording.step_us
        end = int(self._recording.time[0])
        begins = []
        for recording in reversed(recordings):
            end -= int(recording.time[-1] - recording.time[0]) + step
            begins.append(end)
        for recording, begin in zip(recordings, reversed(begins), strict=True):
            value = columns(recording, tags)
            for time, row in zip(recording.time - recording.time[0] + begin, value, strict=True):
                self._ingest(int(time), row)

    def go_live(self) -> None:
        """What began in training is no episode."""
        self._anchors.clear()
        self._pipeline.anchoring = Anchoring(
            self._anchors.append, lambda asset_id: None, self._pipeline.scorer.blame
        )

    def take(self, row: int, live: bool) -> None:
        self._ingest(int(self._recording.time[row]), self._recording.value[row])
        anchoring, said = self._pipeline.anchoring, self._said
        scores = anchoring.scores() if live else {}
        asset = max(scores, key=lambda one: scores[one][0], default=0)
        score, probability = scores.get(asset, (0.0, 0.0))
        said.score.append(score)
        said.probability.append(probability)
        said.alarm.append(live and any(anchoring.alarming(one) for one in scores))
        said.top.append(self._loudest(asset) if score >= STANDS_OUT else "")

    def told(self, live_from: int) -> Detection:
        said = self._said
        anchors = tuple(self._anchors) if live_from < len(self._recording) else ()
        return Detection(
            self._plant,
            np.array(said.score),
            np.array(said.probability),
            np.array(said.alarm, bool),
            tuple(said.top),
            anchors,
            live_from,
        )

    def _loudest(self, asset: int) -> str:
        first = next(iter(self._pipeline.scorer.blame(asset).contributions), None)
        return self._plant.mappings[first.tag - 1].external_tag if first and first.score >= STANDS_OUT else ""

    def _ingest(self, time_us: int, value: Floats) -> None:
        there = np.flatnonzero(np.isfinite(value))
        self._now = from_micros(time_us)
        time: Times = np.full(len(there), time_us, np.int64)
        quality = np.full(len(there), Quality.GOOD, np.uint8)
        self._pipeline.ingest(SampleBatch(self._ids[there], time, value[there], quality))


def columns(recording: Recording, tags: Sequence[str]) -> Floats:
    """The values of ``tags`` in that order; NaN for one that the recording does not have."""
    place = {tag: column for column, tag in enumerate(recording.tags)}
    value = np.full((len(recording), len(tags)), np.nan)
    for column, tag in enumerate(tags):
        if tag in place:
            value[:, column] = recording.value[:, place[tag]]
    return value
