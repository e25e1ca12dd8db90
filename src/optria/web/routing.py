"""The router that every module of the web has: whatever it serves may be asked for again safely."""

from collections.abc import Sequence
from enum import Enum

from fastapi import APIRouter
from fastapi.params import Depends

from optria.web.idempotency import RepeatableRoute


def api_router(
    prefix: str = "",
    tags: list[str | Enum] | None = None,
    dependencies: Sequence[Depends] | None = None,
    *,
    include_in_schema: bool = True,
) -> APIRouter:
    """A router whose changes answer an ``Idempotency-Key`` (:class:`RepeatableRoute`)."""
    return APIRouter(
        prefix=prefix,
        tags=tags,
        dependencies=dependencies,
        include_in_schema=include_in_schema,
        route_class=RepeatableRoute,
    )
