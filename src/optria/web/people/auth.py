"""Sign-in, sign-out, and who am I."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from optria.core.errors import Unauthenticated
from optria.db.identity import Tenant, User
from optria.kit import clock
from optria.web import audit, sessions
from optria.web.deps import OPEN, Given, MaybeViewer, SignedIn, token_of
from optria.web.limits import LoginThrottle
from optria.web.own_path import FIRST_PAGE, own_path
from optria.web.people import passwords
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import COOKIE
from optria.web.shapes import Json, user_json
from optria.web.texts import Text

router = api_router(prefix="/api/auth", tags=["auth"])


class LoginRequest(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "engineer@aramco.demo",
                    "password": "a passphrase of your own",
                    "next": "/digital-twin",
                }
            ]
        }
    )

    email: Annotated[Text, Field(max_length=255)]
    password: Annotated[Text, Field(max_length=1000)]
    next: Annotated[Text, Field(max_length=2000)] = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A session that has just begun."""

    token: str
    user: Json


async def sign_in(
    services: Services, throttle: LoginThrottle, request: Request, asked: LoginRequest
) -> SignIn:
    """Check a password and open a session with a token of its own; an earlier one of the browser ends.

    Raises:
        Unauthenticated: with the same words whether the account or the password is wrong.
        HTTPException: 429 after too many attempts.
    """
    account, address = asked.email.strip().lower(), address_of(request)
    throttle.admit(account, address)
    user, is_welcome = await _account(services, asked.email.strip())
    stored_hash = user.password_hash if user and is_welcome else None
    fits, better_hash = await passwords.verify(asked.password, stored_hash)
    if user is not None and stored_hash is not None and fits:
        signed = await _open(services, request, user, better_hash)
        if signed is not None:
            throttle.succeeded(account, address)
            return signed
    await _note_failure(services, request, user)
    raise Unauthenticated("The e-mail address or the password is wrong.")


def address_of(request: Request) -> str:
    """The network address that a request came from."""
    return request.client.host if request.client else ""


async def _account(services: Services, email: str) -> tuple[User | None, bool]:
    """The user of an e-mail address in any letter case, and whether they may use the product.

    Version 1 took addresses that differ by case alone: then the one as it is written counts.
    """
    query = (
        select(User, Tenant.status)
        .join(Tenant, Tenant.id == User.tenant_id, isouter=True)
        .where(func.lower(User.email) == email.lower())
        .order_by((User.email == email).desc(), User.id)
    )
    async with services.database.platform("sign-in") as tx:
        found = (await tx.session.execute(query)).first()
        return (None, False) if found is None else (found[0], sessions.is_admitted(*found))


async def _note_failure(services: Services, request: Request, user: User | None) -> None:
    """Written down of unknown accounts too, else the time of the answer would tell which ones exist.

    Not what was typed: it may be a password in the wrong field.
    """
    user_id, tenant_id = (user.id, user.tenant_id) if user else (None, None)
    async with services.database.platform("sign-in") as tx:
        audit.record(tx, user_id, tenant_id, "sign_in_failed", "user", user_id, request)


async def _open(
    services: Services, request: Request, verified: User, better_hash: str | None
) -> SignIn | None:
    """A session, unless the password changed or the account was closed while the password was verified."""
    async with services.database.platform("sign-in") as tx:
        user = await tx.session.get_one(User, verified.id, with_for_update={"key_share": True})
        if user.password_hash != verified.password_hash or user.is_active is False:
            return None
        user.last_login = clock.now()
        if better_hash:
            user.password_hash = better_hash
        if earlier := token_of(request):
            await sessions.end(tx, earlier)
        agent = request.headers.get("user-agent", "")
        token = await sessions.start(tx, user, services.settings, address_of(request), agent)
        audit.record(tx, user.id, user.tenant_id, "sign_in", "user", user.id, request)
        return SignIn(token, user_json(user))


def set_cookie(response: Response, request: Request, services: Services, token: str) -> None:
    """The session cookie; Secure exactly over https unless the settings say otherwise."""
    secure = services.settings.secure_cookies
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(services.settings.session_hours * 3600),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" if secure is None else secure,
    )


@router.post("/login", summary="Sign in", dependencies=[OPEN])
async def login(asked: LoginRequest, request: Request, response: Response, services: Given) -> Json:
    signed = await sign_in(services, request.app.state.throttle, request, asked)
    set_cookie(response, request, services, signed.token)
    return {
        "success": True,
        "message": "Login successful",
        "user": signed.user,
        "redirect_url": own_path(asked.next or FIRST_PAGE),
    }


async def sign_out(services: Services, request: Request) -> None:
    """End the session of a request, where it has one."""
    token = token_of(request)
    if token is None:
        return
    async with services.database.platform("sign-out") as tx:
        ended = await sessions.end(tx, token)
        if ended is not None:
            audit.record(tx, ended.user_id, ended.tenant_id, "sign_out", "user", ended.user_id, request)


@router.post("/logout", summary="Sign out", dependencies=[OPEN])
async def logout(request: Request, response: Response, services: Given) -> Json:
    await sign_out(services, request)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return {"success": True, "message": "Logged out successfully"}


@router.get("/me", summary="Who am I")
async def me(viewer: SignedIn, services: Given) -> Json:
    return await _user(services, viewer.user_id)


@router.get("/check", summary="Is anybody signed in", dependencies=[OPEN])
async def check(viewer: MaybeViewer, services: Given) -> Json:
    user = await _user(services, viewer.user_id) if viewer else None
    return {"authenticated": user is not None, "user": user}


async def _user(services: Services, user_id: int) -> Json:
    async with services.database.platform("own account") as tx:
        return user_json(await tx.session.get_one(User, user_id))
