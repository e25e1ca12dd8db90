"""Samples that were stored after the state was: run through the stream again, and not stored again."""

import numpy as np

from optria.core.tag import Quality, SampleBatch
from optria.streams.pipeline import Pipeline, slices


def replay(pipeline: Pipeline, stored: SampleBatch) -> int:
    """Score what is after the position of its tag; the number of samples. Older ones are only remembered.

    ``stored`` holds samples as the gate let them through, in any order.
    """
    row = pipeline.roster.find(stored.tag)
    is_after = (row >= 0) & (stored.source_time > pipeline.gate.last_time[row])
    before = stored.select((row >= 0) & ~is_after)
    position = pipeline.gate.last_time.copy()
    pipeline.remember(before)
    pipeline.gate.last_time = np.maximum(position, pipeline.gate.last_time)
    _take_again(pipeline, stored.select(is_after))
    return int(is_after.sum())


def _take_again(pipeline: Pipeline, batch: SampleBatch) -> None:
    """Scan by scan: what the timer of frozen values says counts for the scan at hand."""
    ordered = batch.select(np.argsort(batch.source_time, kind="stable"))
    for part in slices(pipeline.roster.find(ordered.tag)):
        samples = ordered.select(part)
        row = pipeline.roster.find(samples.tag)
        good = (samples.quality == Quality.GOOD) & np.isfinite(samples.value)
        good &= ~pipeline.gate.stuck.observe(row, samples.source_time, samples.value, good)
        pipeline.gate.last_time[row] = samples.source_time
        pipeline.recent.add(samples, row)
        pipeline.live.put(samples, row)
        pipeline.limits.check(samples, row, good)
        pipeline.score(samples, row, good)
