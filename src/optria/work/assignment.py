"""Who gets an order: the engineer on call, else the first engineer, else a tenant admin."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, or_, select

from optria.core.roles import Permission, Role, can
from optria.db.identity import User
from optria.db.session import Tx
from optria.db.work import OnCallShift

ENGINEERS = (Role.ENGINEER, Role.OPTIMIZATION_ENGINEER)


async def pick(tx: Tx, tenant_id: int, site_id: int | None, at: datetime) -> User | None:
    """The user of this tenant who should do an order at ``site_id`` created ``at``; None if nobody can."""
    engineers = await _active(tx, tenant_id, ENGINEERS)
    on_call = await _on_call(tx, tenant_id, site_id, at)
    for user_id in on_call:
        found = next((user for user in engineers if user.id == user_id), None)
        if found:
            return found
    return next(iter(engineers or await _active(tx, tenant_id, (Role.TENANT_ADMIN,))), None)


async def _active(tx: Tx, tenant_id: int, roles: Sequence[Role]) -> Sequence[User]:
    """Active users of a tenant in the order of ``roles``, then of their ids."""
    by_role = case({role.value: position for position, role in enumerate(roles)}, value=User.role)
    statement = (
        select(User)
        .where(User.tenant_id == tenant_id, User.is_active.is_not(False), User.role.in_(roles))
        .order_by(by_role, User.id)
    )
    return (await tx.session.execute(statement)).scalars().all()


async def who_may_see_orders(tx: Tx, tenant_id: int, user_ids: Sequence[int]) -> list[int]:
    """Those of ``user_ids`` who are active users of the tenant and whose role may see work orders."""
    roles = [role for role in Role if can(role, Permission.VIEW_WORK_ORDERS)]
    found = {user.id for user in await _active(tx, tenant_id, roles)}
    return [user_id for user_id in dict.fromkeys(user_ids) if user_id in found]


async def _on_call(tx: Tx, tenant_id: int, site_id: int | None, at: datetime) -> Sequence[int]:
    """Users on shift ``at``; a shift of the site itself goes before one of every site."""
    statement = (
        select(OnCallShift.user_id)
        .where(
            OnCallShift.tenant_id == tenant_id,
            OnCallShift.starts_at <= at,
            OnCallShift.ends_at > at,
            or_(OnCallShift.site_id.is_(None), OnCallShift.site_id == site_id),
        )
        .order_by(OnCallShift.site_id.is_(None), OnCallShift.starts_at.desc(), OnCallShift.id)
    )
    return (await tx.session.execute(statement)).scalars().all()
