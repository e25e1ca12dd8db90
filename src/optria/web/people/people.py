"""How screens name people."""

from optria.db.identity import User
from optria.db.session import Tx


def user_name(user: User, language: str = "en") -> str:
    """A person's name for the screens."""
    return (user.full_name_ar if language == "ar" else None) or user.full_name or user.username


def user_words(user: User | None) -> dict[str, object]:
    """How an order names the person it is assigned to."""
    return {
        "assigned_name": user_name(user) if user else None,
        "assigned_name_ar": user_name(user, "ar") if user else None,
    }


async def name_of(tx: Tx, user_id: int | None, language: str = "en") -> str | None:
    """The name of a user that the transaction may see."""
    user = await tx.session.get(User, user_id) if user_id is not None else None
    return user_name(user, language) if user else None
