"""Answers to writes that a program may send again: the same key is carried out once."""

from sqlalchemy import Integer, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import Base, CreatedAt, Prose, TenantOwned


class RequestKey(TenantOwned, Base):
    """An ``Idempotency-Key`` of a user and what was answered; ``status`` is None while that is not stored.

    ``fingerprint`` is the SHA-256 of method, address and body.
    """

    __tablename__ = "request_keys"

    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None] = mapped_column(SmallInteger)
    answer: Mapped[Prose | None]
    created_at: Mapped[CreatedAt]
