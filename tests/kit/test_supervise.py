"""Back-off, and a task that is kept alive."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.errors import ConnectorUnavailable
from optria.kit.supervise import FIRST_DELAY_S, JITTER, LONGEST_DELAY_S, Supervisor, next_delay


@given(st.floats(0, 1000), st.floats(0, 1))
def test_delays_grow_to_a_minute_and_jitter_by_a_fifth(previous_s: float, chance: float) -> None:
    delay_s = next_delay(previous_s, chance)
    assert FIRST_DELAY_S * (1 - JITTER) - 1e-9 <= delay_s <= LONGEST_DELAY_S * (1 + JITTER) + 1e-9


@given(st.floats(1, 20))
def test_a_delay_doubles(previous_s: float) -> None:
    assert next_delay(previous_s, 0.5) == pytest.approx(2 * previous_s)


async def test_a_failing_task_is_started_again_and_says_why() -> None:
    supervisor, tries = Supervisor(), asyncio.Semaphore(0)

    async def fail() -> None:
        tries.release()
        raise ValueError("no such host")

    task = asyncio.create_task(supervisor.keep("source", fail))
    await tries.acquire()
    await tries.acquire()
    state = supervisor.states["source"]
    assert state.restarts >= 1
    assert state.last_error == "no such host"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_returns_has_finished_unexpectedly() -> None:
    supervisor, returned = Supervisor(), asyncio.Event()

    async def finish() -> None:
        returned.set()

    task = asyncio.create_task(supervisor.keep("recorder", finish))
    await returned.wait()
    await asyncio.sleep(0)
    assert supervisor.states["recorder"].last_error == "finished unexpectedly"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failure_may_say_when_to_try_again() -> None:
    supervisor, tries = Supervisor(first_delay_s=3600.0), asyncio.Semaphore(0)

    async def fail() -> None:
        tries.release()
        raise ConnectorUnavailable("the link was cut", retry_after_s=0.0)

    task = asyncio.create_task(supervisor.keep("source", fail))
    async with asyncio.timeout(30):
        for _ in range(3):
            await tries.acquire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_waits_can_be_woken() -> None:
    supervisor, tries = Supervisor(first_delay_s=3600.0), asyncio.Semaphore(0)

    async def fail() -> None:
        tries.release()
        raise ConnectorUnavailable("the certificate is refused", retry_after_s=3600.0)

    task = asyncio.create_task(supervisor.keep("source", fail))
    async with asyncio.timeout(30):
        await tries.acquire()
        while not supervisor.states["source"].restarts:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        supervisor.wake("source")
        await tries.acquire()
    supervisor.wake("nobody")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_of_failures_side_by_side_the_first_is_said() -> None:
    supervisor, tries = Supervisor(first_delay_s=3600.0), asyncio.Semaphore(0)

    async def refused() -> None:
        raise OSError("nothing listens there")

    async def fail() -> None:
        tries.release()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(refused())

    task = asyncio.create_task(supervisor.keep("sender", fail))
    async with asyncio.timeout(30):
        await tries.acquire()
        while not supervisor.states["sender"].restarts:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert supervisor.states["sender"].last_error == "nothing listens there"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
