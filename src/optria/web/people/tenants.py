"""Tenants over HTTP: v1's paths and answers."""

from typing import Annotated

from fastapi import Request
from sqlalchemy import select

from optria.core.roles import Permission, Role, can
from optria.db.identity import Tenant, User
from optria.web.deps import Given, OpenTx, RowId, SignedIn, require, require_tenant_access
from optria.web.edits import sent_fields
from optria.web.idempotency import told_once
from optria.web.people import accounts, tenancies
from optria.web.people.accounts import Author, NewAccount
from optria.web.people.tenancies import NewTenant, tenant_of_id
from optria.web.people.tenant_bodies import TenantCreate, TenantUpdate
from optria.web.platform_access import PlatformAccess
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json, user_json, when

router = api_router(prefix="/api/tenants", tags=["tenants"])

Owning = Annotated[Viewer, require(Permission.MANAGE_TENANTS)]
Managing = Annotated[Viewer, require(Permission.MANAGE_USERS)]
ALWAYS_THERE = frozenset({"name", "status"})
USERNAME_LENGTH = 100


def author_of(viewer: Viewer, request: Request) -> Author:
    return Author(viewer.user_id, viewer.role, request)


def tenant_json(tenant: Tenant, *, with_settings: bool = True) -> Json:
    """A tenant; its settings are shown to those who manage it."""
    return {
        "id": tenant.id,
        "code": tenant.code,
        "name": tenant.name,
        "name_ar": tenant.name_ar,
        "industry": tenant.industry,
        "status": tenant.status or "active",
        "settings": (tenant.settings or {}) if with_settings else {},
        "created_at": when(tenant.created_at),
    }


@router.get("/", summary="List the tenants")
async def list_tenants(_viewer: Owning, tx: OpenTx) -> list[Json]:
    """Every tenant of the installation, by code; closed ones too."""
    found = await tx.session.scalars(select(Tenant).order_by(Tenant.code, Tenant.id))
    return [tenant_json(tenant) for tenant in found]


@router.get("/{tenant_id}", summary="Read a tenant")
async def show_tenant(viewer: SignedIn, services: Given, request: Request, tenant_id: RowId) -> Json:
    """One's own tenant; platform owners see any. Only who manages its people sees its settings."""
    require_tenant_access(viewer, tenant_id)
    access: PlatformAccess = request.app.state.platform_access
    await access.note(services.database, viewer, request)
    async with services.database.transaction(tenant_id) as tx:
        tenant = await tenant_of_id(tx, tenant_id)
    return tenant_json(tenant, with_settings=can(viewer.role, Permission.MANAGE_USERS))


@router.post("/", summary="Make a tenant and its first administrator")
@told_once
async def add_tenant(viewer: Owning, services: Given, request: Request, asked: TenantCreate) -> Json:
    """The administrator's password is made up and stands in this answer alone."""
    author = author_of(viewer, request)
    new = NewTenant(asked.code, asked.name, asked.name_ar, asked.industry)
    async with services.database.platform(f"tenant added by user {viewer.user_id}") as tx:
        await accounts.require_free_email(tx, asked.admin_email)
        tenant = await tenancies.add(tx, author, new)
        username = asked.admin_email.partition("@")[0][:USERNAME_LENGTH]
        first = NewAccount(tenant.id, asked.admin_email, username, Role.TENANT_ADMIN, asked.admin_name)
        admin, password = await accounts.add(tx, author, first, None)
    return {
        "success": True,
        "tenant": tenant_json(tenant),
        "admin_credentials": {"email": admin.email, "password": password},
    }


@router.put("/{tenant_id}", summary="Change a tenant")
async def change_tenant(
    viewer: Managing, services: Given, request: Request, tenant_id: RowId, asked: TenantUpdate
) -> Json:
    """Only what is sent changes. The status is a platform owner's alone: `inactive` and `suspended` sign all
    people of the tenant out at once."""
    require_tenant_access(viewer, tenant_id)
    values = sent_fields(asked, ALWAYS_THERE)
    async with services.database.transaction(tenant_id) as tx:
        tenant = await tenant_of_id(tx, tenant_id)
        await tenancies.change(tx, author_of(viewer, request), tenant, values)
    return {"success": True, "tenant": tenant_json(tenant)}


@router.get("/{tenant_id}/users", summary="List the people of a tenant")
async def list_tenant_users(viewer: Managing, services: Given, tenant_id: RowId) -> list[Json]:
    """All of them, deactivated ones too, by name."""
    require_tenant_access(viewer, tenant_id)
    async with services.database.transaction(tenant_id) as tx:
        await tenant_of_id(tx, tenant_id)
        people = select(User).where(User.tenant_id == tenant_id).order_by(User.full_name, User.id)
        return [user_json(user) for user in await tx.session.scalars(people)]
