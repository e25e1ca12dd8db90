"""Every route of version 1 is still there, takes the same fields, and asks for no more than it did."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from optria.web.permits import routes_of
from optria.web.server import create_app
from tests.web.house import House
from tests.web.v1_routes import V1_ROUTES, V1Route

IN_SCOPE = 107
ELSEWHERE = {
    "PATCH /api/integrations/{integration_id}/config": "version 1 took its body as one field, by position",
}
"""Routes whose body is not compared name by name, and why."""


@pytest.fixture
def app(house: House) -> FastAPI:
    return create_app(house.services)


def _anonymous(path: str) -> str:
    return re.sub(r"{\w+(:\w+)?}", "{}", path)


@pytest.mark.clause("G7", "G10")
async def test_every_route_of_version_1_is_there(app: FastAPI) -> None:
    ours = {
        (method, _anonymous(route.path))
        for route in routes_of(app.routes)
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    missing = [str(route) for route in V1_ROUTES if (route.method, _anonymous(route.path)) not in ours]
    assert len(V1_ROUTES) == IN_SCOPE
    assert missing == []


def _described(app: FastAPI, route: V1Route) -> Any:
    paths = {_anonymous(path): operations for path, operations in app.openapi()["paths"].items()}
    return paths.get(_anonymous(route.path), {}).get(route.method.lower(), {})


def _body(app: FastAPI, route: V1Route) -> Any:
    """The JSON schema of the body, with its reference followed."""
    content = _described(app, route).get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    schemas = app.openapi()["components"]["schemas"]
    references = [schema.get("$ref")] + [each.get("$ref") for each in schema.get("anyOf", ())]
    named = next((reference for reference in references if reference), None)
    return schemas[named.rsplit("/", 1)[1]] if named else schema


@pytest.mark.clause("G7", "G10")
async def test_every_route_of_version_1_takes_its_fields_and_asks_for_no_more(app: FastAPI) -> None:
    faults = []
    for route in V1_ROUTES:
        if str(route) in ELSEWHERE or not (route.fields or route.query):
            continue
        body = _body(app, route)
        known = {each["name"] for each in _described(app, route).get("parameters", ())}
        asked = {
            each["name"] for each in _described(app, route).get("parameters", ()) if each.get("required")
        }
        faults += [f"{route}: {name}" for name in route.fields if name not in body.get("properties", {})]
        faults += [
            f"{route}: asks for {name}" for name in body.get("required", ()) if name not in route.needed
        ]
        faults += [f"{route}: ?{name}" for name in route.query if name not in known]
        faults += [f"{route}: asks for ?{name}" for name in asked if f"{{{name}}}" not in route.path]
    assert faults == []
