"""Errors as answers: v1's ``{"detail": sentence}`` for a program, a page for a person."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from optria.core import errors
from optria.web.deps import MissingPermission, language_of
from optria.web.error_page import failed_page, refused_page
from optria.web.refusals import in_language
from optria.web.refused_values import plain
from optria.web.security import HEADERS

log = structlog.get_logger(__name__)

STATUSES: Final[dict[type[Exception], int]] = {
    errors.Unauthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.Busy: 429,
    errors.ConnectorUnavailable: 503,
    errors.SimulatorError: 503,
    errors.DatabaseUnavailable: 503,
    errors.OptriaError: 500,
}
DATABASE_AWAY: Final = "The database cannot be reached at the moment. Try again shortly."
UNREADABLE: Final = "The body of the request cannot be read."
NOT_STORABLE: Final = "A value of this request cannot be stored: it is out of range or not text."
UNEXPECTED: Final = "Something went wrong on our side; it has been logged."
REFUSED_VALUES: Final = ("22", "23")
"""SQLSTATE classes: data exceptions and broken constraints."""
RETRY: Final = {"Retry-After": "5"}

Handler = Callable[[Request, Exception], Awaitable[Response]]


def add_handlers(app: FastAPI) -> None:
    for kind, status in STATUSES.items():
        app.add_exception_handler(kind, _answer(status))
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(DBAPIError, _database_error)
    for away in (OperationalError, InterfaceError, PoolTimeout, ConnectionError, TimeoutError):
        app.add_exception_handler(away, _database_away)
    app.add_exception_handler(Exception, _unexpected)


def wants_page(request: Request) -> bool:
    """Whether a person waits for a page (and not a program for data)."""
    is_page = request.method == "GET" and not request.url.path.startswith(("/api", "/health"))
    return is_page and "text/html" in request.headers.get("accept", "")


def _answer(status: int) -> Handler:
    async def answer(request: Request, error: Exception) -> Response:
        if status == 401 and wants_page(request):
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(asked, safe='')}", 303)
        if wants_page(request):
            return await _page(request, error, status)
        current = {"version": error.version} if isinstance(error, errors.Stale) else {}
        said = in_language(str(error), language_of(request))
        headers = RETRY if status == 429 else None
        return JSONResponse({"detail": said, **current}, status, headers=headers)

    return answer


async def _page(request: Request, error: Exception, status: int) -> Response:
    if status >= 500:
        return failed_page(request, status, database_away=isinstance(error, errors.DatabaseUnavailable))
    permission = error.permission if isinstance(error, MissingPermission) else None
    return await refused_page(request, status, permission)


async def _refused(request: Request, error: Exception) -> Response:
    """What the router itself refuses: an address that no route has, a body that is no text (422)."""
    assert isinstance(error, HTTPException)
    if error.status_code == 400:
        return JSONResponse({"detail": UNREADABLE}, 422)
    if error.status_code == 404 and wants_page(request):
        return await refused_page(request, 404)
    return await http_exception_handler(request, error)


async def _malformed(request: Request, error: Exception) -> Response:
    """FastAPI's shape without the input itself, which may not be printable, and in our words alone."""
    assert isinstance(error, RequestValidationError)
    if wants_page(request):
        return await refused_page(request, 422)
    language = language_of(request)
    detail = [
        {"loc": e["loc"], "msg": in_language(plain(e["msg"]), language), "type": e["type"]}
        for e in error.errors()
    ]
    return JSONResponse({"detail": detail}, 422)


async def _database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state.startswith(REFUSED_VALUES):
        log.info("value_refused", path=request.url.path, sqlstate=state)
        return JSONResponse({"detail": NOT_STORABLE}, 422)
    if error.connection_invalidated or state.startswith(("08", "53", "57")):
        return await _database_away(request, error)
    return await _unexpected(request, error)


async def _database_away(request: Request, error: Exception) -> Response:
    log.warning("database_away", path=request.url.path, error=type(error).__name__)
    if wants_page(request):
        page = failed_page(request, 503, database_away=True)
        page.headers.update(RETRY)
        return page
    return JSONResponse({"detail": in_language(DATABASE_AWAY, language_of(request))}, 503, headers=RETRY)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
    if wants_page(request):
        return failed_page(request, 500)
    return JSONResponse({"detail": in_language(UNEXPECTED, language_of(request))}, 500, headers=HEADERS)
