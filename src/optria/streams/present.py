"""What time it is, told from two clocks: the wall clock, which may be put forward or back, and a steady one.

After a jump of the wall clock both times count as possible, so nothing is refused for it, until the sources'
own clocks have said for a while which of the two is right.
"""

from collections.abc import Callable
from datetime import datetime

from optria.core.tag import to_micros

STEP_US = 2_000_000
"""A difference between both clocks that is no slow correction any more."""
NEAR_US = 30_000_000
"""Sources within this of one of the two times speak for it."""
VOTES = 10
VOTES_OVER_US = 5_000_000


class Present:
    """``wall`` is the clock of the machine; ``steady_s`` never jumps (None: the wall clock is believed)."""

    def __init__(self, wall: Callable[[], datetime], steady_s: Callable[[], float] | None = None) -> None:
        self._wall, self._steady_s = wall, steady_s
        self._ahead_us: int | None = None
        """Of the steady clock, the wall clock that is believed."""
        self._votes, self._first_vote_us = 0, 0

    def bounds(self) -> tuple[int, int]:
        """The earliest and the latest µs since 1970 that it may be now; the same while the clocks agree."""
        wall = to_micros(self._wall())
        if self._steady_s is None:
            return wall, wall
        steady = self._steady_us()
        if self._ahead_us is None or abs(wall - steady - self._ahead_us) < STEP_US:
            self._ahead_us, self._votes = wall - steady, 0
            return wall, wall
        believed = steady + self._ahead_us
        return min(wall, believed), max(wall, believed)

    def heard(self, newest_us: int) -> None:
        """A source has just sent a sample of this time: after a jump, a vote for one of both clocks."""
        earliest, latest = self.bounds()
        if earliest == latest or self._ahead_us is None or self._steady_s is None:
            return
        wall, steady = to_micros(self._wall()), self._steady_us()
        if abs(newest_us - wall) > min(NEAR_US, (latest - earliest) // 3):
            self._votes = 0
            return
        self._first_vote_us = self._first_vote_us if self._votes else steady
        self._votes += 1
        if self._votes >= VOTES and steady - self._first_vote_us >= VOTES_OVER_US:
            self._ahead_us, self._votes = wall - steady, 0

    def _steady_us(self) -> int:
        return int(self._steady_s() * 1e6) if self._steady_s is not None else 0
