"""Tenants as such: making one, naming it anew, closing it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from optria.core.errors import Conflict, NotAllowed, NotFound
from optria.core.messages import Message
from optria.core.roles import Role
from optria.db.identity import CLOSED_TENANTS, Tenant
from optria.db.session import Tx
from optria.db.starting_rules import starting_rules
from optria.web import audit, sessions
from optria.web.edits import Edit, apply_edit
from optria.web.people.accounts import Author


@dataclass(frozen=True, slots=True)
class NewTenant:
    code: str
    name: str
    name_ar: str | None = None
    industry: str | None = None


async def add(tx: Tx, author: Author, new: NewTenant) -> Tenant:
    """Make a tenant, with the causal rules to begin with; ``tx`` must be of the platform's scope.

    Raises:
        Conflict: the code is taken, in whatever letter case.
    """
    taken = f"There is a tenant with the code {new.code} already."
    same_code = select(Tenant.id).where(func.lower(Tenant.code) == func.lower(new.code))
    if await tx.session.scalar(same_code.limit(1)) is not None:
        raise Conflict(taken)
    tenant = Tenant(code=new.code, name=new.name, name_ar=new.name_ar, industry=new.industry)
    tx.session.add(tenant)
    try:
        await tx.session.flush()
    except IntegrityError as error:
        raise Conflict(taken) from error
    tx.session.add_all(starting_rules(tenant.id))
    words = {"code": tenant.code, "name": tenant.name, "industry": tenant.industry}
    audit.record(
        tx, author.user_id, tenant.id, "tenant_added", "tenant", tenant.id, author.request, new=words
    )
    return tenant


async def change(tx: Tx, author: Author, tenant: Tenant, values: Mapping[str, object]) -> Edit:
    """Name a tenant anew, close it or open it; when it closes, the sessions of its people end.

    Raises:
        NotAllowed: somebody of the tenant itself changes its status.
    """
    edit = apply_edit(tenant, values)
    if "status" in edit.new and author.role is not Role.PLATFORM_OWNER:
        raise NotAllowed("Only a platform owner opens and closes tenants.")
    if edit.new.get("status") in CLOSED_TENANTS:
        await sessions.end_of_tenant(tx, tenant.id)
    if "status" in edit.new:
        tx.publish(Message(tenant.id, "configuration", "tenant_changed", str(tenant.id)))
    if edit:
        audit.record(
            tx,
            author.user_id,
            tenant.id,
            "tenant_changed",
            "tenant",
            tenant.id,
            author.request,
            old=edit.old,
            new=edit.new,
        )
    return edit


async def tenant_of_id(tx: Tx, tenant_id: int) -> Tenant:
    """A tenant that the transaction may see.

    Raises:
        NotFound: there is none.
    """
    tenant = await tx.session.get(Tenant, tenant_id)
    if tenant is None:
        raise NotFound("There is no such tenant.")
    return tenant
