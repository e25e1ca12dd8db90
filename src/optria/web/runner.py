"""uvicorn inside our own task group: we own the signals, it only serves."""

import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import anyio
import uvicorn
from fastapi import FastAPI

from optria.core.errors import ConfigurationError
from optria.web.slow_heads import PromptHttp

WS_MAX_BYTES: Final = 65_536
SHUTDOWN_S: Final = 5


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, which would swallow our shutdown."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_started()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve(
    app: FastAPI,
    host: str,
    port: int,
    stop: anyio.Event,
    on_bound: Callable[[int], None] | None = None,
    protocol: type[PromptHttp] = PromptHttp,
) -> None:
    """Serve until ``stop`` is set, then let open requests finish for a few seconds.

    Port 0 picks a free one; ``on_bound`` is told the port once connections are accepted.

    Raises:
        ConfigurationError: when the address cannot be listened on.
    """
    config = _config(app, host, port, protocol)
    listening = _listen(config)
    bound_port: int = listening.getsockname()[1]
    server = _Server(config, lambda: on_bound(bound_port) if on_bound else None)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_when_asked, server, stop)
            await server.serve(sockets=[listening])
            tasks.cancel_scope.cancel()
    finally:
        listening.close()


def _config(app: FastAPI, host: str, port: int, protocol: type[PromptHttp]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="websockets-sansio",
        ws_max_size=WS_MAX_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


def _listen(config: uvicorn.Config) -> socket.socket:
    """A listening socket that says it is TCP: asyncio sends at once (TCP_NODELAY) on no other.

    Else an answer of two packets waits 40 ms for the browser's delayed acknowledgement.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((config.host, config.port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"Cannot listen on {config.host}:{config.port} ({error.strerror}). "
            "Choose another port with --port, or stop what is using this one."
        ) from error
    return listening


async def _stop_when_asked(server: uvicorn.Server, stop: anyio.Event) -> None:
    await stop.wait()
    server.should_exit = True
