"""Waiting for what another task or process does, which announces nothing."""

import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable


async def until(holds: Callable[[], object], within_s: float = 120.0, every_s: float = 0.05) -> float:
    """Seconds until ``holds()``, or what it awaits, is true.

    Raises:
        TimeoutError: it is not within ``within_s``.
    """
    begun = time.monotonic()
    async with asyncio.timeout(within_s):
        while True:
            found = holds()
            if await found if isawaitable(found) else found:
                return time.monotonic() - begun
            await asyncio.sleep(every_s)
