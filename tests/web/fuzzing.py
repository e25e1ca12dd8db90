"""What the fuzzing of the API needs: the document with real ids in it, and a counter of what was answered."""

import copy
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
ENDS_THE_SESSION: Final = {
    "auth_logout": "the rest would be 401",
    "tenant_users_reset_password": "made-up ids hit the own account, whose sessions then end",
}
"""Operations that are not fuzzed, by id, and why."""
ASKS_ANOTHER_PROGRAM: Final = ("/api/integrations/", "/api/demo/")
"""Addresses below which 503 is true: what they ask is not there in a test."""


class Answered:
    """Counts the answers of an application by method, route and status."""

    def __init__(self, app: ASGIApp, seen: Counter[tuple[str, str, int]]) -> None:
        self.app = app
        self.seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path_format", scope["path"])
                self.seen[scope["method"], str(route), message["status"]] += 1
            await send(message)

        await self.app(scope, receive, counted if scope["type"] == "http" else send)


def with_real_ids(document: Mapping[str, Any], known: Mapping[str, object]) -> dict[str, Any]:
    """The document in which parameters and fields named in ``known`` are often what really exists.

    Without it, nearly every made-up id is answered with 404 before anything interesting happens.
    """
    told = copy.deepcopy(dict(document))
    for item in told["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in known:
                    parameter["schema"] = _often(parameter["schema"], known[parameter["name"]])
    for schema in told["components"]["schemas"].values():
        fields = schema.get("properties", {})
        for name in fields.keys() & known.keys():
            fields[name] = _often(fields[name], known[name])
    return told


def _often(schema: Mapping[str, Any], value: object) -> dict[str, Any]:
    return {"anyOf": [{"enum": [value]}, dict(schema)], "example": value}
