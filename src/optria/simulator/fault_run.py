"""Labelled runs of the demo plant at full speed, for past incidents and benchmarks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from optria.core.catalogue import FaultLabel
from optria.core.tag import from_micros, to_micros
from optria.simulator.engine import PlantEngine
from optria.simulator.faults import FaultAsk
from optria.simulator.operations import Operation
from optria.simulator.plant import SECOND_US
from optria.simulator.source import PlantFrame, Qualities, Times, Values

DEFAULT_START = datetime(2026, 1, 1, 5, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Recording:
    """A run in columns: m instants 1 s apart of n tags.

    `time` int64[m] µs UTC, `value` float64[m, n] (NaN where nothing was delivered), `quality` uint8[m, n],
    `label` None for a normal run.
    """

    tags: list[str]
    time: Times
    value: Values
    quality: Qualities
    label: FaultLabel | None


def fault_run(
    kind: str | None,
    asset: str = "",
    severity: float = 0.7,
    seed: int = 1,
    minutes_before: float = 20.0,
    minutes_after: float = 15.0,
    ramp_s: float = 60.0,
    start: datetime = DEFAULT_START,
    tag: str | None = None,
    falls: bool = False,
    operations: Sequence[Operation] = (),
) -> Recording:
    """Run the plant without sleeping: normal, then a fault (`kind` None: none). 86 µs a simulated second.

    `tag` and `falls` are those of `FaultAsk`, `operations` what operators do in plant seconds. Two runs of
    one seed and start differ only by the fault. Raises BadFault.
    """
    engine = PlantEngine(seed, start, operations)
    before, after = int(minutes_before * 60), int(minutes_after * 60)
    frames = [_next(engine) for _ in range(before)]
    if kind is not None:
        engine.inject(
            FaultAsk(kind, asset, severity, ramp_s, tag=tag, falls=falls), from_micros(engine.time_us)
        )
    frames += [_next(engine) for _ in range(after)]
    return _recording(engine, frames)


def _next(engine: PlantEngine) -> PlantFrame:
    return engine.advance(1, engine.time_us + SECOND_US)


def _recording(engine: PlantEngine, frames: list[PlantFrame]) -> Recording:
    tags = engine.delivery.names
    column = {name: index for index, name in enumerate(tags)}
    value = np.full((len(frames), len(tags)), np.nan)
    quality = np.full((len(frames), len(tags)), 2, np.uint8)
    for row, frame in enumerate(frames):
        if frame.tags is tags:
            value[row], quality[row] = frame.value, frame.quality
            continue
        columns = [column[name] for name in frame.tags]
        value[row, columns], quality[row, columns] = frame.value, frame.quality
    time = np.array([to_micros(frame.time) for frame in frames], np.int64)
    labels = engine.faults.labels()
    return Recording(tags, time, value, quality, labels[0] if labels else None)
