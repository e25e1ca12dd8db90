"""``/login`` as a plain form that needs no script, ``/logout``, and where ``/`` leads."""

from typing import Annotated

from fastapi import Form, HTTPException, Query, Request
from starlette.responses import RedirectResponse, Response

from optria.core.errors import Unauthenticated
from optria.db.seed import OWNER, PEOPLE
from optria.web.deps import OPEN, Given, MaybeViewer, token_of
from optria.web.own_path import FIRST_PAGE, own_path
from optria.web.people.auth import LoginRequest, set_cookie, sign_in, sign_out
from optria.web.rendering import render_page, translate
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import COOKIE
from optria.web.words import _

router = api_router(dependencies=[OPEN], include_in_schema=False)


@router.get("/")
async def front_door(viewer: MaybeViewer) -> Response:
    return RedirectResponse(FIRST_PAGE if viewer else "/login", 303)


@router.get("/login")
async def login_page(
    request: Request,
    services: Given,
    viewer: MaybeViewer,
    next_page: Annotated[str, Query(alias="next", max_length=2000)] = "",
) -> Response:
    """The form; whoever is signed in goes on. A ``next`` means that a session has ended on the way."""
    if viewer is not None:
        return RedirectResponse(own_path(next_page or FIRST_PAGE), 303)
    ended = bool(next_page) and token_of(request) is not None
    notice = translate(_("Your session has ended. Sign in to go on where you were.")) if ended else ""
    return _form(request, services, next_page, notice=notice)


@router.post("/login")
async def submit_login(
    request: Request,
    services: Given,
    email: Annotated[str, Form(max_length=255)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next_page: Annotated[str, Form(alias="next", max_length=2000)] = "",
) -> Response:
    """Sign in and go on to ``next``; else the form again with what went wrong."""
    asked = LoginRequest(email=email, password=password, next=next_page)
    try:
        signed = await sign_in(services, request.app.state.throttle, request, asked)
    except Unauthenticated:
        wrong = translate(_("The e-mail address or the password is wrong."))
        return _form(request, services, next_page, email, wrong, status=401)
    except HTTPException as error:
        if error.status_code != 429:
            raise
        return _throttled(request, services, next_page, email, error)
    response = RedirectResponse(own_path(next_page or FIRST_PAGE), 303)
    set_cookie(response, request, services, signed.token)
    return response


def _throttled(
    request: Request, services: Services, next_page: str, email: str, error: HTTPException
) -> Response:
    headers = dict(error.headers or {})
    minutes = -(-int(headers.get("Retry-After", "60")) // 60)
    words = translate(_("Too many attempts to sign in. Try again in %(minutes)s min."))
    page = _form(request, services, next_page, email, words % {"minutes": minutes}, status=429)
    page.headers.update(headers)
    return page


def _form(
    request: Request,
    services: Services,
    next_page: str,
    email: str = "",
    error: str = "",
    notice: str = "",
    status: int = 200,
) -> Response:
    return render_page(
        request,
        "login.html",
        None,
        status_code=status,
        next_page=next_page,
        email=email,
        error=error,
        notice=notice,
        demo_accounts=(*PEOPLE, OWNER) if services.settings.demo else (),
    )


@router.post("/logout")
async def submit_logout(request: Request, services: Given) -> Response:
    await sign_out(services, request)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return response
