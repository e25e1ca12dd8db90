"""Keep tasks alive: restart with back-off, say it once when lost and once when back."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from optria.kit import clock

log = structlog.get_logger(__name__)

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0
JITTER = 0.2
HEALTHY_AFTER_S = 30.0


@dataclass(slots=True)
class TaskState:
    """What is known of one supervised task; shown by the health pages."""

    name: str
    running: bool = False
    restarts: int = 0
    last_error: str | None = None
    since: datetime | None = None


def next_delay(previous_s: float, chance: float, first_s: float = FIRST_DELAY_S) -> float:
    """Seconds to wait before the next try: doubled to a minute, ± 20 % by ``chance`` in [0, 1]."""
    doubled = min(max(previous_s * 2, first_s), LONGEST_DELAY_S)
    return doubled * (1 - JITTER + 2 * JITTER * chance)


class Supervisor:
    """Runs named coroutines for ever; an ``Exception`` restarts one, it never ends the process."""

    def __init__(self, first_delay_s: float = FIRST_DELAY_S) -> None:
        self._states: dict[str, TaskState] = {}
        self._first_delay_s = first_delay_s

    @property
    def states(self) -> Mapping[str, TaskState]:
        return self._states

    def forget(self, name: str) -> None:
        self._states.pop(name, None)

    async def keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run ``run`` again whenever it raises or returns. Only cancellation ends it."""
        state = self._states.setdefault(name, TaskState(name))
        delay_s = 0.0
        while True:
            started = asyncio.get_running_loop().time()
            state.running, state.since = True, clock.now()
            failure = await self._run_once(name, run, state)
            state.running = False
            healthy_s = asyncio.get_running_loop().time() - started
            if healthy_s >= HEALTHY_AFTER_S:
                delay_s = 0.0
            if delay_s == 0.0:
                log.warning("task_lost", task=name, error=failure)
            delay_s = next_delay(delay_s, random.random(), self._first_delay_s)
            state.restarts += 1
            await asyncio.sleep(delay_s)

    async def _run_once(self, name: str, run: Callable[[], Awaitable[None]], state: TaskState) -> str:
        if state.last_error is not None:
            log.info("task_restarted", task=name, restarts=state.restarts)
        try:
            await run()
            failure = "finished unexpectedly"
        except Exception as error:
            failure = str(error) or type(error).__name__
            log.debug("task_failed", task=name, exc_info=True)
        state.last_error = failure
        return failure
