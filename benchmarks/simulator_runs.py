"""Labelled runs of the simulated plant, seen by the production stream: drawn, delivered, watched.

Several plants run side by side in one pipeline, each with ids of its own, because a pass over a thousand
tags costs little more than one over a hundred. Nothing is shared between them.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.causes_on_simulator import PLANT as PLAIN_PLANT
from optria.core.asset import PlantModel, Threshold
from optria.core.catalogue import FaultLabel
from optria.core.event import Event, Severity
from optria.core.incident import Anchor
from optria.core.tag import SampleBatch, from_micros
from optria.db.seed import limits_of
from optria.kit.settings import Settings
from optria.simulator.catalogue import CATALOGUE
from optria.simulator.fault_kinds import FAULT_KINDS
from optria.simulator.fault_run import Recording, fault_run
from optria.simulator.faults import fitting_assets
from optria.streams.pipeline import Pipeline

KINDS = tuple(name for name, kind in FAULT_KINDS.items() if kind.group != "data")
AFTER_S = 2100
"""Seconds of a run after its fault began."""
WATCHED_AFTER_S = 330
"""A process neighbour joins an incident within five minutes: so long a run is watched after its anchor."""
MISSING, LATE, JITTER_US = 0.005, 0.005, 60_000
"""Shares of samples that never come and that come a second late; deviation of a source time."""
_ASSET_ID = {asset.code: asset.id for asset in PLAIN_PLANT.assets}
PLANT = replace(
    PLAIN_PLANT,
    thresholds=tuple(
        Threshold(t.metric, direction, limit, Severity[severity], asset_id=_ASSET_ID[t.asset], unit=t.unit)
        for t in CATALOGUE.tags
        for direction, limit, severity in limits_of(t)
    ),
)
"""The demo plant as its tenant begins with it, limits included."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Everything that is chosen at random about one run; `slow` faults ramp over 10 to 60 min."""

    kind: str
    asset: str
    tag: str | None
    severity: float
    ramp_s: float
    falls: bool
    seed: int
    before_s: int
    start: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A run and what the stream said of it; times, ids and columns are those of `PLANT`."""

    draw: Draw
    label: FaultLabel
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    given: NDArray[np.bool_]
    anchors: tuple[Anchor, ...]
    events: tuple[Event, ...]


def draw_runs(seed: int, number: int, slow: bool = False) -> list[Draw]:
    """So many runs, each kind as often as any other."""
    rng = random.Random(seed)
    return [_draw(rng, KINDS[n % len(KINDS)], slow) for n in range(number)]


def draw_past(seed: int, each: int) -> list[Draw]:
    """So many runs of each kind on each type of asset that can have it."""
    rng = random.Random(seed)
    types = {asset.code: asset.asset_type for asset in CATALOGUE.assets}
    pairs = {(kind, types[code]) for kind in KINDS for code in fitting_assets(FAULT_KINDS[kind], CATALOGUE)}
    return [
        _draw(
            rng, kind, False, [c for c in fitting_assets(FAULT_KINDS[kind], CATALOGUE) if types[c] == type_]
        )
        for kind, type_ in sorted(pairs)
        for _ in range(each)
    ]


def _draw(rng: random.Random, kind: str, slow: bool, among: Sequence[str] = ()) -> Draw:
    asset = rng.choice(among or fitting_assets(FAULT_KINDS[kind], CATALOGUE))
    sensor = FAULT_KINDS[kind].group == "sensor"
    low, high = (600.0, 3600.0) if slow else (5.0, 300.0)
    return Draw(
        kind=kind,
        asset=asset,
        tag=rng.choice([tag.name for tag in CATALOGUE.tags_of(asset)]) if sensor else None,
        severity=rng.uniform(0.3, 1.0),
        ramp_s=low * (high / low) ** rng.random(),
        falls=rng.random() < 0.5,
        seed=rng.randrange(10**9),
        before_s=rng.randrange(1200, 3600),
        start=datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=rng.randrange(86_400)),
    )


def watch_faults(draws: Sequence[Draw], abreast: int = 8) -> Iterator[Watched]:
    """Each run with its anchors and limit events; so many plants at a time."""
    for first in range(0, len(draws), abreast):
        together = draws[first : first + abreast]
        yield from _watch(together, [_recorded(draw) for draw in together])


def _recorded(draw: Draw) -> Recording:
    return fault_run(
        draw.kind,
        draw.asset,
        draw.severity,
        draw.seed,
        draw.before_s / 60.0,
        AFTER_S / 60.0,
        draw.ramp_s,
        draw.start,
        draw.tag,
        draw.falls,
    )


def _watch(draws: Sequence[Draw], recordings: Sequence[Recording]) -> Iterator[Watched]:
    stream = Stream(len(draws))
    feeds = [Feed(recording, draw.seed) for draw, recording in zip(draws, recordings, strict=True)]
    longest = max(draw.before_s for draw in draws)
    for step in range(longest + AFTER_S):
        rows = [step - longest + draw.before_s for draw in draws]
        stream.take(feeds, rows)
        if step > longest and step % 30 == 0 and _all_seen(stream, draws, recordings, rows):
            break
    for place, (draw, recording) in enumerate(zip(draws, recordings, strict=True)):
        if recording.label is None:
            raise ValueError(f"{draw.kind} left no label")
        feed = feeds[place]
        yield Watched(
            draw,
            recording.label,
            feed.time,
            recording.value,
            feed.given,
            tuple(stream.anchors[place]),
            tuple(stream.events[place]),
        )


def _all_seen(
    stream: "Stream", draws: Sequence[Draw], recordings: Sequence[Recording], rows: Sequence[int]
) -> bool:
    return all(
        any(
            recording.label is not None
            and anchor.time >= recording.label.started_at
            and (anchor.time - recording.label.started_at).total_seconds() + WATCHED_AFTER_S
            < row - draw.before_s
            for anchor in stream.anchors[place]
        )
        for place, (draw, recording, row) in enumerate(zip(draws, recordings, rows, strict=True))
    )


class Feed:
    """A recording as a source delivers it: with jitter, gaps and samples that come late."""

    def __init__(self, recording: Recording, seed: int) -> None:
        rng = np.random.default_rng(seed)
        shape = recording.value.shape
        jitter = np.clip(JITTER_US * rng.standard_normal(shape), -400_000, 400_000).astype(np.int64)
        self.time = recording.time[:, None] + jitter
        self.value, self.quality = recording.value, recording.quality
        chance = rng.random(shape)
        self.given = chance >= MISSING
        self._late = self.given & (chance < MISSING + LATE)

    def at(self, row: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the samples that arrive with one row; none outside the recording."""
        if not 0 <= row < len(self.time):
            return np.empty(0, np.intp), np.empty(0, np.intp)
        now = np.flatnonzero(self.given[row] & ~self._late[row])
        held = np.flatnonzero(self._late[row - 1]) if row else now[:0]
        rows = np.concatenate([np.full(len(now), row), np.full(len(held), row - 1)])
        return rows, np.concatenate([now, held])


