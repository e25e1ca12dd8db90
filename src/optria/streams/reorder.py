"""Samples wait until those before them have had time to come: bounded out-of-orderness with a watermark.

The watermark of a connection is the newest source time seen of it less its lateness, as in Akidau et al.,
"The Dataflow Model" (VLDB 2015), and in Apache Flink. What the watermark has passed goes on in time order; so
within the lateness the order of arrival does not matter: it goes on by whole seconds, so what the detectors
see together does not depend on it either. The cost is that detectors and history see every sample later by
the lateness and up to a second.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch

TICK_US = 1_000_000
PATIENCE_S = 1.0
"""How much longer than the lateness a sample waits when its source says nothing more."""
MOST_HELD = 500_000
"""Samples held of one connection; beyond that the oldest go on before their time."""
NOTHING_YET = np.iinfo(np.int64).min // 2


class _Held:
    """What waits of one connection."""

    def __init__(self, lateness_s: float) -> None:
        self.lateness_s = lateness_s
        self.newest_us = NOTHING_YET
        self.batch = SampleBatch.of([])
        self.arrived_s = np.empty(0)

    def put(self, batch: SampleBatch, now_s: float) -> None:
        self.newest_us = max(self.newest_us, int(batch.source_time.max()))
        self.batch = SampleBatch.concat([self.batch, batch])
        self.arrived_s = np.r_[self.arrived_s, np.full(len(batch), now_s)]

    def passed(self, now_s: float) -> SampleBatch:
        """What the watermark, or the wall clock, has passed; in time order."""
        time = self.batch.source_time
        ready = time < (self.newest_us - int(self.lateness_s * 1e6)) // TICK_US * TICK_US
        overdue = self.arrived_s <= now_s - self.lateness_s - PATIENCE_S
        if overdue.any():
            ready |= time <= time[overdue].max()
        if len(time) - int(ready.sum()) > MOST_HELD:
            ready |= time <= np.partition(time, -MOST_HELD)[-MOST_HELD]
        return self._leave(ready)

    def _leave(self, ready: NDArray[np.bool_]) -> SampleBatch:
        gone = self.batch.select(ready)
        if len(gone):
            self.batch, self.arrived_s = self.batch.select(~ready), self.arrived_s[~ready]
        return gone.select(np.lexsort((gone.tag, gone.source_time)))

    def everything(self) -> SampleBatch:
        return self._leave(np.ones(len(self.batch), np.bool_))


class Reorder:
    """``lateness_s`` by position of the connection; one without lateness is not held at all."""

    def __init__(self, lateness_s: Sequence[float], steady_s: Callable[[], float]) -> None:
        self._steady_s = steady_s
        self._held = {at: _Held(wait) for at, wait in enumerate(lateness_s) if wait > 0}
        self._waits = np.array([wait > 0 for wait in lateness_s], np.bool_)

    @property
    def is_on(self) -> bool:
        return bool(self._held)

    @property
    def waiting(self) -> int:
        """Samples that are held now."""
        return sum(len(held.batch) for held in self._held.values())

    def waits(self, connection: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which samples of these connections are held."""
        return np.asarray(self._waits[connection], np.bool_)

    def put(self, batch: SampleBatch, connection: NDArray[np.intp]) -> None:
        """Hold samples of connections that wait."""
        now_s = self._steady_s()
        for at in np.unique(connection).tolist():
            self._held[at].put(batch.select(connection == at), now_s)

    def passed(self) -> SampleBatch:
        """What need not wait any longer, in time order."""
        now_s = self._steady_s()
        return SampleBatch.concat([held.passed(now_s) for held in self._held.values() if len(held.batch)])

    def everything(self) -> SampleBatch:
        """All that is held, before its time."""
        return SampleBatch.concat([held.everything() for held in self._held.values()])
