"""How a stream does: what it took in, what that cost, what was lost, and how far its detectors are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from optria.streams.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class StreamVitals:
    """One tenant's stream. Counts run since the start; ``busy_s`` is the time spent in the pass of samples.

    ``learning`` tags warm up, ``watching`` ones are compared with what was learned, ``failing`` assets had
    their detectors reset after an error. ``dropped`` is by reason.
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
    )
