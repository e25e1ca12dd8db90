"""Stored samples through the production stream of a plant: what it would have said, and when.

Nothing leaves: the pipeline has no database, and its callbacks fill a :class:`Heard`. Its clock is the time
of the samples.
"""

import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import PlantModel
from optria.core.event import Event
from optria.core.incident import Anchor
from optria.core.tag import SampleBatch, from_micros, to_micros
from optria.kit.settings import Settings
from optria.streams.gate import Gate
from optria.streams.limits import Limits
from optria.streams.pipeline import Pipeline

STEP = timedelta(seconds=10)
"""Samples go in together for so long: what the stream says is dated to the end of its step."""
STEP_US = STEP // timedelta(microseconds=1)
TURN_S, TURN_EVERY_S = 0.0005, 0.005
"""A pause, and how much work lies between two: other threads get their turn."""
RING_MINUTES = 1.0


@dataclass(slots=True)
class Heard:
    """What the stream of one configuration said, each with the time at which it said it.

    ``probability`` is per step P(fault) of each of ``assets`` at its end (``step_end_us``).
    """

    assets: tuple[int, ...]
    anchors: list[tuple[datetime, Anchor]] = field(default_factory=list)
    cleared: list[tuple[datetime, int]] = field(default_factory=list)
    events: list[tuple[datetime, Event]] = field(default_factory=list)
    probability: list[NDArray[np.float32]] = field(default_factory=list)
    step_end_us: list[int] = field(default_factory=list)

    def probability_at(self, asset_id: int, at: datetime) -> float:
        """P(fault) of an asset at the end of the last step before ``at``; 0 before the first."""
        step = bisect_right(self.step_end_us, to_micros(at)) - 1
        if step < 0 or asset_id not in self.assets:
            return 0.0
        return float(self.probability[step][self.assets.index(asset_id)])

    def is_active(self, asset_id: int, at: datetime) -> bool:
        """Whether an episode of the asset went on at that time."""
        begun = [time for time, anchor in self.anchors if anchor.asset_id == asset_id and time <= at]
        ended = [time for time, asset in self.cleared if asset == asset_id and time <= at]
        return bool(begun) and (not ended or ended[-1] < begun[-1])


def as_stored(plant: PlantModel) -> PlantModel:
    """The plant whose samples are in its units and UTC already, as history holds them."""
    mappings = tuple(replace(mapping, scale=1.0, offset=0.0) for mapping in plant.mappings)
    return replace(plant, mappings=mappings, clock_drift_s={}, lateness_s={})


class StoredStream:
    """The pipeline of one plant over stored history, fed in time order."""

    def __init__(self, plant: PlantModel, settings: Settings, begin: datetime) -> None:
        self._now = begin
        self.heard = Heard(tuple(sorted({mapping.asset_id for mapping in plant.mappings})))
        self._pipeline = Pipeline(
            as_stored(plant),
            settings.model_copy(update={"ring_minutes": RING_MINUTES}),
            on_anchor=lambda anchor: self.heard.anchors.append((self._now, anchor)),
            on_event=lambda event: self.heard.events.append((self._now, event)),
            on_cleared=lambda asset_id: self.heard.cleared.append((self._now, asset_id)),
            now=lambda: self._now,
        )

    @property
    def events(self) -> list[tuple[datetime, Event]]:
        """What its limits said, each with the time at which they said it."""
        return self.heard.events

    def feed(self, batch: SampleBatch) -> None:
        """Samples later than all before; blocks for about 0.3 s per 10 min of 70 tags at 1 Hz."""
        for end_us, part in steps(batch):
            self._now = from_micros(end_us)
            self._pipeline.ingest(part)
            self._note(end_us)

    def _note(self, end_us: int) -> None:
        scores: Mapping[int, tuple[float, float]] = self._pipeline.anchoring.scores()
        now = [scores.get(asset, (0.0, 0.0))[1] for asset in self.heard.assets]
        self.heard.probability.append(np.array(now, np.float32))
        self.heard.step_end_us.append(end_us)


class StoredLimits:
    """Gate and limits alone: the events of another set of limits over the same samples."""

    def __init__(self, plant: PlantModel, begin: datetime) -> None:
        self._now = begin
        self.events: list[tuple[datetime, Event]] = []
        self._gate = Gate(as_stored(plant), lambda: self._now)
        self._limits = Limits(
            as_stored(plant), self._gate.roster, lambda event: self.events.append((self._now, event))
        )

    def feed(self, batch: SampleBatch) -> None:
        for end_us, part in steps(batch):
            self._now = from_micros(end_us)
            admitted = self._gate.admit(part)
            self._limits.check(admitted.batch, admitted.row, admitted.scored)


def steps(batch: SampleBatch) -> Iterator[tuple[int, SampleBatch]]:
    """The samples in steps of :data:`STEP` by time, each with its end (µs UTC); empty steps are left out.

    Now and then other threads get a turn.
    """
    order = np.argsort(batch.source_time, kind="stable")
    sorted_batch = batch.select(order)
    step = sorted_batch.source_time // STEP_US
    edges = np.flatnonzero(np.diff(step)) + 1
    starts, ends = np.r_[0, edges], np.r_[edges, len(step)]
    turn = time.monotonic()
    for low, high in zip(starts.tolist(), ends.tolist(), strict=True) if len(step) else ():
        yield int(step[low] + 1) * STEP_US, sorted_batch.select(np.arange(low, high))
        if time.monotonic() - turn > TURN_EVERY_S:
            time.sleep(TURN_S)
            turn = time.monotonic()
