"""Safe repeats: a change sent again with its ``Idempotency-Key`` is answered, not carried out again.

After ``draft-ietf-httpapi-idempotency-key-header``. A key belongs to a user in a tenant, and to one request:
method, address and body. Where a route works in the request's transaction (``OpenTx``), key, deed and answer
stand or fall together, whenever the process ends. Where it opens its own, the key is stored before and the
answer after: a deed that was cut off between them is not done twice, and a repeat is told so (409). A request
that was refused gives its key back.
"""

import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from optria.core.errors import Invalid
from optria.core.roles import Permission, Role, can
from optria.db.session import Tx
from optria.web import request_keys
from optria.web.deps import open_tx, optional_viewer, services_of
from optria.web.permits import permission_of
from optria.web.platform_access import named_tenant
from optria.web.request_keys import HEADER, OF_THE_PLATFORM, Repeatable, Repeated, StillRunning
from optria.web.security import SAFE_METHODS
from optria.web.sessions import Viewer

REPLAYED: Final = "Idempotency-Replayed"
"""Header of an answer that was given before."""
_KEY: Final = re.compile(r'"([ !#-\[\]-~]{1,200})"|([!-~]{1,200})')
"""A string of RFC 8941 without escapes, or the bare word that most programs send."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])
_TOLD_ONCE: Final[set[Callable[..., object]]] = set()
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def told_once(endpoint: Endpoint) -> Endpoint:
    """Mark a route whose request or answer holds a password: neither is kept, and a key changes nothing."""
    _TOLD_ONCE.add(endpoint)
    return endpoint


class RepeatableRoute(APIRoute):
    """A route that answers a repeated change as the first time."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        if self.endpoint in _TOLD_ONCE:
            return handle
        permission = permission_of(self.dependant) or Permission.SIGNED_IN
        carry_out = _with_deed if uses(self.dependant, open_tx) else _before_and_after

        async def repeatable(request: Request) -> Response:
            is_read = request.method in SAFE_METHODS or HEADER not in request.headers
            if is_read or permission is Permission.PUBLIC:
                return await handle(request)
            asked = Repeatable(_key_of(request), await _fingerprint(request))
            try:
                return await carry_out(request, asked, handle, permission)
            except Repeated as repeated:
                return _again(repeated)
            except StillRunning as running:
                return JSONResponse({"detail": str(running)}, 409, {"Retry-After": "1"})

        return repeatable


def uses(dependant: Dependant, dependency: Callable[..., object]) -> bool:
    """Whether a route asks for a dependency, at any depth."""
    return dependant.call is dependency or any(uses(each, dependency) for each in dependant.dependencies)


async def _with_deed(request: Request, asked: Repeatable, handle: Handler, _: Permission) -> Response:
    """The request's transaction, still open when the answer is made, takes the key and keeps the answer."""
    request.state.repeatable = asked
    response = await handle(request)
    if asked.tx is not None and asked.place is not None:
        await request_keys.keep(asked.tx, asked.place, response)
    return response


async def _before_and_after(
    request: Request, asked: Repeatable, handle: Handler, permission: Permission
) -> Response:
    """The key is taken in a transaction before the deed, the answer kept in one after it."""
    viewer = await optional_viewer(request, services_of(request))
    if viewer is None or not can(viewer.role, permission):
        return await handle(request)
    tenant_id = _tenant_of(viewer, request)
    async with _scope(request, tenant_id) as tx:
        await request_keys.claim(tx, tenant_id, viewer.user_id, asked)
    place, response = (tenant_id, viewer.user_id, asked.key), None
    try:
        response = await handle(request)
    finally:
        async with _scope(request, tenant_id) as tx:
            await (
                request_keys.free(tx, place) if response is None else request_keys.keep(tx, place, response)
            )
    return response


@asynccontextmanager
async def _scope(request: Request, tenant_id: int) -> AsyncGenerator[Tx]:
    """A transaction that sees the keys of a tenant, or those that are of none."""
    database = services_of(request).database
    if tenant_id != OF_THE_PLATFORM:
        async with database.transaction(tenant_id) as tx:
            yield tx
    else:
        async with database.platform("a key of a platform owner") as tx:
            yield tx


def _tenant_of(viewer: Viewer, request: Request) -> int:
    """The viewer's tenant; for a platform owner the one that the address names, if it does."""
    if viewer.role is not Role.PLATFORM_OWNER and viewer.tenant_id is not None:
        return viewer.tenant_id
    return named_tenant(request) or OF_THE_PLATFORM


def _again(repeated: Repeated) -> Response:
    media_type = "application/json" if repeated.answer else None
    return Response(repeated.answer or None, repeated.status, {REPLAYED: "true"}, media_type)


def _key_of(request: Request) -> str:
    """Raises Invalid for a key that is empty, too long, sent twice, or not of printable ASCII."""
    given = request.headers.getlist(HEADER)
    found = _KEY.fullmatch(given[0].strip()) if len(given) == 1 else None
    if found is None:
        raise Invalid(f"An {HEADER} is one word of 1 to 200 printable ASCII characters.")
    return str(found[1] or found[2])


async def _fingerprint(request: Request) -> str:
    """SHA-256 of method, address with its query, and body."""
    words = (request.method, request.url.path, request.url.query)
    return hashlib.sha256("\n".join(words).encode() + b"\n" + await request.body()).hexdigest()
