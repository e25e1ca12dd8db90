"""One's own account: its names, another password, and the sessions that are open."""

from uuid import UUID

from fastapi import Request

from optria.core.errors import Invalid, NotFound
from optria.db.identity import User, UserSession
from optria.kit import clock
from optria.web import audit, sessions
from optria.web.deps import Given, SignedIn
from optria.web.edits import apply_edit, sent_fields
from optria.web.idempotency import told_once
from optria.web.limits import LoginThrottle
from optria.web.people import passwords
from optria.web.people.auth import address_of
from optria.web.people.user_bodies import OwnNames, PasswordChange
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, user_json, when

router = api_router(prefix="/api/auth", tags=["auth"])

WRONG = "The current password is wrong."


@router.post("/change-password", summary="Change one's own password", responses={429: {}})
@told_once
async def change_password(viewer: SignedIn, services: Given, request: Request, asked: PasswordChange) -> Json:
    """Ends every other session of the account. Guesses at the current password count as attempts to sign
    in."""
    throttle: LoginThrottle = request.app.state.throttle
    account, address = viewer.email.lower(), address_of(request)
    throttle.admit(account, address)
    stored_hash = await _stored_hash(services, viewer)
    fits, _ = await passwords.verify(asked.current_password, stored_hash)
    if not fits:
        await _note_failure(services, request, viewer)
        raise Invalid(WRONG)
    throttle.succeeded(account, address)
    ended = await _store(services, request, viewer, stored_hash, asked.new_password)
    return {"success": True, "message": "Password changed successfully", "sessions_ended": ended}


async def _stored_hash(services: Services, viewer: Viewer) -> str:
    async with services.database.platform("own account") as tx:
        return (await tx.session.get_one(User, viewer.user_id)).password_hash


async def _store(services: Services, request: Request, viewer: Viewer, verified: str, password: str) -> int:
    """Keep the new password, unless another one was set meanwhile; how many sessions ended."""
    async with services.database.platform("own account") as tx:
        user = await tx.session.get_one(User, viewer.user_id, with_for_update={"key_share": True})
        if user.password_hash != verified:
            raise Invalid(WRONG)
        passwords.require_good(password, (user.email, user.username))
        user.password_hash = await passwords.new_hash(password)
        user.updated_at = clock.now()
        ended = await sessions.end_of_user(tx, user.id, keep=viewer.session_id)
        audit.record(tx, user.id, user.tenant_id, "password_changed", "user", user.id, request)
        return ended


async def _note_failure(services: Services, request: Request, viewer: Viewer) -> None:
    async with services.database.platform("own account") as tx:
        user_id = viewer.user_id
        audit.record(tx, user_id, viewer.tenant_id, "password_change_failed", "user", user_id, request)


@router.put("/me", summary="Change one's own names")
async def change_me(viewer: SignedIn, services: Given, request: Request, asked: OwnNames) -> Json:
    """Only what is sent changes. Role and state are for an administrator to change."""
    async with services.database.platform("own account") as tx:
        user = await tx.session.get_one(User, viewer.user_id, with_for_update={"key_share": True})
        edit = apply_edit(user, sent_fields(asked, frozenset({"full_name"})))
        if edit:
            old, new = edit.old, edit.new
            audit.record(
                tx, user.id, user.tenant_id, "user_changed", "user", user.id, request, old=old, new=new
            )
        return user_json(user)


@router.get("/sessions", summary="List one's own sessions")
async def list_sessions(viewer: SignedIn, services: Given) -> Json:
    """Those that are open now, the last used first."""
    async with services.database.platform("own account") as tx:
        found = await sessions.open_of_user(tx, viewer.user_id, services.settings)
        return {"sessions": [_session_json(session, viewer) for session in found]}


def _session_json(session: UserSession, viewer: Viewer) -> Json:
    return {
        "id": str(session.id),
        "created_at": when(session.created_at),
        "last_seen_at": when(session.last_seen_at),
        "expires_at": when(session.expires_at),
        "ip_address": session.ip_address,
        "user_agent": session.user_agent,
        "is_current": session.id == viewer.session_id,
    }


@router.delete("/sessions/{session_id}", summary="End one of one's own sessions")
async def end_session(viewer: SignedIn, services: Given, request: Request, session_id: UUID) -> Json:
    """Its screens close at once. Ending the current one signs out."""
    async with services.database.platform("own account") as tx:
        if not await sessions.end_one(tx, viewer.user_id, session_id):
            raise NotFound("There is no such session.")
        words = {"session": str(session_id)}
        user_id = viewer.user_id
        audit.record(tx, user_id, viewer.tenant_id, "session_ended", "user", user_id, request, new=words)
    return {"success": True, "message": "Session ended"}
