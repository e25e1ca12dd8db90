"""Rates of counts that only ever grow, over the last half minute; and when the process began to serve."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from optria.kit import clock

WINDOW_S: Final = 30.0
SHORTEST_S: Final = 1.0


class Meter:
    """Keeps what it was told of each count for half a minute; whoever looks again after that begins anew."""

    def __init__(self, tick: Callable[[], float] = time.monotonic) -> None:
        self._tick = tick
        self._seen: dict[str, deque[tuple[float, float]]] = {}
        self.started_at = clock.now()

    def rate(self, name: str, count: float) -> float | None:
        """How much a count grows in a second; None at the first look, and when it began anew."""
        now = self._tick()
        seen = self._seen.setdefault(name, deque())
        while seen and (now - seen[0][0] > WINDOW_S or seen[0][1] > count):
            seen.popleft()
        if not seen or now - seen[-1][0] >= SHORTEST_S:
            seen.append((now, count))
        begun, before = seen[0]
        return (count - before) / (now - begun) if now - begun >= SHORTEST_S else None
