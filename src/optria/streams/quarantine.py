"""The last samples that the gate refused, by reason: to be looked at, and to be let in after all."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import SampleBatch

HELD = 20_000
"""Samples kept of each reason; the oldest leave first and stay counted."""


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused sample as the source sent it: raw value, times in µs UTC."""

    reason: str
    tag: int
    source_time_us: int
    arrived_us: int
    value: float
    quality: int


class Quarantine:
    """A bounded place per reason."""

    def __init__(self) -> None:
        self._held: dict[str, deque[tuple[int, SampleBatch]]] = {}

    def put(self, reason: str, batch: SampleBatch, arrived_us: int) -> None:
        """Keep what has just been refused."""
        if not len(batch):
            return
        held = self._held.setdefault(reason, deque())
        held.append((arrived_us, batch.select(np.arange(max(0, len(batch) - HELD), len(batch)))))
        while sum(len(part) for _, part in held) > HELD:
            held.popleft()

    def last(self, most: int, tags: frozenset[int] | None = None) -> list[Refused]:
        """The newest refused samples of each reason, of ``tags`` only if they are given."""
        return [row for reason in self._held for row in self._last(reason, most, tags)]

    def _last(self, reason: str, most: int, tags: frozenset[int] | None) -> list[Refused]:
        found: list[Refused] = []
        wanted = None if tags is None else np.array(sorted(tags), np.int32)
        for arrived_us, part in reversed(self._held[reason]):
            mine = np.arange(len(part)) if wanted is None else np.flatnonzero(np.isin(part.tag, wanted))
            found += [_refused(reason, part, int(at), arrived_us) for at in mine[::-1][: most - len(found)]]
            if len(found) == most:
                break
        return found

    def take(self, reason: str, tags: NDArray[np.int32], since_us: int) -> SampleBatch:
        """The samples of ``tags`` that were refused since then, which leave the quarantine."""
        taken: list[SampleBatch] = []
        kept: deque[tuple[int, SampleBatch]] = deque()
        for arrived_us, part in self._held.get(reason, ()):
            mine = np.isin(part.tag, tags) & (arrived_us >= since_us)
            taken.append(part.select(mine))
            if not mine.all():
                kept.append((arrived_us, part.select(~mine)))
        self._held[reason] = kept
        return SampleBatch.concat(taken)


def _refused(reason: str, part: SampleBatch, at: int, arrived_us: int) -> Refused:
    return Refused(
        reason,
        int(part.tag[at]),
        int(part.source_time[at]),
        arrived_us,
        float(part.value[at]),
        int(part.quality[at]),
    )
