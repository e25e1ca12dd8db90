"""The people of a tenant over HTTP: v1's paths and answers."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy import ColumnElement, func, or_, select

from optria.core.errors import NotFound
from optria.core.roles import Permission, Role
from optria.db.identity import User
from optria.db.session import Tx
from optria.web.deps import (
    Given,
    Limit,
    Offset,
    OpenTx,
    RowId,
    TenantChoice,
    require,
    tenant_of,
    tenant_to_write,
)
from optria.web.edits import sent_fields
from optria.web.idempotency import told_once
from optria.web.people import accounts
from optria.web.people.accounts import NewAccount
from optria.web.people.tenancies import tenant_of_id
from optria.web.people.tenants import author_of
from optria.web.people.user_bodies import PasswordReset, UserCreate, UserUpdate
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, user_json
from optria.web.texts import Text

router = api_router(prefix="/api/tenant-users", tags=["tenant-users"])

Managing = Annotated[Viewer, require(Permission.MANAGE_USERS)]
Search = Annotated[Text, Query(max_length=100, description="Part of a name, a user name or an address.")]
ALWAYS_THERE = frozenset({"role", "is_active"})


async def accounts_tx(viewer: Managing, services: Given, tenant: TenantChoice = None) -> AsyncGenerator[Tx]:
    """The transaction that changes an account; for a platform owner its id says whose it is, as in v1."""
    async with _opened(services, viewer, tenant_of(viewer, tenant)) as tx:
        yield tx


def _opened(services: Services, viewer: Viewer, tenant_id: int | None) -> AbstractAsyncContextManager[Tx]:
    if tenant_id is not None:
        return services.database.transaction(tenant_id)
    return services.database.platform(f"account changed by user {viewer.user_id}")


AccountsTx = Annotated[Tx, Depends(accounts_tx, scope="function")]


@router.get("/", summary="List people")
async def list_users(
    _viewer: Managing,
    tx: OpenTx,
    role: Role | None = None,
    is_active: bool | None = None,
    search: Search = "",
    skip: Offset = 0,
    limit: Limit = 100,
) -> Json:
    """The people of one's tenant, by name; of all tenants for a platform owner. `total` is without paging."""
    which = list(_matching(role, is_active, search))
    total = await tx.session.scalar(select(func.count(User.id)).where(*which))
    page = select(User).where(*which).order_by(User.full_name, User.id).offset(skip).limit(limit)
    users = [user_json(user) for user in await tx.session.scalars(page)]
    return {"users": users, "total": total, "skip": skip, "limit": limit}


def _matching(role: Role | None, is_active: bool | None, search: str) -> list[ColumnElement[bool]]:
    which: list[ColumnElement[bool]] = []
    if role is not None:
        which.append(User.role == role.value)
    if is_active is not None:
        which.append(User.is_active.is_not(False) if is_active else User.is_active.is_(False))
    if words := search.strip():
        columns = (User.email, User.username, User.full_name, User.full_name_ar)
        which.append(or_(*(column.icontains(words, autoescape=True) for column in columns)))
    return which


@router.get("/roles/available", summary="List the roles one may give")
async def available_roles(viewer: Managing) -> Json:
    """From the least to the most; nobody gives a role above their own."""
    return {"roles": [role.value for role in accounts.grantable(viewer.role)]}


@router.post("/", summary="Add a person")
@told_once
async def add_user(
    viewer: Managing, services: Given, request: Request, asked: UserCreate, tenant: TenantChoice = None
) -> Json:
    """Without a `password` one is made up, which stands in this answer alone, as `new_password`. A platform
    owner says which tenant the person belongs to, except of another platform owner."""
    owner = asked.role is Role.PLATFORM_OWNER and viewer.tenant_id is None and tenant is None
    tenant_id = None if owner else tenant_to_write(viewer, tenant)
    new = NewAccount(tenant_id, asked.email, asked.username, asked.role, asked.full_name, asked.full_name_ar)
    async with services.database.platform("is an e-mail address free") as tx:
        await accounts.require_free_email(tx, asked.email)
    async with _opened(services, viewer, tenant_id) as tx:
        if tenant_id is not None:
            await tenant_of_id(tx, tenant_id)
        user, password = await accounts.add(tx, author_of(viewer, request), new, asked.password)
    return user_json(user) | {"new_password": password if asked.password is None else None}


@router.get("/{user_id}", summary="Read a person")
async def show_user(_viewer: Managing, tx: OpenTx, user_id: RowId) -> Json:
    """Somebody of another tenant does not exist."""
    return user_json(await _user(tx, user_id))


@router.put("/{user_id}", summary="Change a person")
async def change_user(
    viewer: Managing, tx: AccountsTx, request: Request, user_id: RowId, asked: UserUpdate
) -> Json:
    """Only what is sent changes. A new role or `is_active` signs the person out at once. Nobody changes their
    own role, and the last administrator of a tenant stays."""
    user = await _user(tx, user_id, locked=True)
    await accounts.change(tx, author_of(viewer, request), user, sent_fields(asked, ALWAYS_THERE))
    return user_json(user)


@router.post("/{user_id}/reset-password", summary="Give a person another password")
@told_once
async def reset_password(
    viewer: Managing, tx: AccountsTx, request: Request, user_id: RowId, asked: PasswordReset | None = None
) -> Json:
    """Signs the person out everywhere. Without a `new_password` one is made up, which stands in this answer
    alone; one that was sent is not repeated."""
    user = await _user(tx, user_id, locked=True)
    given = asked.new_password if asked else None
    password = await accounts.set_password(tx, author_of(viewer, request), user, given)
    return {
        "message": "Password reset successfully",
        "user_id": user.id,
        "new_password": password if given is None else None,
    }


@router.delete("/{user_id}", summary="Deactivate a person")
async def deactivate_user(viewer: Managing, tx: AccountsTx, request: Request, user_id: RowId) -> Json:
    """Signs the person out and keeps the account, because work orders point at people; `is_active` true opens
    it again."""
    user = await _user(tx, user_id, locked=True)
    await accounts.change(tx, author_of(viewer, request), user, {"is_active": False})
    return {"message": "User deactivated successfully", "user_id": user.id}


async def _user(tx: Tx, user_id: int, *, locked: bool = False) -> User:
    user = await tx.session.get(User, user_id, with_for_update={"key_share": True} if locked else None)
    if user is None:
        raise NotFound("There is no such person.")
    return user
