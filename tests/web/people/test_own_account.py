"""One's own account: another password, and the sessions that are open."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.identity import AuditLog, User
from optria.web import sessions
from tests import factories
from tests.web.house import House

CHANGE = "/api/auth/change-password"
SESSIONS = "/api/auth/sessions"
GOOD = "three pumps and a tank"
ASKED = {"current_password": factories.PASSWORD, "new_password": GOOD}


async def _another_session(house: House, user: User) -> str:
    async with house.database.platform("test") as tx:
        return await sessions.start(tx, user, house.services.settings, "10.0.0.9", "Tablet")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _actions(house: House) -> list[str]:
    async with house.database.platform("test") as tx:
        return list(await tx.session.scalars(select(AuditLog.action).order_by(AuditLog.id)))


@pytest.mark.parametrize("role", list(Role))
async def test_everybody_changes_their_own_password_and_the_other_sessions_end(
    house: House, role: Role
) -> None:
    user = house.user(role)
    tablet = await _another_session(house, user)
    async with house.client(role) as browser, house.client() as other:
        answer = await browser.post(CHANGE, json=ASKED)
        assert answer.json() == {
            "success": True,
            "message": "Password changed successfully",
            "sessions_ended": 1,
        }
        assert (await browser.get("/api/auth/me")).status_code == 200
        assert (await other.get("/api/auth/me", headers=_bearer(tablet))).status_code == 401
        old = await other.post("/api/auth/login", json={"email": user.email, "password": factories.PASSWORD})
        new = await other.post("/api/auth/login", json={"email": user.email, "password": GOOD})
    assert (old.status_code, new.status_code) == (401, 200)
    assert await _actions(house) == ["password_changed", "sign_in_failed", "sign_in"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (ASKED | {"current_password": "wrong"}, "current password is wrong"),
        (ASKED | {"new_password": "short"}, "at least 10"),
        (ASKED | {"new_password": "Qwertyuiop"}, "most common"),
    ],
)
async def test_a_password_that_cannot_be_changed_stays(
    house: House, asked: dict[str, str], says: str
) -> None:
    user = house.user(Role.ENGINEER)
    tablet = await _another_session(house, user)
    async with house.client(user) as browser, house.client() as other:
        answer = await browser.post(CHANGE, json=asked)
        assert (await other.get("/api/auth/me", headers=_bearer(tablet))).status_code == 200
        signed = await other.post(
            "/api/auth/login", json={"email": user.email, "password": factories.PASSWORD}
        )
    assert (answer.status_code, signed.status_code) == (422, 200)
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("extra", [{"user_id": 1}, {"email": "a@example.com"}])
async def test_an_unknown_field_is_refused(house: House, extra: dict[str, object]) -> None:
    async with house.client(Role.VIEWER) as browser:
        assert (await browser.post(CHANGE, json=ASKED | extra)).status_code == 422


async def test_guesses_at_the_current_password_are_throttled(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        wrong = ASKED | {"current_password": "wrong"}
        statuses = [(await browser.post(CHANGE, json=wrong)).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    assert await _actions(house) == ["password_change_failed"] * 5


async def test_ones_own_sessions_are_listed_and_ended(house: House) -> None:
    user = house.user(Role.ENGINEER)
    tablet = await _another_session(house, user)
    await _another_session(house, house.user(Role.VIEWER))
    async with house.client(user) as browser, house.client() as other:
        listed = (await browser.get(SESSIONS)).json()["sessions"]
        (theirs,) = [session for session in listed if not session["is_current"]]
        assert [session["is_current"] for session in listed].count(True) == 1
        assert (theirs["ip_address"], theirs["user_agent"]) == ("10.0.0.9", "Tablet")
        ended = await browser.delete(f"{SESSIONS}/{theirs['id']}")
        again = await browser.delete(f"{SESSIONS}/{theirs['id']}")
        assert (await other.get("/api/auth/me", headers=_bearer(tablet))).status_code == 401
        left = (await browser.get(SESSIONS)).json()["sessions"]
    assert (ended.status_code, again.status_code) == (200, 404)
    assert ended.json() == {"success": True, "message": "Session ended"}
    assert [session["is_current"] for session in left] == [True]
    assert "token" not in str(listed)
    assert await _actions(house) == ["session_ended"]


async def test_ending_the_current_session_signs_out(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        (current,) = (await browser.get(SESSIONS)).json()["sessions"]
        await browser.delete(f"{SESSIONS}/{current['id']}")
        assert (await browser.get("/api/auth/me")).status_code == 401


async def test_somebody_elses_session_does_not_exist(house: House) -> None:
    """Not even for a platform owner: people are signed out by their account."""
    async with house.client(Role.ENGINEER) as engineer:
        (session,) = (await engineer.get(SESSIONS)).json()["sessions"]
        for role in (Role.VIEWER, Role.TENANT_ADMIN, Role.PLATFORM_OWNER):
            async with house.client(role) as browser:
                for session_id in (session["id"], uuid4()):
                    assert (await browser.delete(f"{SESSIONS}/{session_id}")).status_code == 404
        assert (await engineer.get("/api/auth/me")).status_code == 200
        assert (await engineer.delete(f"{SESSIONS}/none")).status_code == 422
