"""Tenants, users, their sessions, and the audit log."""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from optria.core.roles import Role
from optria.db.base import Base, Code20, Code50, Code100, CreatedAt, Json, Key, Line, Prose
from optria.kit import clock

CLOSED_TENANTS: Final = frozenset({"inactive", "suspended"})
"""Statuses of a tenant whose people may not use the product, and are told nothing outside of it."""


class Tenant(Base):
    __tablename__ = "tenants"
    __v1__ = True

    id: Mapped[Key]
    code: Mapped[Code50] = mapped_column(unique=True)
    name: Mapped[Line]
    name_ar: Mapped[Line | None]
    industry: Mapped[Code100 | None]
    status: Mapped[Code20 | None] = mapped_column(default="active")
    settings: Mapped[Json | None] = mapped_column(default=dict)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]

    @property
    def is_closed(self) -> bool:
        return (self.status or "active").lower() in CLOSED_TENANTS


class User(Base):
    """A person who signs in. ``tenant_id`` is None for platform owners only."""

    __tablename__ = "users"
    __v1__ = True
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    id: Mapped[Key]
    tenant_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("tenants.id"))
    email: Mapped[Line] = mapped_column(unique=True)
    username: Mapped[Code100]
    password_hash: Mapped[Line]
    role: Mapped[Code50]
    full_name: Mapped[Line | None]
    full_name_ar: Mapped[Line | None]
    is_active: Mapped[bool | None] = mapped_column(default=True)
    auth_source: Mapped[Code20 | None] = mapped_column(default="local")
    last_login: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]

    @property
    def known_role(self) -> Role:
        """The role; a word this version does not know counts as viewer."""
        return Role(self.role) if self.role in Role.__members__.values() else Role.VIEWER


class UserSession(Base):
    """A sign-in. Only the SHA-256 of its token is stored."""

    __tablename__ = "user_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("users.id"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[Prose | None]


class AuditLog(Base):
    """Who did what, added and never changed; :mod:`optria.db.audit` chains the rows at the commit.

    ``sequence`` (from 1), ``previous_hash`` and ``hash`` are None in the rows of the existing application.
    """

    __tablename__ = "audit_logs"
    __v1__ = True
    __table_args__ = (
        Index(None, "tenant_id", "created_at"),
        Index("uq_audit_logs_tenant_id_sequence", "tenant_id", "sequence", unique=True),
    )

    id: Mapped[Key]
    tenant_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("tenants.id"))
    user_id: Mapped[int | None] = mapped_column(Integer)
    action: Mapped[Code100]
    entity_type: Mapped[Code50 | None]
    entity_id: Mapped[int | None]
    old_values: Mapped[Json | None] = mapped_column(JSONB)
    new_values: Mapped[Json | None] = mapped_column(JSONB)
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[Prose | None]
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    previous_hash: Mapped[str | None] = mapped_column(String(64))
    hash: Mapped[str | None] = mapped_column(String(64))


class AuditHead(Base):
    """The last row of a chain of the audit log; ``tenant_id`` 0 is the chain of nobody's tenant."""

    __tablename__ = "audit_heads"

    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    updated_at: Mapped[CreatedAt]