class Stream:
    """The production pipeline over so many plants abreast; what it says is sorted by plant."""

    def __init__(self, plants: int) -> None:
        self.anchors: list[list[Anchor]] = [[] for _ in range(plants)]
        self.events: list[list[Event]] = [[] for _ in range(plants)]
        self.cleared: list[list[tuple[int, datetime]]] = [[] for _ in range(plants)]
        self._now = from_micros(0)
        self.pipeline = Pipeline(
            side_by_side(plants),
            Settings(),
            self._on_anchor,
            self._on_event,
            self._on_cleared,
            now=lambda: self._now,
        )

    def take(self, feeds: Sequence[Feed], rows: Sequence[int]) -> None:
        """One row of each feed, as one batch."""
        tags, times, values, qualities = [], [], [], []
        for place, (feed, row) in enumerate(zip(feeds, rows, strict=True)):
            at, column = feed.at(row)
            tags.append(place * len(PLANT.mappings) + column + 1)
            times.append(feed.time[at, column])
            values.append(feed.value[at, column])
            qualities.append(feed.quality[at, column])
        time = np.concatenate(times)
        if len(time):
            self._now = max(self._now, from_micros(int(time.max())))
            tag = np.concatenate(tags).astype(np.int32)
            self.pipeline.ingest(SampleBatch(tag, time, np.concatenate(values), np.concatenate(qualities)))

    def _on_anchor(self, anchor: Anchor) -> None:
        plant, asset_id = divmod(anchor.asset_id - 1, len(PLANT.assets))
        parts = tuple(replace(c, tag=(c.tag - 1) % len(PLANT.mappings) + 1) for c in anchor.contributions)
        self.anchors[plant].append(replace(anchor, asset_id=asset_id + 1, contributions=parts))

    def _on_event(self, event: Event) -> None:
        plant, asset_id = divmod((event.asset_id or 1) - 1, len(PLANT.assets))
        tag = event.payload.get("tag_id")
        own = (tag - 1) % len(PLANT.mappings) + 1 if isinstance(tag, int) else None
        payload = {**event.payload, "tag_id": own}
        self.events[plant].append(replace(event, asset_id=asset_id + 1, payload=payload))

    def _on_cleared(self, asset: int) -> None:
        plant, asset_id = divmod(asset - 1, len(PLANT.assets))
        self.cleared[plant].append((asset_id + 1, self._now))


def side_by_side(plants: int) -> PlantModel:
    """So many copies of the plant, ids counted on."""
    assets, tags = len(PLANT.assets), len(PLANT.mappings)
    copies = range(plants)
    return replace(
        PLANT,
        assets=tuple(replace(a, id=a.id + k * assets) for k in copies for a in PLANT.assets),
        links=tuple(
            replace(x, source=x.source + k * assets, target=x.target + k * assets)
            for k in copies
            for x in PLANT.links
        ),
        mappings=tuple(
            replace(m, id=m.id + k * tags, asset_id=m.asset_id + k * assets)
            for k in copies
            for m in PLANT.mappings
        ),
        thresholds=tuple(
            replace(t, asset_id=(t.asset_id or 0) + k * assets) for k in copies for t in PLANT.thresholds
        ),
    )
