"""A pump that stands by at a header, tried now and then on its minimum-flow line."""

from optria.simulator.dynamics import lag

HEAD_AT_MINIMUM_FLOW = 1.2
"""Head on the minimum-flow line over nominal head."""


class StandbyPump:
    """Readings of a stopped pump, and of one that runs without delivering: the meter is behind the line."""

    def __init__(self, head_bar: float, current_a: float, power_kw: float) -> None:
        self._head_bar, self._current_a, self._power_kw = head_bar, current_a, power_kw
        self.run = 0.0
        self.bearing_rise_k = 2.0

    def step(self, asked: float, dt_s: float) -> None:
        """`asked` 0 stands, 1 runs; the motor needs some seconds."""
        self.run = lag(self.run, asked, 3.0, dt_s)
        self.bearing_rise_k = lag(self.bearing_rise_k, 2.0 + 26.0 * self.run, 600.0, dt_s)

    def vibration(self, neighbour: float) -> float:
        """mm/s; a little of its running neighbour's comes through the floor."""
        return 0.29 + 0.004 * neighbour + 1.6 * self.run

    @property
    def head_bar(self) -> float:
        return HEAD_AT_MINIMUM_FLOW * self._head_bar * self.run * self.run

    @property
    def current_a(self) -> float:
        return 0.55 * self._current_a * self.run

    @property
    def power_kw(self) -> float:
        return 0.45 * self._power_kw * self.run
