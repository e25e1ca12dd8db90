"""Serves an ASGI app over a real socket for a test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from optria.simulator.runner import WebServer


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The app's URL on a free port of 127.0.0.1 while the block runs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = WebServer(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve([listener]))
            await server.answering.wait()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
