"""The description of the API for programs: who may call what, what it takes, and every answer it can give.

All of it is read from the routes, so a new route is described by being there: its permission gives the
security and the roles, its docstring the description, its body model's examples the example, and the first
line of its module's docstring describes its tag.
"""

import inspect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from optria.core.roles import GRANTS, Permission, can
from optria.web.openapi_answers import ANSWER_EXAMPLES, PROBLEMS, REFUSALS, problem
from optria.web.permits import permission_of, routes_of
from optria.web.security import SAFE_METHODS
from optria.web.sessions import COOKIE

Operation = dict[str, Any]
"""An Operation Object of OpenAPI 3.1: the free form of JSON, as FastAPI gives it."""

TITLE: Final = "OPTRIA IQ"
DESCRIPTION: Final = (
    "Everything the screens show and do, for programs. Sign in with `POST /api/auth/login`: a browser gets "
    f"the cookie `{COOKIE}`, whose value programs may also send as `Authorization: Bearer`. Each operation "
    "names the permission it needs and the roles that have it. A thing of another tenant does not exist "
    "(404). Platform owners see every tenant, and name one with `tenant_id` when they change something. "
    'Times are ISO 8601 with an offset. A refusal is `{"detail": "a sentence"}`; '
    "that of a body or parameter that cannot be read is a list under `detail`, with the place (`loc`) and a "
    "sentence (`msg`) for each thing that is wrong (422)."
)
SECURITY_SCHEMES: Final = {
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Set by signing in."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same token, for programs."},
}
IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "A word of your choice for this one request, such as a UUID. Sent again with the same key and body, "
        "the request is answered as the first time (then with the header `Idempotency-Replayed`) and not "
        "carried out twice. Where a request or its answer holds a password, a key changes nothing."
    ),
    "schema": {"type": "string", "pattern": r'^("[ !#-\[\]-~]{1,200}"|[!-~]{1,200})$'},
    "example": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
}


class DescribedApp(FastAPI):
    """FastAPI's application with the description of this module."""

    def openapi(self) -> Operation:
        """The document, made at the first call and kept: the routes do not change while it serves."""
        if self.openapi_schema is None:
            self.openapi_schema = _complete(super().openapi(), list(documented(self.routes)))
        return self.openapi_schema


def documented(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    """The HTTP routes that the document shows."""
    every = (route for route in routes_of(routes) if isinstance(route, APIRoute))
    return (route for route in every if route.include_in_schema)


@dataclass(frozen=True, slots=True)
class _Described:
    """One method of one route, and what is known of it."""

    route: APIRoute
    method: str
    permission: Permission

    @property
    def is_write(self) -> bool:
        return self.method not in SAFE_METHODS

    @property
    def is_public(self) -> bool:
        return self.permission is Permission.PUBLIC

    @property
    def example_key(self) -> str:
        return f"{self.method} {self.route.path_format}"


def _complete(document: Operation, routes: Sequence[APIRoute]) -> Operation:
    document["info"]["description"] = DESCRIPTION
    taken: set[str] = set()
    for route in routes:
        for method in sorted(route.methods or ()):
            operation = document["paths"][route.path_format][method.lower()]
            permission = permission_of(route.dependant) or Permission.SIGNED_IN
            operation["operationId"] = _operation_id(route, taken)
            _fill(operation, _Described(route, method, permission))
    document["tags"] = _tags(routes)
    _components(document)
    return document


def _components(document: Operation) -> None:
    components = document.setdefault("components", {})
    components["securitySchemes"] = SECURITY_SCHEMES
    schemas = components.setdefault("schemas", {})
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    schemas.update(PROBLEMS)


def _operation_id(route: APIRoute, taken: set[str]) -> str:
    """``module_function``; a function with several addresses adds the last word of the address."""
    module = route.endpoint.__module__.rpartition(".")[2]
    name = f"{module}_{route.endpoint.__name__}"
    if name in taken:
        name += "_" + (route.path_format.rstrip("/").rpartition("/")[2].strip("{}") or "root")
    if name in taken:
        name += f"_{len(taken)}"
    taken.add(name)
    return name


def _fill(operation: Operation, described: _Described) -> None:
    operation["x-permission"] = described.permission.value
    operation["security"] = [] if described.is_public else [{name: []} for name in SECURITY_SCHEMES]
    said = (operation.get("description", ""), _needs(described.permission))
    operation["description"] = "\n\n".join(part for part in said if part)
    if described.is_write and not described.is_public:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    responses = operation["responses"]
    responses.pop("422", None)
    declared = [int(status) for status in responses if status in REFUSALS]
    for status in {*_refusals(operation, described), *declared}:
        responses[str(status)] = problem(status)
    _add_example(responses, described)


def _needs(permission: Permission) -> str:
    if permission is Permission.PUBLIC:
        return "Needs: nothing; open to everybody."
    roles = ", ".join(role.value for role in reversed(GRANTS) if can(role, permission))
    return f"Needs: `{permission.value}`; roles: {roles}."


def _refusals(operation: Operation, described: _Described) -> list[int]:
    """The refusals that an operation can give, by what it takes and who may call it.

    A route names others with ``responses={404: {}}``; they are completed here.
    """
    named = [parameter["in"] for parameter in operation.get("parameters", ())]
    chooses_tenant = any(parameter["name"] == "tenant_id" for parameter in operation.get("parameters", ()))
    can_be = {
        401: not described.is_public or _signs_in(described),
        403: not described.is_public or described.is_write,
        404: "path" in named or chooses_tenant or "requestBody" in operation,
        409: described.is_write,
        413: described.is_write,
        422: described.is_write or bool(named),
        429: described.is_write and described.is_public,
        503: True,
    }
    return [status for status, possible in can_be.items() if possible]


def _signs_in(described: _Described) -> bool:
    return described.is_write and described.route.body_field is not None


def _add_example(responses: Operation, described: _Described) -> None:
    example = ANSWER_EXAMPLES.get(described.example_key)
    for status, response in responses.items():
        content = response.get("content", {}).get("application/json")
        if example is not None and content is not None and status.startswith("2"):
            content["example"] = example


def _tags(routes: Sequence[APIRoute]) -> list[dict[str, str]]:
    """Each tag once, in the order of the routes, said by the first module that uses it."""
    said: dict[str, str] = {}
    for route in routes:
        module = sys.modules[route.endpoint.__module__]
        first_line = (inspect.getdoc(module) or "").partition("\n\n")[0].replace("\n", " ")
        for tag in route.tags:
            said.setdefault(str(tag), first_line)
    return [{"name": tag, "description": text} for tag, text in said.items()]
