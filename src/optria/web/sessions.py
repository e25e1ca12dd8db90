"""Sign-ins: a random token in a cookie, its SHA-256 in the database."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update

from optria.core.messages import Message
from optria.core.roles import Role
from optria.db.identity import CLOSED_TENANTS, Tenant, User, UserSession
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.kit.settings import Settings

COOKIE: Final = "access_token"
SEEN_EVERY: Final = timedelta(minutes=1)
"""How often the time of last use is written, at most."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the screen. ``tenant_id`` is None for platform owners only."""

    user_id: int
    tenant_id: int | None
    role: Role
    name: str
    email: str
    language: str
    session_id: UUID
    tenant_name: str = ""


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def start(tx: Tx, user: User, settings: Settings, address: str, agent: str) -> str:
    """Open a session for a user; the token for the cookie."""
    token = secrets.token_urlsafe(32)
    now = await _now(tx)
    tx.session.add(
        UserSession(
            tenant_id=user.tenant_id,
            user_id=user.id,
            token_sha256=digest(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(hours=settings.session_hours),
            ip_address=address[:45],
            user_agent=agent[:500],
        )
    )
    return token


async def end(tx: Tx, token: str) -> UserSession | None:
    """Close the session of a token and return it; None for a token that opens none."""
    ended = await _end(tx, UserSession.token_sha256 == digest(token))
    return ended[0] if ended else None


async def end_one(tx: Tx, user_id: int, session_id: UUID) -> bool:
    """Close one session of a user; False where it is not open or not theirs."""
    return bool(await _end(tx, UserSession.id == session_id, UserSession.user_id == user_id))


async def end_of_user(tx: Tx, user_id: int, keep: UUID | None = None) -> int:
    """Close the sessions of a user but the one to ``keep``; how many.

    Hold a lock on the user's row: a sign-in that is under way takes it too and then sees what has changed.
    """
    others = (UserSession.id != keep,) if keep is not None else ()
    return len(await _end(tx, UserSession.user_id == user_id, *others))


async def end_of_tenant(tx: Tx, tenant_id: int) -> int:
    """Close the sessions of a tenant's people; how many. Platform owners stay."""
    owner = Role.PLATFORM_OWNER.value
    people = select(User.id).where(User.tenant_id == tenant_id, User.role != owner)
    return len(await _end(tx, UserSession.user_id.in_(people)))


async def _end(tx: Tx, *which: ColumnElement[bool]) -> Sequence[UserSession]:
    """Revoke sessions, and have their sockets closed after the commit."""
    statement = (
        update(UserSession)
        .where(UserSession.revoked_at.is_(None), *which)
        .values(revoked_at=clock.now())
        .returning(UserSession)
        .execution_options(synchronize_session=False)
    )
    ended = (await tx.session.scalars(statement)).all()
    for user_id in {session.user_id for session in ended}:
        tx.publish(_sessions_ended([session for session in ended if session.user_id == user_id]))
    return ended


def _sessions_ended(ended: Sequence[UserSession]) -> Message:
    """The news of one user's sessions; tenant 0 for a platform owner, who has none."""
    first = ended[0]
    return Message(
        first.tenant_id or 0,
        "sessions",
        "sessions_ended",
        str(first.user_id),
        user_id=first.user_id,
        data={"sessions": [str(session.id) for session in ended]},
    )


def ended_in(message: Message) -> frozenset[str]:
    """Ids of the sessions that a message says are over."""
    ids = message.data.get("sessions")
    return frozenset(str(each) for each in ids) if isinstance(ids, list) else frozenset()


async def open_of_user(tx: Tx, user_id: int, settings: Settings) -> Sequence[UserSession]:
    """The sessions of a user that could be used now, the latest first."""
    now = await _now(tx)
    statement = (
        select(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > now,
            UserSession.last_seen_at > now - timedelta(minutes=settings.session_idle_minutes),
        )
        .order_by(UserSession.last_seen_at.desc(), UserSession.id)
    )
    return (await tx.session.scalars(statement)).all()


def is_admitted(user: User, tenant_status: str | None) -> bool:
    """Whether a person may use the product: active, and so is their tenant. An owner needs no tenant."""
    if user.is_active is False:
        return False
    if user.known_role is Role.PLATFORM_OWNER:
        return True
    return user.tenant_id is not None and (tenant_status or "active").lower() not in CLOSED_TENANTS


async def find_viewer(database: Database, settings: Settings, token: str, language: str) -> Viewer | None:
    """Who a token belongs to, if its session is alive; using it keeps it alive.

    A session opens the tenant it was begun in, and ends when the person is moved to another.
    """
    still_there = User.tenant_id.is_not_distinct_from(UserSession.tenant_id)
    async with database.platform("session of a request") as tx:
        found = (
            await tx.session.execute(
                select(
                    UserSession, User, Tenant.name, Tenant.name_ar, Tenant.status, func.statement_timestamp()
                )
                .join(User, and_(User.id == UserSession.user_id, still_there))
                .join(Tenant, Tenant.id == User.tenant_id, isouter=True)
                .where(UserSession.token_sha256 == digest(token))
            )
        ).one_or_none()
        if found is None:
            return None
        session, user, name, name_ar, tenant_status, now = found
        idle = timedelta(minutes=settings.session_idle_minutes)
        if not (_alive(session, now, idle) and is_admitted(user, tenant_status)):
            return None
        if now - session.last_seen_at >= SEEN_EVERY:
            session.last_seen_at = now
        tenant_name = (name_ar if language == "ar" else None) or name
        return _viewer(session, user, tenant_name, language)


async def _now(tx: Tx) -> datetime:
    """The database's clock: a jump of this machine's signs nobody out, and revives no session."""
    now: datetime = (await tx.session.execute(select(func.statement_timestamp()))).scalar_one()
    return now


def _alive(session: UserSession, now: datetime, idle: timedelta) -> bool:
    return session.revoked_at is None and session.expires_at > now and session.last_seen_at > now - idle


def _viewer(session: UserSession, user: User, tenant_name: str | None, language: str) -> Viewer:
    arabic = language == "ar" and user.full_name_ar
    return Viewer(
        user_id=user.id,
        tenant_id=None if user.known_role is Role.PLATFORM_OWNER else user.tenant_id,
        role=user.known_role,
        name=(user.full_name_ar if arabic else user.full_name) or user.username,
        email=user.email,
        language=language,
        session_id=session.id,
        tenant_name=tenant_name or "",
    )
