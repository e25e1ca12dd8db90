"""How a stream does: what it took in, what that cost, what was lost, and how far its detectors are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from optria.streams.pipeline import Pipeline
from optria.streams.spool import SpoolFigures


@dataclass(frozen=True, slots=True)
class StreamVitals:
    """One tenant's stream. Counts run since the start; ``busy_s`` is the time spent in the pass of samples.

    ``learning`` tags warm up, ``watching`` ones are compared with what was learned, ``failing`` assets had
    their detectors reset after an error. ``dropped`` is by reason.

    ``history_waiting`` samples wait in memory, the oldest for ``history_waiting_s``; ``spool`` is what waits
    on disk. ``history_paused`` says what the database lacks while nothing is written on purpose (full disk).
    ``shed`` samples found no room in memory and on disk, by reason: ``memory_full``, ``spool_full``,
    ``spool_disk_low``, ``spool_failed``, ``stopped``. ``history_repeated`` ones had been stored before.
    """

    tags: int
    samples: int
    busy_s: float
    learning: int
    watching: int
    failing: int
    anchored: int
    dropped: Mapping[str, int]
    history_waiting: int
    history_bound: int
    history_written: int
    history_error: str | None
    history_waiting_s: float = 0.0
    history_repeated: int = 0
    history_paused: str | None = None
    history_paused_since: datetime | None = None
    shed: Mapping[str, int] = field(default_factory=dict)
    spool: SpoolFigures = field(default_factory=SpoolFigures)


def vitals_of(pipeline: Pipeline) -> StreamVitals:
    """Read from a running stream, without a pause of it."""
    watching, history = int(np.isfinite(pipeline.scorer.level.limit).sum()), pipeline.history
    return StreamVitals(
        tags=len(pipeline.roster),
        samples=pipeline.taken,
        busy_s=pipeline.busy_s,
        learning=len(pipeline.roster) - watching,
        watching=watching,
        failing=pipeline.failing,
        anchored=pipeline.anchoring.anchored,
        dropped=dict(pipeline.counts),
        history_waiting=history.buffered,
        history_bound=history.capacity,
        history_written=history.written,
        history_error=history.last_error,
        history_waiting_s=history.waiting_s,
        history_repeated=history.repeated,
        history_paused=history.space.why if history.space else None,
        history_paused_since=history.space.since if history.space else None,
        shed=dict(history.shed_by),
        spool=history.spool.figures if history.spool else SpoolFigures(),
    )
