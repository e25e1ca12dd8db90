"""How many values a connection delivered per minute, from the samples in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from optria.core.tag import to_micros
from optria.streams.recent import Recent

MINUTES: Final = 30
MOST_SAMPLES: Final = 1_500_000
"""Beyond so many places in the rings nothing is drawn: each signal costs a look through its own."""
WIDTH: Final = 92.0
HEIGHT: Final = 22.0


def per_minute(recent: Recent, tags: Sequence[int], now: datetime) -> Sequence[float]:
    """Values in each of the last ``MINUTES`` whole minutes; empty when nothing is known of them."""
    if not tags or len(tags) * recent.capacity > MOST_SAMPLES:
        return []
    end = now.replace(second=0, microsecond=0)
    start = end - timedelta(minutes=MINUTES)
    edges = to_micros(start) + np.arange(MINUTES + 1) * 60_000_000
    counts = np.zeros(MINUTES)
    for series in recent.windows(tags, start, end).values():
        counts += np.histogram(series.time, edges)[0]
    return [float(count) for count in counts] if counts.any() else []


def spark_of(counts: Sequence[float]) -> tuple[str, tuple[float, float] | None]:
    """The counts as an SVG path from the first minute with values on, and where its last point is.

    The box begins at zero: a rate that halves is seen to halve.
    """
    first = next((i for i, count in enumerate(counts) if count), None)
    if first is None or first >= len(counts) - 1:
        return "", None
    most = 1.4 * max(counts)
    step = WIDTH / (len(counts) - 1)
    points = [
        (round(i * step, 1), round(HEIGHT - 2 - (HEIGHT - 4) * count / most, 1))
        for i, count in enumerate(counts)
        if i >= first
    ]
    return "M" + "L".join(f"{x} {y}" for x, y in points), points[-1]
