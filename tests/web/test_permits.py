"""An application with a route that does not say who may call it does not start."""

from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.responses import PlainTextResponse
from starlette.requests import Request
from starlette.routing import Mount, Route

from optria.core.errors import ConfigurationError
from optria.core.roles import Permission
from optria.web.deps import OPEN, SOCKET, require
from optria.web.permits import refuse_undeclared, routes_of
from optria.web.sessions import Viewer
from tests.web.house import House


async def nothing() -> None:
    return None


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("secret")


async def listen(socket: WebSocket) -> None:
    await socket.close()


def application() -> FastAPI:
    return FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


def test_every_undeclared_route_is_named() -> None:
    app, router = application(), APIRouter(prefix="/api")
    router.add_api_route("/forgotten", nothing, methods=["POST", "PUT"])
    router.add_api_route("/open", nothing, dependencies=[OPEN])
    app.include_router(router)
    app.add_api_websocket_route("/forgotten-socket", listen)
    app.router.routes.extend([Route("/plain", plain), Mount("/files", app=application())])
    with pytest.raises(ConfigurationError) as refused:
        refuse_undeclared(app)
    said = str(refused.value)
    for name in ("POST PUT /api/forgotten", "/forgotten-socket", "GET HEAD /plain", "/files"):
        assert name in said
    assert "/api/open" not in said


def test_the_documentation_that_fastapi_adds_is_named_too() -> None:
    with pytest.raises(ConfigurationError, match=r"/openapi\.json"):
        refuse_undeclared(FastAPI())


def test_a_permission_may_be_declared_in_each_of_the_ways() -> None:
    app = application()
    needed = require(Permission.VIEW_TWIN)
    inner = APIRouter(prefix="/inner", dependencies=[needed])
    inner.add_api_route("/all", nothing)

    async def by_parameter(viewer: Annotated[Viewer, needed]) -> None:
        return None

    async def by_socket(socket: WebSocket, viewer: Annotated[Viewer | None, SOCKET]) -> None:
        await socket.close()

    app.include_router(inner)
    app.add_api_route("/parameter", by_parameter)
    app.add_api_websocket_route("/socket", by_socket)
    refuse_undeclared(app)


async def test_the_application_names_no_route(house: House) -> None:
    refuse_undeclared(house.app)
    assert len(list(routes_of(house.app.routes))) > 60
