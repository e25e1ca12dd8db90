"""Which permission each route declares; an application with a route that declares none does not start."""

from collections.abc import Iterator, Sequence

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import BaseRoute, Mount

from optria.core.errors import ConfigurationError
from optria.core.roles import Permission

Route = APIRoute | APIWebSocketRoute


def routes_of(routes: Sequence[BaseRoute]) -> Iterator[Route]:
    """Every route and socket of an application that can declare a permission, in order."""
    return (route for route in _all(routes) if isinstance(route, Route))


def permission_of(dependant: Dependant) -> Permission | None:
    """The permission that a route or one of its dependencies declares."""
    declared = getattr(dependant.call, "permission", None)
    inner = (permission_of(each) for each in dependant.dependencies)
    return declared or next((found for found in inner if found is not None), None)


def refuse_undeclared(app: FastAPI) -> None:
    """Refuse an application with a route or socket that does not say who may call it.

    Raises:
        ConfigurationError: names every such route.
    """
    undeclared = [_name(route) for route in _all(app.routes) if not _is_declared(route)]
    if undeclared:
        raise ConfigurationError(
            f"These routes do not say who may call them: {', '.join(undeclared)}. "
            "Declare a permission with require(Permission.…), or OPEN."
        )


def _all(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """Every route, those of included routers among them."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from _all(inner.routes)


def _is_declared(route: BaseRoute) -> bool:
    if isinstance(route, Mount):
        return route.name == "static"
    return isinstance(route, Route) and permission_of(route.dependant) is not None


def _name(route: BaseRoute) -> str:
    methods = sorted(getattr(route, "methods", None) or ())
    return " ".join([*methods, getattr(route, "path", repr(route))])
