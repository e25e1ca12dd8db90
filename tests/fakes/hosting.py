"""Keeps a context open in a task of its own, so that fixtures wider than a test can hold it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

T = TypeVar("T")


async def hosted(context: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """What ``context`` gives; it is entered and left in one and the same task, as cancel scopes demand."""
    loop = asyncio.get_running_loop()
    entered: asyncio.Future[T] = loop.create_future()
    done = asyncio.Event()

    async def host() -> None:
        async with context as value:
            entered.set_result(value)
            await done.wait()

    task = loop.create_task(host())
    task.add_done_callback(lambda _task: None if entered.done() else entered.cancel())
    await asyncio.wait([entered])
    if task.done():
        await task
    yield entered.result()
    done.set()
    await task
