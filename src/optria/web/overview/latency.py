"""How long it took from the alarm to the work order, as a histogram."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np

TARGET_S: Final = 10.0
"""From the anchor to the committed work order."""
BINS: Final = 25
_ENDS_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 300.0, 3600.0)


@dataclass(frozen=True, slots=True)
class Latency:
    """``bins`` counts of equal width from 0 to ``end_s``; what took longer stands in ``beyond``."""

    count: int
    median_s: float | None = None
    p95_s: float | None = None
    bins: tuple[int, ...] = ()
    end_s: float = TARGET_S
    beyond: int = 0
    within_target: int = 0


def latency_of(seconds: Sequence[float]) -> Latency:
    """Median and 95th percentile are of all; the axis ends at the round number beyond the latter."""
    if not seconds:
        return Latency(0)
    known = np.asarray(seconds, float)
    median, p95 = (float(q) for q in np.quantile(known, (0.5, 0.95)))
    end = next((each for each in _ENDS_S if each >= p95), float(ceil(p95 / 3600) * 3600))
    counts, _edges = np.histogram(known[known <= end], BINS, (0.0, end))
    return Latency(
        count=len(seconds),
        median_s=median,
        p95_s=p95,
        bins=tuple(int(n) for n in counts),
        end_s=end,
        beyond=int((known > end).sum()),
        within_target=int((known <= TARGET_S).sum()),
    )
