"""When a request came: before it waited for anything."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from optria.kit import clock


class Arrival:
    """The outermost layer: notes the time."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["arrived_at"] = clock.now()
        await self.app(scope, receive, send)


async def _arrived_at(connection: HTTPConnection) -> datetime:
    at: datetime = connection.state.arrived_at
    return at


ArrivedAt = Annotated[datetime, Depends(_arrived_at)]
"""When the request reached this process."""
