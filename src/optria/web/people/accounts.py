"""The people who may sign in: what an account may be, who may change it, and what ends with the change.

For the routes and the command line alike. Every function works in the transaction it is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from optria.core.errors import Conflict, Invalid, NotAllowed
from optria.core.roles import Role
from optria.db.identity import User
from optria.db.session import Tx
from optria.kit import clock
from optria.web import audit, sessions
from optria.web.edits import Edit, apply_edit
from optria.web.people import passwords
from optria.web.turns import take_turns_in

RANKS: Final = (
    Role.VIEWER,
    Role.ENGINEER,
    Role.OPTIMIZATION_ENGINEER,
    Role.TENANT_ADMIN,
    Role.PLATFORM_OWNER,
)
"""From the least to the most: nobody makes or changes an account above their own."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes accounts; the command line has neither a ``user_id`` nor a ``request``."""

    user_id: int | None
    role: Role
    request: Request | None


COMMAND_LINE: Final = Author(None, Role.PLATFORM_OWNER, None)
"""Whoever reaches the database on the machine itself."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be; ``email`` in lower case, ``tenant_id`` None for platform owners and nobody else."""

    tenant_id: int | None
    email: str
    username: str
    role: Role
    full_name: str | None = None
    full_name_ar: str | None = None


def grantable(role: Role) -> tuple[Role, ...]:
    """The roles that somebody of ``role`` may give to others."""
    return RANKS[: RANKS.index(role) + 1]


async def require_free_email(tx: Tx, email: str) -> None:
    """Refuse an e-mail address that an account of any tenant has; ``tx`` must be of the platform's scope.

    Raises:
        Conflict: without a word on whose it is.
    """
    if await tx.session.scalar(select(User.id).where(func.lower(User.email) == email).limit(1)) is not None:
        raise Conflict(f"There is an account with the e-mail address {email} already.")


async def add(tx: Tx, author: Author, new: NewAccount, password: str | None) -> tuple[User, str]:
    """Make an account whose e-mail address was found free; the user and the password.

    ``password`` None makes one up.

    Raises:
        NotAllowed: the role is above the author's.
        Invalid: the password is weak, or role and tenant do not go together.
        Conflict: the user name or the e-mail address is taken.
    """
    _require_grant(author, new.role)
    _require_tenant(new.role, new.tenant_id)
    password = _chosen(password, new.email, new.username)
    password_hash = await passwords.new_hash(password)
    await take_turns_in(tx, "accounts", new.tenant_id or 0)
    await _require_free_username(tx, new.tenant_id, new.username)
    user = User(
        tenant_id=new.tenant_id,
        email=new.email,
        username=new.username,
        role=new.role.value,
        full_name=new.full_name,
        full_name_ar=new.full_name_ar,
        password_hash=password_hash,
    )
    tx.session.add(user)
    try:
        await tx.session.flush()
    except IntegrityError as error:
        raise Conflict(f"There is an account with the e-mail address {new.email} already.") from error
    words = {"email": user.email, "username": user.username, "role": user.role, "full_name": user.full_name}
    _record(tx, author, user, "user_added", new=words)
    return user, password


async def change(tx: Tx, author: Author, user: User, values: Mapping[str, object]) -> Edit:
    """Give an account new names, another role, or close or open it; a new role or state ends its sessions.

    ``user`` must be locked (see :func:`optria.web.sessions.end_of_user`).

    Raises:
        NotAllowed: the account or the new role is above the author's, or the author would harm their own.
        Invalid: a platform owner belongs to no tenant, and everybody else to one.
        Conflict: nobody would be left to administer the tenant.
    """
    _require_reach(author, user)
    role = Role(str(values.get("role", user.known_role)))
    is_open = values.get("is_active", user.is_active) is not False
    if role is not user.known_role:
        _require_grant(author, role)
        _require_tenant(role, user.tenant_id)
    if author.user_id == user.id and (role is not user.known_role or not is_open):
        raise NotAllowed("Nobody changes their own role or deactivates their own account: ask somebody else.")
    if role is not user.known_role or not is_open:
        await _require_successor(tx, user)
    edit = apply_edit(user, {**values, "role": role.value} if "role" in values else values)
    if {"role", "is_active"} & set(edit.new):
        await sessions.end_of_user(tx, user.id)
    if edit:
        action = "user_deactivated" if edit.new.get("is_active") is False else "user_changed"
        _record(tx, author, user, action, edit.old, edit.new)
    return edit


async def set_password(tx: Tx, author: Author, user: User, password: str | None) -> str:
    """Give an account another password (None: one that is made up) and end its sessions; the password.

    ``user`` must be locked (see :func:`optria.web.sessions.end_of_user`).

    Raises:
        NotAllowed: the account is above the author's.
        Invalid: the password is weak.
    """
    _require_reach(author, user)
    chosen = _chosen(password, user.email, user.username)
    user.password_hash = await passwords.new_hash(chosen)
    user.updated_at = clock.now()
    await sessions.end_of_user(tx, user.id)
    _record(tx, author, user, "password_reset")
    return chosen


def _chosen(password: str | None, email: str, username: str) -> str:
    if password is None:
        return passwords.generate()
    passwords.require_good(password, (email, username))
    return password


def _require_grant(author: Author, role: Role) -> None:
    if role not in grantable(author.role):
        raise NotAllowed(f"Nobody gives a role above their own: {author.role} cannot make a {role}.")


def _require_reach(author: Author, user: User) -> None:
    if user.known_role not in grantable(author.role):
        raise NotAllowed(f"This account is a {user.known_role}'s: a {author.role} cannot change it.")


def _require_tenant(role: Role, tenant_id: int | None) -> None:
    if role is Role.PLATFORM_OWNER and tenant_id is not None:
        raise Invalid("A platform owner belongs to no tenant: make an account without one.")
    if role is not Role.PLATFORM_OWNER and tenant_id is None:
        raise Invalid(f"Which tenant is the {role} of? Only a platform owner belongs to none.")


async def _require_free_username(tx: Tx, tenant_id: int | None, username: str) -> None:
    taken = select(User.id).where(
        User.tenant_id.is_not_distinct_from(tenant_id), func.lower(User.username) == func.lower(username)
    )
    if await tx.session.scalar(taken.limit(1)) is not None:
        raise Conflict(f"There is an account with the user name {username} already.")


async def _require_successor(tx: Tx, user: User) -> None:
    """Somebody else must be left who may do what a tenant's administrator (a platform owner) may."""
    if user.known_role not in (Role.TENANT_ADMIN, Role.PLATFORM_OWNER) or user.is_active is False:
        return
    owners = user.known_role is Role.PLATFORM_OWNER
    await take_turns_in(tx, "accounts", 0 if owners else user.tenant_id or 0)
    peers = select(User.id).where(User.role == user.role, User.is_active.is_not(False), User.id != user.id)
    if not owners:
        peers = peers.where(User.tenant_id == user.tenant_id)
    if await tx.session.scalar(peers.limit(1)) is None:
        whose = "platform" if owners else "tenant"
        raise Conflict(f"This is the last account that administers the {whose}: make another one first.")


def _record(
    tx: Tx,
    author: Author,
    user: User,
    action: str,
    old: Mapping[str, object] | None = None,
    new: Mapping[str, object] | None = None,
) -> None:
    audit.record(
        tx, author.user_id, user.tenant_id, action, "user", user.id, author.request, old=old, new=new
    )
