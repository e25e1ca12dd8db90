"""The on-call rota as the API shows it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from optria.core.rota import Claim, Rank, Turn, handovers, person_at
from optria.db.identity import User
from optria.db.rota import OnCallRotation, OnCallShift
from optria.db.session import Tx
from optria.web.people.people import user_name
from optria.web.shapes import Json
from optria.work.assignment import may_be_on_call
from optria.work.on_call import as_rotation

People = Mapping[int, User]


async def people_of(tx: Tx, user_ids: Iterable[int]) -> People:
    """The users of these ids that the transaction may see."""
    found = await tx.session.scalars(select(User).where(User.id.in_(set(user_ids))))
    return {user.id: user for user in found}


def person_json(user: User | None) -> Json | None:
    """``can_serve`` is False for someone who is passed over: not active, or no engineer any more."""
    if user is None:
        return None
    return {
        "id": user.id,
        "name": user_name(user),
        "name_ar": user_name(user, "ar"),
        "role": user.role,
        "can_serve": may_be_on_call(user),
    }


def rotation_json(row: OnCallRotation, members: Sequence[int], people: People, now: datetime) -> Json:
    """A rotation, who has its turn ``now`` (user id), and when that is next handed over."""
    able = {user_id for user_id in members if user_id in people and may_be_on_call(people[user_id])}
    rotation = as_rotation(row, members)
    start = max(now, rotation.handover(0) - timedelta(microseconds=1)) + timedelta(microseconds=1)
    following = handovers(rotation, start, start + timedelta(days=row.shift_days + 2))
    return rotation_words(row, members) | {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "people": [person_json(people.get(user_id)) for user_id in members],
        "current_user_id": person_at(rotation, now, able) if row.is_active else None,
        "next_handover": next(following) if row.is_active else None,
        "created_at": row.created_at,
    }


def rotation_words(row: OnCallRotation, members: Sequence[int]) -> Json:
    """What an administrator chose, in JSON values."""
    return {
        "name": row.name,
        "site_id": row.site_id,
        "time_zone": row.time_zone,
        "starts_on": row.starts_on.isoformat(),
        "handover_at": row.handover_at.isoformat(),
        "shift_days": row.shift_days,
        "members": list(members),
        "is_active": row.is_active,
    }


def shift_json(row: OnCallShift, people: People) -> Json:
    return shift_words(row) | {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "person": person_json(people.get(row.user_id)),
    }


def shift_words(row: OnCallShift) -> Json:
    return {
        "user_id": row.user_id,
        "site_id": row.site_id,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }


def stretch_json(turn: Turn | None, claim: Claim | None, people: People, names: Mapping[int, str]) -> Json:
    """Who is on call for how long, and by what; nulls where nobody is."""
    is_rotation = claim is not None and claim.rank in (Rank.SITE_ROTATION, Rank.ROTATION)
    of_site = claim is not None and claim.rank in (Rank.SITE_SHIFT, Rank.SITE_ROTATION)
    return {
        "starts_at": turn.starts_at if turn else None,
        "ends_at": turn.ends_at if turn else None,
        "user": person_json(people.get(claim.turn.user_id)) if claim else None,
        "by": ("rotation" if is_rotation else "shift") if claim else None,
        "of": ("site" if of_site else "all") if claim else None,
        "source_id": claim.source_id if claim else None,
        "rotation_name": names.get(claim.source_id) if claim and is_rotation else None,
    }
