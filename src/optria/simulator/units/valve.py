"""A control valve that may stick or leak."""

from optria.simulator.dynamics import Upsets, clamp, lag


class ControlValve:
    """Follows its controller output (%) with a lag; stiction holds the stem until the output has moved on
    by up to 10 %, then it jumps half as far beyond (stick and slip-jump, after Choudhury)."""

    def __init__(self, position: float, upsets: Upsets) -> None:
        self.position = position
        self.output = position
        self.upsets = upsets

    @property
    def opening(self) -> float:
        """Share open as the fluid sees it, 0-1; a leaking seat passes what the stem does not show."""
        return self.position / 100.0 + 0.3 * self.upsets.valve_leak

    def step(self, output: float, dt_s: float) -> None:
        """Move the stem towards the output."""
        self.output = output
        band = 10.0 * self.upsets.valve_stiction
        if band == 0.0:
            self.position = lag(self.position, output, 2.0, dt_s)
        elif abs(output - self.position) > band:
            overshoot = 0.5 * band if output > self.position else -0.5 * band
            self.position = clamp(output + overshoot, 0.0, 100.0)
