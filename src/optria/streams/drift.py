"""How far the clock of a connection is ahead of ours, measured while it delivers.

A sample cannot arrive before it was taken: times that lead ours, by about as much for several seconds, are a
clock that is ahead. That a clock is behind cannot be told from samples (they may only be slow on their way);
it is known where the source tells its own time (:meth:`ClockWatch.told`).
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

LEAST_US = 2_000_000
"""A lead that is corrected; below it clocks are as good as equal, and the correction rests."""
BACK_US = 5_000_000
"""How far a correction must be too large before it is taken back."""
SPREAD_US = 3_000_000
"""Leads that differ by more are no clock that is ahead but times that are wrong."""
SETTLED_US = 3_000_000
APART_US = 500_000
"""Leads are noted no more often than this."""
LEAST_LEADS, MOST_LEADS = 4, 16
MOST_US = 86_400_000_000
"""A day: what is further ahead is no drift."""

Micros = NDArray[np.int64]


class ClockWatch:
    """The correction of each connection: as configured, and what is measured on top of it."""

    def __init__(self, configured_us: Micros) -> None:
        self.configured_us = configured_us
        self.measured_us = np.zeros(len(configured_us), np.int64)
        self._leads: list[deque[tuple[int, int]]] = [deque(maxlen=MOST_LEADS) for _ in configured_us]
        self._is_told = np.zeros(len(configured_us), np.bool_)

    @property
    def ahead_us(self) -> Micros:
        """What is subtracted from the times of each connection."""
        return np.asarray(self.configured_us + self.measured_us, np.int64)

    def told(self, connection: int, ahead_us: int) -> bool:
        """The source's own clock, read just now; whether the correction changed."""
        self._is_told[connection] = True
        return self._correct(connection, int(ahead_us - self.configured_us[connection]))

    def hear(self, connection: int, lead_us: int, at_us: int) -> bool:
        """Corrected times of a connection lead ours by this now; whether its correction changed."""
        if self._is_told[connection]:
            return False
        leads = self._leads[connection]
        if leads and at_us - leads[-1][0] < APART_US:
            return False
        leads.append((at_us, lead_us))
        settled = _settled(leads)
        if not settled or max(settled) - min(settled) > SPREAD_US:
            return False
        middle, measured = int(np.median(settled)), int(self.measured_us[connection])
        if LEAST_US < middle < MOST_US or (measured > 0 and middle < -max(BACK_US, measured // 2)):
            return self._correct(connection, max(measured + middle, 0))
        return False

    def take_over(self, other: "ClockWatch", before: NDArray[np.intp], after: NDArray[np.intp]) -> None:
        """Go on with what ``other`` has measured of the same connections, unless that is configured now."""
        same = self.configured_us[after] == other.configured_us[before]
        self.measured_us[after[same]] = other.measured_us[before[same]]
        self._is_told[after] = other._is_told[before]

    def _correct(self, connection: int, measured_us: int) -> bool:
        self._leads[connection].clear()
        if abs(measured_us - int(self.measured_us[connection])) <= LEAST_US:
            return False
        self.measured_us[connection] = measured_us
        return True


def _settled(leads: deque[tuple[int, int]]) -> list[int]:
    """The newest leads over as long as it takes to believe them; none while there are too few."""
    newest = leads[-1][0]
    for count in range(LEAST_LEADS, len(leads) + 1):
        if newest - leads[-count][0] >= SETTLED_US:
            return [lead for _, lead in list(leads)[-count:]]
    return []
