"""The simulated plant in real time."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from optria.core.catalogue import FaultLabel, PlantCatalogue
from optria.core.errors import SimulatorError
from optria.core.tag import from_micros, to_micros
from optria.kit import clock
from optria.simulator.engine import PlantEngine
from optria.simulator.faults import FaultAsk
from optria.simulator.source import FrameCallback, PlantFrame, Series

SECOND_US = 1_000_000
MAX_SPEED = 600
CATCH_UP_S = 7200
"""Gaps of up to this (a laptop asleep, a slow start) are computed; longer ones are left out."""


class SimulatedPlant:
    """The demo plant; implements `PlantSource`.

    A frame a second, at whole seconds of the wall clock, which are its source times. `speed` seconds of
    physics pass between two frames: it compresses the dynamics only, ramps and durations of faults too.
    """

    def __init__(self, seed: int = 1, speed: int = 1, preheat_minutes: int = 30) -> None:
        if not 1 <= speed <= MAX_SPEED:
            raise SimulatorError(f"The speed is {speed}; it must be between 1 and {MAX_SPEED}.")
        self.speed = speed
        now_us = to_micros(clock.now()) // SECOND_US * SECOND_US
        start_us = now_us - preheat_minutes * 60 * SECOND_US
        self._engine = PlantEngine(seed, from_micros(start_us))
        self._callbacks: list[FrameCallback] = []
        self.preheat(minutes=preheat_minutes)

    @property
    def catalogue(self) -> PlantCatalogue:
        """Sites, assets, tags and links of this plant."""
        return self._engine.catalogue

    def preheat(self, minutes: int) -> None:
        """Compute the next `minutes` of frames at once, into the history only (at most 20-fold speed)."""
        for _ in range(minutes * 60):
            self._engine.advance(min(self.speed, 20), self._engine.time_us + SECOND_US)

    async def run(self) -> None:
        """Deliver a frame each second until cancelled."""
        self._catch_up(to_micros(clock.now()))
        while True:
            due_us = self._engine.time_us + SECOND_US
            await asyncio.sleep(max(0.0, due_us / 1e6 - time.time()))
            self._publish(self._engine.advance(self.speed, due_us))
            if to_micros(clock.now()) - due_us > 5 * SECOND_US:
                self._catch_up(to_micros(clock.now()))

    def _catch_up(self, now_us: int) -> None:
        behind_s = (now_us - self._engine.time_us) // SECOND_US
        if behind_s > CATCH_UP_S:
            self._engine.time_us = now_us // SECOND_US * SECOND_US
            return
        for _ in range(behind_s):
            self._engine.advance(self.speed, self._engine.time_us + SECOND_US)

    def _publish(self, frame: PlantFrame) -> None:
        for callback in tuple(self._callbacks):
            callback(frame)

    def subscribe(self, callback: FrameCallback) -> Callable[[], None]:
        """Call `callback` with each frame, in the event loop; the answer ends the subscription."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def latest(self, names: list[str]) -> PlantFrame:
        """The last sample of each of these tags; raises UnknownTag."""
        return self._engine.delivery.latest(names)

    def history(self, name: str, start: datetime, end: datetime, limit: int) -> Series:
        """Samples of one tag in [start, end], at most 2 h back; raises UnknownTag."""
        return self._engine.delivery.history(name, start, end, limit)

    def inject(
        self,
        kind: str,
        asset: str,
        severity: float = 0.7,
        ramp_s: float = 60.0,
        duration_s: float | None = None,
    ) -> FaultLabel:
        """Begin a fault; raises BadFault."""
        return self._engine.inject(FaultAsk(kind, asset, severity, ramp_s, duration_s), clock.now())

    def clear(self, fault_id: str) -> None:
        """End a fault; raises UnknownFault."""
        self._engine.faults.end(fault_id, clock.now())

    def faults(self) -> list[FaultLabel]:
        """Labels of all faults so far, oldest first."""
        return self._engine.faults.labels()
