"""``/users``: who may sign in, as what, and who is on call; and what each role may do."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Request
from sqlalchemy import func, select
from starlette.responses import Response

from optria.core.roles import Permission, Role
from optria.db.identity import Tenant, User, UserSession
from optria.db.session import Tx
from optria.kit import clock
from optria.web.deps import OpenTx, require
from optria.web.frame import shell_for
from optria.web.people.accounts import grantable
from optria.web.people.people import user_name
from optria.web.people.permission_words import ROLES, role_table
from optria.web.people.rota_scopes import Scope, on_call_now
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.words import _

router = api_router(include_in_schema=False)

Managing = Annotated[Viewer, require(Permission.MANAGE_USERS)]
MOST_SHOWN: Final = 500
OWN: Final = _("This is you. Another administrator changes your role; the rest is under Your account.")
LAST: Final = _("The last administrator: make another one first.")
ABOVE: Final = _("Above your own role: a platform owner changes this account.")


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One account; ``fixed`` is why role and state cannot be changed by who looks ("" if they can)."""

    user: User
    name: str
    tenant: str
    last_seen: datetime | None
    on_call: Sequence[Scope]
    is_own: bool
    fixed: str

    @property
    def is_active(self) -> bool:
        return self.user.is_active is not False

    @property
    def fill(self) -> dict[str, object]:
        """What the form of this person begins with."""
        user = self.user
        return {
            "full_name": user.full_name or user.username,
            "full_name_ar": user.full_name_ar or "",
            "role": user.known_role.value,
        }


@router.get("/users")
async def users_page(request: Request, viewer: Managing, tx: OpenTx) -> Response:
    people = await person_lines(tx, viewer, clock.now())
    return render_page(
        request,
        "users.html",
        await shell_for(tx, viewer, "admin"),
        people=people,
        active=sum(line.is_active for line in people),
        tenant_id=tx.tenant_id,
        suffix="" if viewer.tenant_id is not None or tx.tenant_id is None else f"?tenant_id={tx.tenant_id}",
        roles=grantable(viewer.role) if tx.tenant_id is None else _tenant_roles(viewer.role),
        all_roles=ROLES,
        role_table=role_table(),
    )


def _tenant_roles(own: Role) -> Sequence[Role]:
    return [role for role in grantable(own) if role is not Role.PLATFORM_OWNER]


async def person_lines(tx: Tx, viewer: Viewer, at: datetime) -> list[PersonLine]:
    """The accounts that the transaction sees, open ones first, by name."""
    query = (
        select(User, Tenant.name)
        .join(Tenant, Tenant.id == User.tenant_id, isouter=True)
        .order_by(User.is_active.is_(False), func.lower(User.full_name), User.id)
        .limit(MOST_SHOWN)
    )
    found = (await tx.session.execute(query)).all()
    seen, on_call = await _last_seen(tx), await _on_call(tx, at)
    admins = _administrators(user for user, _tenant in found)
    return [
        PersonLine(
            user,
            user_name(user, viewer.language),
            tenant or "",
            max((each for each in (seen.get(user.id), user.last_login) if each), default=None),
            on_call.get(user.id, ()),
            user.id == viewer.user_id,
            _why_fixed(viewer, user, admins),
        )
        for user, tenant in found
    ]


async def _last_seen(tx: Tx) -> Mapping[int, datetime]:
    query = select(UserSession.user_id, func.max(UserSession.last_seen_at)).group_by(UserSession.user_id)
    return {row[0]: row[1] for row in await tx.session.execute(query)}


async def _on_call(tx: Tx, at: datetime) -> Mapping[int, Sequence[Scope]]:
    """User id to the rotas in which the person has the turn now; nobody over all tenants."""
    if tx.tenant_id is None:
        return {}
    turns: dict[int, list[Scope]] = {}
    for scope, claim in await on_call_now(tx, tx.tenant_id, at):
        if claim is not None:
            turns.setdefault(claim.turn.user_id, []).append(scope)
    return turns


def _administrators(users: Iterable[User]) -> Counter[tuple[int | None, Role]]:
    """How many active accounts administer each tenant, and the platform."""
    heads = (Role.TENANT_ADMIN, Role.PLATFORM_OWNER)
    return Counter(
        (user.tenant_id, user.known_role)
        for user in users
        if user.known_role in heads and user.is_active is not False
    )


def _why_fixed(viewer: Viewer, user: User, admins: Counter[tuple[int | None, Role]]) -> str:
    if user.id == viewer.user_id:
        return OWN
    if user.known_role not in grantable(viewer.role):
        return ABOVE
    is_last = user.is_active is not False and admins[user.tenant_id, user.known_role] == 1
    return LAST if is_last else ""
