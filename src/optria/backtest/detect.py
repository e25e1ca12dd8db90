"""The production path over a recording at full speed: what the detectors say of every row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from optria.backtest.recording import Floats, Recording, columns_of, plant_of
from optria.backtest.times import Times
from optria.core.asset import PlantModel
from optria.core.incident import Anchor
from optria.core.tag import Quality, SampleBatch, from_micros, to_micros
from optria.kit.settings import Settings
from optria.streams.pipeline import Pipeline

WARM_UP = 400
START = datetime(2000, 1, 1, tzinfo=UTC)
"""When the first row of every recording is played, whenever it was recorded: what was learned of another
recording ends just before."""
LEAST_WARM_UP = 20
"""Samples without which nothing can be said of what is normal."""
NO_GAP_US = np.iinfo(np.int64).max // 4
"""Longer than any gap: runs that were glued together are one plant."""
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


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What detectors learned of so many rows of normal operation, for any number of later recordings."""

    state: Mapping[str, object]
    rows: int


def train(plant: PlantModel, recordings: Sequence[Recording]) -> Trained:
    """Learn from recordings of normal operation, one after the other; tags are found by name."""
    rows = sum(len(recording) for recording in recordings)
    replay = _Replay(plant, rows)
    tags = [mapping.external_tag for mapping in plant.mappings]
    step = max((recording.step_us for recording in recordings), default=0)
    ends = to_micros(START) - step
    begins = []
    for recording in reversed(recordings):
        begins.append(ends - int(recording.time[-1] - recording.time[0]))
        ends = begins[-1] - step
    for recording, begin in zip(recordings, reversed(begins), strict=True):
        times = recording.time - recording.time[0] + begin
        for time, row in zip(times.tolist(), columns_of(recording, tags), strict=True):
            replay.ingest(time, row)
    return Trained(replay.pipeline.state(), rows)


def detect(
    recording: Recording,
    warm_up: int = WARM_UP,
    trained: Sequence[Recording] | Trained = (),
    plant: PlantModel | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Detection:
    """Play a recording, row by row, through the stream as a plant's samples go.

    ``trained`` are recordings of normal operation, of the same tags by name, that come before it: then, as
    before row ``warm_up``, detectors learn and nothing is alarmed. Gaps in time forget nothing.
    """
    plant = plant or plant_of(recording)
    learned = trained if isinstance(trained, Trained) else train(plant, trained) if trained else None
    replay = _Replay(plant, learned.rows if learned else warm_up, learned)
    shift = to_micros(START) - int(recording.time[0])
    said = _Said()
    for row in range(len(recording)):
        if row == warm_up:
            replay.go_live()
        replay.ingest(int(recording.time[row]) + shift, recording.value[row])
        replay.tell(said, live=row >= warm_up)
        if row % 1000 == 999:
            progress(row + 1)
    progress(len(recording))
    live = len(recording) > warm_up
    return Detection(
        plant,
        np.array(said.score),
        np.array(said.probability),
        np.array(said.alarm, bool),
        tuple(said.top),
        tuple(_moved(anchor, timedelta(microseconds=-shift)) for anchor in replay.anchors if live),
        min(warm_up, len(recording)),
    )


@dataclass(slots=True)
class _Said:
    score: list[float] = field(default_factory=list)
    probability: list[float] = field(default_factory=list)
    alarm: list[bool] = field(default_factory=list)
    top: list[str] = field(default_factory=list)


class _Replay:
    """A pipeline whose clock is that of what is played."""

    def __init__(self, plant: PlantModel, warm_up: int, trained: Trained | None = None) -> None:
        self._now = START
        self._ids = np.array([mapping.id for mapping in plant.mappings], np.int32)
        self._names = {mapping.id: mapping.external_tag for mapping in plant.mappings}
        self.anchors: list[Anchor] = []
        self.pipeline = Pipeline(
            plant,
            Settings(),
            self.anchors.append,
            lambda event: None,
            lambda asset_id: None,
            now=lambda: self._now,
            warm_up=max(warm_up, LEAST_WARM_UP),
            rewarm_gap_us=NO_GAP_US,
        )
        if trained is not None:
            self.pipeline.restore(trained.state)

    def ingest(self, time_us: int, value: Floats) -> None:
        """Take in a row; a missing value is no sample."""
        there = np.flatnonzero(np.isfinite(value))
        self._now = from_micros(time_us)
        time: Times = np.full(len(there), time_us, np.int64)
        quality = np.full(len(there), Quality.GOOD, np.uint8)
        self.pipeline.ingest(SampleBatch(self._ids[there], time, value[there], quality))

    def go_live(self) -> None:
        """What began in training is no episode."""
        self.pipeline.end_warm_up()
        self.anchors.clear()

    def tell(self, said: _Said, live: bool) -> None:
        """Note what the detectors say now; in training, nothing."""
        anchoring = self.pipeline.anchoring
        scores = anchoring.scores() if live else {}
        asset = max(scores, key=lambda one: scores[one][0], default=0)
        score, probability = scores.get(asset, (0.0, 0.0))
        said.score.append(score)
        said.probability.append(probability)
        said.alarm.append(any(anchoring.alarming(one) for one in scores))
        said.top.append(self._loudest(asset) if score >= STANDS_OUT else "")

    def _loudest(self, asset: int) -> str:
        first = next(iter(self.pipeline.blame(asset).contributions), None)
        return self._names[first.tag] if first and first.score >= STANDS_OUT else ""


def _moved(anchor: Anchor, by: timedelta) -> Anchor:
    """The anchor at another time."""
    contributions = tuple(
        replace(one, first_onset=one.first_onset and one.first_onset + by) for one in anchor.contributions
    )
    return replace(anchor, time=anchor.time + by, contributions=contributions)
