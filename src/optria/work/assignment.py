"""Who gets an order: the engineer on call, else the first engineer, else a tenant admin."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, select

from optria.core.roles import Permission, Role, can
from optria.db.identity import User
from optria.db.session import Tx
from optria.work.on_call import on_call_at

ENGINEERS = (Role.ENGINEER, Role.OPTIMIZATION_ENGINEER)
"""The roles that do the work, and so may be on call."""


async def pick(tx: Tx, tenant_id: int, site_id: int | None, at: datetime) -> User | None:
    """The user of this tenant who should do an order at ``site_id`` created ``at``; None if nobody can.

    Whoever is on call (see :func:`optria.work.on_call.on_call_at`), else the first engineer, else the first
    tenant admin. People who are not active are passed over, on call or not.
    """
    able = {user.id: user for user in await engineers(tx, tenant_id)}
    if not able:
        return next(iter(await admins(tx, tenant_id)), None)
    claim = await on_call_at(tx, tenant_id, site_id, at, able)
    return able[claim.turn.user_id] if claim else next(iter(able.values()))


def may_be_on_call(user: User) -> bool:
    """Whether a user is one of :func:`engineers`."""
    return user.is_active is not False and user.role in ENGINEERS


async def engineers(tx: Tx, tenant_id: int) -> Sequence[User]:
    """Who may be on call: the active engineers of a tenant, then its optimization engineers."""
    return await _active(tx, tenant_id, ENGINEERS)


async def planners(tx: Tx, tenant_id: int) -> Sequence[User]:
    """Who plans the work of others: the active optimization engineers, where there are none the admins."""
    found = await _active(tx, tenant_id, (Role.OPTIMIZATION_ENGINEER,))
    return found or await admins(tx, tenant_id)


async def admins(tx: Tx, tenant_id: int) -> Sequence[User]:
    """Who is told what nobody but an administrator can mend: the active admins of a tenant."""
    return await _active(tx, tenant_id, (Role.TENANT_ADMIN,))


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
