"""Rows as the JSON of the API: v1's keys, plus what is new at their end."""

from datetime import date, datetime
from decimal import Decimal

from optria.db.identity import User

Json = dict[str, object]


def when(time: datetime | date | None) -> str | None:
    """ISO 8601, None for none."""
    return time.isoformat() if time else None


def number(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


def user_json(user: User) -> Json:
    return {
        "id": user.id,
        "tenant_id": user.tenant_id,
        "email": user.email,
        "username": user.username,
        "role": user.role,
        "full_name": user.full_name,
        "full_name_ar": user.full_name_ar,
        "is_active": user.is_active,
        "auth_source": user.auth_source,
        "last_login": when(user.last_login),
        "created_at": when(user.created_at),
    }
