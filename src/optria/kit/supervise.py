"""Keep tasks alive: restart with back-off, say it once when lost and once when back."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from optria.core.errors import ConnectorUnavailable
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
    return jittered(min(max(previous_s * 2, first_s), LONGEST_DELAY_S), chance)


def jittered(delay_s: float, chance: float) -> float:
    """± 20 % by ``chance`` in [0, 1], so that many do not come back at the same moment."""
    return delay_s * (1 - JITTER + 2 * JITTER * chance)


def _first(error: Exception) -> Exception:
    """Of several failures side by side, the first: their group says only how many there were."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


class Supervisor:
    """Runs named coroutines for ever; an ``Exception`` restarts one, it never ends the process."""

    def __init__(self, first_delay_s: float = FIRST_DELAY_S) -> None:
        self._states: dict[str, TaskState] = {}
        self._first_delay_s = first_delay_s
        self._woken: dict[str, asyncio.Event] = {}

    @property
    def states(self) -> Mapping[str, TaskState]:
        return self._states

    def forget(self, name: str) -> None:
        self._states.pop(name, None)
        self._woken.pop(name, None)

    def wake(self, name: str) -> None:
        """Have a task that waits for its next try make it now; nothing for one that runs."""
        if name in self._woken:
            self._woken[name].set()

    async def keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run ``run`` again whenever it raises or returns. Only cancellation ends it.

        The delays double, unless the failure says when to try again.
        """
        state = self._states.setdefault(name, TaskState(name))
        delay_s, is_said = 0.0, False
        while True:
            started = asyncio.get_running_loop().time()
            state.running, state.since = True, clock.now()
            failure, asked_s = await self._run_once(name, run, state)
            state.running = False
            if asyncio.get_running_loop().time() - started >= HEALTHY_AFTER_S:
                delay_s, is_said = 0.0, False
            if not is_said:
                log.warning("task_lost", task=name, error=failure)
                is_said = True
            if asked_s is None:
                delay_s = next_delay(delay_s, random.random(), self._first_delay_s)
            state.restarts += 1
            await self._rest(name, delay_s if asked_s is None else jittered(asked_s, random.random()))

    async def _rest(self, name: str, delay_s: float) -> None:
        woken = self._woken[name] = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await woken.wait()

    async def _run_once(
        self, name: str, run: Callable[[], Awaitable[None]], state: TaskState
    ) -> tuple[str, float | None]:
        """What was wrong, and in how many seconds the failure itself asks to be tried again."""
        if state.last_error is not None:
            log.info("task_restarted", task=name, restarts=state.restarts)
        asked_s = None
        try:
            await run()
            failure = "finished unexpectedly"
        except Exception as error:
            first = _first(error)
            failure = str(first) or type(first).__name__
            asked_s = error.retry_after_s if isinstance(error, ConnectorUnavailable) else None
            log.debug("task_failed", task=name, exc_info=True)
        state.last_error = failure
        return failure, asked_s
