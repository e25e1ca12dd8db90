"""How promptly the event loop comes round: everything in this process waits as long as it lags."""

import asyncio
from collections import deque

EVERY_S = 0.25
WINDOW_S = 60.0


class LoopWatch:
    """Looks four times a second. ``lag_s`` is the latest look, ``worst_s`` the worst of the last minute."""

    def __init__(self) -> None:
        self.lag_s = 0.0
        self._seen: deque[float] = deque([0.0], maxlen=int(WINDOW_S / EVERY_S))

    @property
    def worst_s(self) -> float:
        return max(self._seen)

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self.lag_s = max(0.0, loop.time() - due)
            self._seen.append(self.lag_s)
