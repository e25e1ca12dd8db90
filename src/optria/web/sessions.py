"""Sign-ins: a random token in a cookie, its SHA-256 in the database."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from optria.core.roles import Role
from optria.db.identity import Tenant, User, UserSession
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.kit.settings import Settings

COOKIE: Final = "access_token"
SEEN_EVERY: Final = timedelta(minutes=1)
"""How often the time of last use is written, at most."""
CLOSED_TENANTS: Final = frozenset({"inactive", "suspended"})
"""Statuses of a tenant whose people stay out."""


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
    now = clock.now()
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
    statement = (
        update(UserSession)
        .where(UserSession.token_sha256 == digest(token), UserSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(UserSession)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


def is_admitted(user: User, tenant_status: str | None) -> bool:
    """Whether a person may use the product: active, and so is their tenant. An owner needs no tenant."""
    if user.is_active is False:
        return False
    if user.known_role is Role.PLATFORM_OWNER:
        return True
    return user.tenant_id is not None and (tenant_status or "active").lower() not in CLOSED_TENANTS


async def find_viewer(database: Database, settings: Settings, token: str, language: str) -> Viewer | None:
    """Who a token belongs to, if its session is alive; using it keeps it alive."""
    now = clock.now()
    async with database.platform("session of a request") as tx:
        found = (
            await tx.session.execute(
                select(UserSession, User, Tenant.name, Tenant.status)
                .join(User, User.id == UserSession.user_id)
                .join(Tenant, Tenant.id == User.tenant_id, isouter=True)
                .where(UserSession.token_sha256 == digest(token))
            )
        ).one_or_none()
        if found is None:
            return None
        session, user, tenant_name, tenant_status = found
        idle = timedelta(minutes=settings.session_idle_minutes)
        if not (_alive(session, now, idle) and is_admitted(user, tenant_status)):
            return None
        if now - session.last_seen_at >= SEEN_EVERY:
            session.last_seen_at = now
        return _viewer(session, user, tenant_name, language)


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
