"""``/api/on-call/rotations``: people on call in turn, set up by administrators."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Request
from sqlalchemy import delete

from optria.core.errors import Conflict, Invalid, NotFound
from optria.core.roles import Permission
from optria.db.rota import OnCallMember, OnCallRotation
from optria.db.session import Tx
from optria.kit import clock
from optria.web import changes
from optria.web.changes import Change
from optria.web.deps import OpenTx, RowId, require, written_tenant
from optria.web.people.on_call import check_site
from optria.web.people.on_call_bodies import RotationCreate, RotationUpdate
from optria.web.people.on_call_views import people_of, rotation_json, rotation_words
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.turns import take_turns
from optria.work.assignment import engineers
from optria.work.on_call import stored_rotations

router = api_router(prefix="/api/on-call/rotations", tags=["on call"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ON_CALL)]
Managing = Annotated[Viewer, require(Permission.MANAGE_ON_CALL)]


@router.get("", summary="List rotations")
async def list_rotations(_viewer: Seeing, tx: OpenTx) -> Json:
    """Each with its people in the order of their turns, and who has the turn now."""
    found = await stored_rotations(tx)
    people = await people_of(tx, [user_id for _, members in found for user_id in members])
    now = clock.now()
    return {"rotations": [rotation_json(row, members, people, now) for row, members in found if members]}


@router.get("/{rotation_id}", summary="Read a rotation")
async def get_rotation(_viewer: Seeing, tx: OpenTx, rotation_id: RowId) -> Json:
    """The rotation and who has the turn now."""
    return await _view(tx, rotation_id)


@router.post("", summary="Make a rotation", status_code=201)
async def create_rotation(request: Request, viewer: Managing, tx: OpenTx, body: RotationCreate) -> Json:
    """Members are active engineers or optimization engineers; one rotation is active at a site."""
    await lock_rota(tx)
    row = OnCallRotation(tenant_id=written_tenant(tx), **body.model_dump(exclude={"members"}))
    await _check(tx, row, body.members)
    tx.session.add(row)
    await tx.session.flush()
    await _seat(tx, row, body.members)
    new = rotation_words(row, body.members)
    summary = f"On-call rotation {row.name} made"
    change = Change("on_call_rotation_created", "on_call_rotation", row.id, summary, new=new)
    await changes.record(tx, viewer, request, change)
    return await _view(tx, row.id)


@router.put("/{rotation_id}", summary="Change a rotation")
async def update_rotation(
    request: Request, viewer: Managing, tx: OpenTx, rotation_id: RowId, body: RotationUpdate
) -> Json:
    """Only what is sent changes. Turns are counted from ``starts_on``, also those of new members."""
    await lock_rota(tx)
    row, members = await _find(tx, rotation_id)
    old = rotation_words(row, members)
    asked = body.model_dump(exclude_unset=True)
    members = tuple(asked.pop("members", members))
    for name, value in asked.items():
        setattr(row, name, value)
    with tx.session.no_autoflush:
        await _check(tx, row, body.members or ())
    if body.members:
        await _seat(tx, row, members)
    new = rotation_words(row, members)
    if new != old:
        summary = f"On-call rotation {row.name} changed"
        change = Change("on_call_rotation_changed", "on_call_rotation", row.id, summary, old, new)
        await changes.record(tx, viewer, request, change)
    return await _view(tx, row.id)


@router.delete("/{rotation_id}", summary="Remove a rotation", status_code=204)
async def remove_rotation(request: Request, viewer: Managing, tx: OpenTx, rotation_id: RowId) -> None:
    """Shifts stay. Where nobody is on call any more, orders go to the first engineer."""
    await lock_rota(tx)
    row, members = await _find(tx, rotation_id)
    old = rotation_words(row, members)
    await tx.session.delete(row)
    summary = f"On-call rotation {row.name} removed"
    change = Change("on_call_rotation_removed", "on_call_rotation", row.id, summary, old)
    await changes.record(tx, viewer, request, change)


async def lock_rota(tx: Tx) -> None:
    """One change of the tenant's rota after the other: what a check found holds until the commit."""
    await take_turns(tx, "rota")


async def check_people(tx: Tx, user_ids: Sequence[int]) -> None:
    """Raises Invalid for anyone who may not be on call."""
    able = {user.id for user in await engineers(tx, written_tenant(tx))} if user_ids else set()
    others = [str(user_id) for user_id in user_ids if user_id not in able]
    if others:
        raise Invalid(f"Only active engineers of this tenant can be on call; not user {', '.join(others)}.")


async def _check(tx: Tx, row: OnCallRotation, members: Sequence[int]) -> None:
    """What a new or changed rotation must fit."""
    await check_site(tx, row.site_id)
    await check_people(tx, members)
    for other, _ in await stored_rotations(tx, OnCallRotation.tenant_id == row.tenant_id):
        if other.id == row.id:
            continue
        if other.name.casefold() == row.name.casefold():
            raise Conflict(f"There is a rotation {other.name} already. Give this one another name.")
        if row.is_active and other.is_active and other.site_id == row.site_id:
            where = "every site" if row.site_id is None else "this site"
            raise Conflict(f"Rotation {other.name} is active for {where}. Change it, or pause it first.")


async def _seat(tx: Tx, row: OnCallRotation, members: Sequence[int]) -> None:
    await tx.session.execute(delete(OnCallMember).where(OnCallMember.rotation_id == row.id))
    tx.session.add_all(
        OnCallMember(tenant_id=row.tenant_id, rotation_id=row.id, position=position, user_id=user_id)
        for position, user_id in enumerate(members)
    )
    await tx.session.flush()


async def _find(tx: Tx, rotation_id: int) -> tuple[OnCallRotation, tuple[int, ...]]:
    found = await stored_rotations(tx, OnCallRotation.id == rotation_id)
    if not found:
        raise NotFound(f"There is no on-call rotation {rotation_id}.")
    return found[0]


async def _view(tx: Tx, rotation_id: int) -> Json:
    row, members = await _find(tx, rotation_id)
    return rotation_json(row, members, await people_of(tx, members), clock.now())
