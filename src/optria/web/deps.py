"""What a route may ask for: the services, who is looking, a permission, a transaction.

Every route declares its permission with :func:`require` (or :data:`OPEN` for the few that need none); a test
lists the routes and fails on one without.
"""

from collections.abc import AsyncGenerator
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request, WebSocket
from fastapi.params import Depends as Dependency
from starlette.requests import HTTPConnection

from optria.core.errors import Invalid, NotAllowed, NotFound, Unauthenticated
from optria.core.roles import Permission, Role, can
from optria.db.session import Tx
from optria.web.bodies import LARGEST_ID
from optria.web.platform_access import PlatformAccess
from optria.web.request_keys import claim_with_deed
from optria.web.security import SAFE_METHODS
from optria.web.services import Services
from optria.web.sessions import COOKIE, Viewer, find_viewer

LANGUAGES: Final = ("en", "ar")

RowId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
IdFilter = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=LARGEST_ID)]
TenantChoice = Annotated[
    int | None, Query(alias="tenant_id", ge=1, le=LARGEST_ID, description="Platform owners: which tenant.")
]


def services_of(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services


async def given_services(connection: HTTPConnection) -> Services:
    """The services for a route; a coroutine, because others are called in a thread."""
    return services_of(connection)


Given = Annotated[Services, Depends(given_services)]


def token_of(connection: HTTPConnection) -> str | None:
    """The session token: the cookie of a browser, or v1's Bearer header of a program."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return connection.cookies.get(COOKIE) or None


def language_of(connection: HTTPConnection) -> str:
    """``?lang=`` first, then the cookie, then English."""
    asked = (connection.query_params.get("lang"), connection.cookies.get("optria_lang"))
    return next((language for language in asked if language in LANGUAGES), None) or "en"


async def optional_viewer(connection: HTTPConnection, services: Given) -> Viewer | None:
    """Who is signed in, or None."""
    token = token_of(connection)
    if token is None:
        return None
    return await find_viewer(services.database, services.settings, token, language_of(connection))


MaybeViewer = Annotated[Viewer | None, Depends(optional_viewer)]


async def signed_in_viewer(found: MaybeViewer) -> Viewer:
    if found is None:
        raise Unauthenticated("Please sign in.")
    return found


class MissingPermission(NotAllowed):
    """The viewer's role does not grant ``permission``."""

    def __init__(self, permission: Permission) -> None:
        super().__init__("Not authorized")
        self.permission = permission


class Permit:
    """A dependency that yields the viewer if the role grants ``permission``.

    That a platform owner comes in is written down first; with ``SIGNED_IN`` people reach nothing of a tenant.
    """

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(
        self,
        connection: HTTPConnection,
        services: Given,
        viewer: Annotated[Viewer, Depends(signed_in_viewer)],
    ) -> Viewer:
        if not can(viewer.role, self.permission):
            raise MissingPermission(self.permission)
        if self.permission is not Permission.SIGNED_IN:
            await _note_access(services, viewer, connection)
        return viewer


class OpenPermit:
    """A dependency that lets everybody pass."""

    permission = Permission.PUBLIC

    async def __call__(self) -> None:
        return None


class SocketPermit:
    """The permission of the live socket: it is accepted first, so that the browser can be told why not."""

    permission = Permission.SIGNED_IN

    async def __call__(self, socket: WebSocket, services: Given) -> Viewer | None:
        viewer = await optional_viewer(socket, services)
        if viewer is not None:
            await _note_access(services, viewer, socket)
        return viewer


async def _note_access(services: Services, viewer: Viewer, connection: HTTPConnection) -> None:
    access: PlatformAccess = connection.app.state.platform_access
    await access.note(services.database, viewer, connection)


def require(permission: Permission) -> Dependency:
    """Declare at a route who may call it: ``who: Annotated[Viewer, require(Permission.VIEW_TWIN)]``.

    401 when nobody is signed in, 403 when the role does not grant the permission.
    """
    return Dependency(Permit(permission))


OPEN: Final = Dependency(OpenPermit())
SOCKET: Final = Dependency(SocketPermit())
SignedIn = Annotated[Viewer, require(Permission.SIGNED_IN)]


def require_tenant_access(viewer: Viewer, tenant_id: int | None) -> None:
    """A platform owner reaches every tenant, everyone else their own.

    Raises:
        NotFound: otherwise, as if the thing did not exist.
    """
    if viewer.role is not Role.PLATFORM_OWNER and (tenant_id is None or tenant_id != viewer.tenant_id):
        raise NotFound("There is no such thing.")


def tenant_of(viewer: Viewer, chosen: int | None) -> int | None:
    """The tenant a request works in; None is every tenant, for platform owners alone.

    Raises:
        NotFound: when somebody names a tenant that is not theirs.
    """
    if chosen is not None:
        require_tenant_access(viewer, chosen)
        return chosen
    return viewer.tenant_id


def tenant_to_write(viewer: Viewer, chosen: int | None) -> int:
    """The tenant a change is made in.

    Raises:
        Invalid: when a platform owner does not say which.
    """
    tenant_id = tenant_of(viewer, chosen)
    if tenant_id is None:
        raise Invalid("Say which tenant this is for: add ?tenant_id= to the address.")
    return tenant_id


async def open_tx(
    request: Request,
    services: Given,
    viewer: Annotated[Viewer, Depends(signed_in_viewer)],
    tenant: TenantChoice = None,
) -> AsyncGenerator[Tx]:
    """The transaction of a request, committed before its answer is sent."""
    if request.method not in SAFE_METHODS:
        tenant_to_write(viewer, tenant)
    tenant_id = tenant_of(viewer, tenant)
    if tenant_id is not None:
        async with services.database.transaction(tenant_id) as tx:
            await claim_with_deed(tx, tenant_id, viewer.user_id, request)
            yield tx
    else:
        async with services.database.platform(f"read by user {viewer.user_id}") as tx:
            yield tx


OpenTx = Annotated[Tx, Depends(open_tx, scope="function")]


def written_tenant(tx: Tx) -> int:
    """The tenant of a transaction that changes something (:func:`open_tx` has seen to it)."""
    if tx.tenant_id is None:
        raise Invalid("Say which tenant this is for: add ?tenant_id= to the address.")
    return tx.tenant_id
