"""The on-call rota of a tenant as it is stored, read for :mod:`optria.core.rota`."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnExpressionArgument, or_, select

from optria.core.rota import Claim, Rank, Rotation, Turn, deciding, turns
from optria.db.rota import OnCallMember, OnCallRotation, OnCallShift
from optria.db.session import Tx

INSTANT = timedelta(microseconds=1)


async def on_call_at(
    tx: Tx, tenant_id: int, site_id: int | None, at: datetime, fit: Collection[int]
) -> Claim | None:
    """Who of ``fit`` (user ids) is on call for a site at an instant, and why; None when nobody is.

    A shift of the site decides, then a shift of every site, then the rotation of the site, then that of all.
    """
    return deciding(await claims_between(tx, tenant_id, site_id, at, at + INSTANT, fit), at)


async def claims_between(
    tx: Tx, tenant_id: int, site_id: int | None, start: datetime, end: datetime, fit: Collection[int]
) -> list[Claim]:
    """Every shift and every turn of a rotation that touches [start, end) and counts for the site."""
    shifts = await _shifts(tx, tenant_id, site_id, start, end)
    claims = [_claim_of(shift) for shift in shifts if shift.user_id in fit]
    for row, rotation in await _rotations(tx, tenant_id, site_id):
        rank = Rank.ROTATION if row.site_id is None else Rank.SITE_ROTATION
        claims += [Claim(turn, rank, row.id) for turn in turns(rotation, start, end, fit)]
    return claims


def _claim_of(shift: OnCallShift) -> Claim:
    rank = Rank.SHIFT if shift.site_id is None else Rank.SITE_SHIFT
    return Claim(Turn(shift.user_id, shift.starts_at, shift.ends_at), rank, shift.id)


async def _shifts(
    tx: Tx, tenant_id: int, site_id: int | None, start: datetime, end: datetime
) -> Sequence[OnCallShift]:
    query = select(OnCallShift).where(
        OnCallShift.tenant_id == tenant_id,
        OnCallShift.starts_at < end,
        OnCallShift.ends_at > start,
        or_(OnCallShift.site_id.is_(None), OnCallShift.site_id == site_id),
    )
    return (await tx.session.scalars(query)).all()


async def _rotations(
    tx: Tx, tenant_id: int, site_id: int | None
) -> Iterator[tuple[OnCallRotation, Rotation]]:
    found = await stored_rotations(
        tx,
        OnCallRotation.tenant_id == tenant_id,
        OnCallRotation.is_active,
        or_(OnCallRotation.site_id.is_(None), OnCallRotation.site_id == site_id),
    )
    return ((row, as_rotation(row, members)) for row, members in found if members)


async def stored_rotations(
    tx: Tx, *conditions: ColumnExpressionArgument[bool]
) -> list[tuple[OnCallRotation, tuple[int, ...]]]:
    """Rotations in the order of their ids, each with its members' user ids in turn."""
    rows = (
        await tx.session.scalars(select(OnCallRotation).where(*conditions).order_by(OnCallRotation.id))
    ).all()
    query = (
        select(OnCallMember.rotation_id, OnCallMember.user_id)
        .where(OnCallMember.rotation_id.in_([row.id for row in rows]))
        .order_by(OnCallMember.rotation_id, OnCallMember.position)
    )
    members: dict[int, list[int]] = {}
    for rotation_id, user_id in await tx.session.execute(query):
        members.setdefault(rotation_id, []).append(user_id)
    return [(row, tuple(members.get(row.id, ()))) for row in rows]


def as_rotation(row: OnCallRotation, members: Sequence[int]) -> Rotation:
    return Rotation(tuple(members), row.starts_on, row.handover_at, row.shift_days, ZoneInfo(row.time_zone))
