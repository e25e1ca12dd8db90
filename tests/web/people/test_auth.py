"""Signing in and out, and what a session is worth."""

from datetime import timedelta

import pytest
from fastapi import Request
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import select, update

from optria.core.roles import Role
from optria.db.identity import Tenant, User, UserSession
from optria.kit import clock
from optria.web import sessions
from optria.web.own_path import own_path
from optria.web.people.auth import _open
from tests import factories
from tests.web.house import House

LOGIN = "/api/auth/login"


def _asked(user: User, password: str = factories.PASSWORD) -> dict[str, str]:
    return {"email": user.email, "password": password}


async def test_a_right_password_opens_a_session(house: House) -> None:
    user = house.user(Role.ENGINEER)
    async with house.client() as browser:
        answer = await browser.post(LOGIN, json=_asked(user) | {"next": "/work-orders?status=open"})
        me = await browser.get("/api/auth/me")
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 200
    assert answer.json()["redirect_url"] == "/work-orders?status=open"
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert me.json()["email"] == user.email


async def test_the_database_holds_no_token(house: House) -> None:
    token = await house.token(house.user(Role.VIEWER))
    async with house.database.platform("test") as tx:
        stored = (await tx.session.scalars(select(UserSession.token_sha256))).all()
    assert token not in stored
    assert sessions.digest(token) in stored


async def test_v1s_bearer_header_works(house: House) -> None:
    token = await house.token(house.user(Role.VIEWER))
    async with house.client() as program:
        answer = await program.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["role"] == "viewer"


@pytest.mark.parametrize("email", ["nobody@example.com", ""])
async def test_unknown_account_and_wrong_password_sound_the_same(house: House, email: str) -> None:
    async with house.client() as browser:
        unknown = await browser.post(LOGIN, json={"email": email, "password": "x"})
        wrong = await browser.post(LOGIN, json=_asked(house.user(Role.VIEWER), "wrong"))
    assert (unknown.status_code, unknown.json()) == (wrong.status_code, wrong.json())
    assert wrong.status_code == 401


async def test_an_inactive_user_stays_out(house: House) -> None:
    user = house.user(Role.VIEWER)
    async with house.database.platform("test") as tx:
        await tx.session.execute(update(User).where(User.id == user.id).values(is_active=False))
    async with house.client() as browser:
        assert (await browser.post(LOGIN, json=_asked(user))).status_code == 401


@pytest.mark.parametrize("status", ["inactive", "suspended", "Suspended"])
async def test_a_closed_tenant_lets_nobody_in_and_ends_what_is_open(house: House, status: str) -> None:
    user = house.user(Role.TENANT_ADMIN)
    async with house.client(user) as inside, house.client() as outside, house.client(house.owner) as owner:
        before = (await inside.get("/api/auth/me")).status_code
        async with house.database.platform("test") as tx:
            await tx.session.execute(update(Tenant).where(Tenant.id == user.tenant_id).values(status=status))
        after = (await inside.get("/api/auth/me")).status_code
        refused = await outside.post(LOGIN, json=_asked(user))
        owners = (await owner.get("/api/auth/me")).status_code
    assert (before, after, refused.status_code, owners) == (200, 401, 401, 200)


async def test_an_owner_who_belongs_to_a_closed_tenant_stays_in(house: House) -> None:
    async with house.database.platform("test") as tx:
        closed = await factories.tenant(tx, status="suspended")
        owner = await factories.user(tx, closed.id, Role.PLATFORM_OWNER)
    async with house.client() as browser:
        signed = await browser.post(LOGIN, json=_asked(owner))
        assert (signed.status_code, (await browser.get("/api/auth/me")).status_code) == (200, 200)


async def test_the_sixth_attempt_waits(house: House) -> None:
    user = house.user(Role.VIEWER)
    async with house.client() as browser:
        answers = [await browser.post(LOGIN, json=_asked(user, "wrong")) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 800


async def test_signing_in_well_does_not_use_up_the_attempts_of_an_address(house: House) -> None:
    users = [house.user(role) for role in Role]
    async with house.client() as browser:
        answers = [await browser.post(LOGIN, json=_asked(user)) for user in users * 7]
    assert {answer.status_code for answer in answers} == {200}


async def test_addresses_of_version_1_that_differ_by_case_alone_both_sign_in(house: House) -> None:
    async with house.database.platform("test") as tx:
        lower = await factories.user(tx, house.own.tenant.id, email="twin@example.com")
        upper = await factories.user(tx, house.own.tenant.id, email="Twin@example.com")
    async with house.client() as browser:
        found = [
            (await browser.post(LOGIN, json=_asked(user))).json()["user"]["id"] for user in (lower, upper)
        ]
        odd = await browser.post(LOGIN, json={"email": "TWIN@example.com", "password": factories.PASSWORD})
    assert found == [lower.id, upper.id]
    assert odd.json()["user"]["id"] == lower.id


async def test_a_token_sent_before_the_sign_in_is_never_adopted(house: House) -> None:
    """Session fixation: what a stranger planted in the browser opens nothing afterwards."""
    planted = "a-token-that-somebody-else-knows-too-0123456789"
    header = {"Authorization": f"Bearer {planted}"}
    async with house.client() as browser, house.client() as stranger:
        browser.cookies.set(sessions.COOKIE, planted)
        await browser.post(LOGIN, json=_asked(house.user(Role.ENGINEER)))
        given = browser.cookies.get(sessions.COOKIE, domain="plant.test")
        assert (await stranger.get("/api/auth/me", headers=header)).status_code == 401
    async with house.database.platform("test") as tx:
        stored = (await tx.session.scalars(select(UserSession.token_sha256))).all()
    assert stored == [sessions.digest(given or "")]
    assert given != planted


async def test_every_sign_in_has_a_token_of_its_own(house: House) -> None:
    tokens = set()
    for _ in range(3):
        async with house.client() as browser:
            await browser.post(LOGIN, json=_asked(house.user(Role.ENGINEER)))
            tokens.add(browser.cookies[sessions.COOKIE])
    assert len(tokens) == 3


async def test_the_cookies_value_works_as_version_1s_bearer_token(house: House) -> None:
    user = house.user(Role.ENGINEER)
    async with house.client() as browser, house.client() as program:
        await browser.post(LOGIN, json=_asked(user))
        by_cookie = await browser.get("/api/auth/me")
        header = {"Authorization": f"Bearer {browser.cookies[sessions.COOKIE]}"}
        by_header = await program.get("/api/auth/me", headers=header)
    assert by_cookie.json() == by_header.json()
    assert by_header.json()["email"] == user.email


@pytest.mark.parametrize("change", [{"password_hash": "another"}, {"is_active": False}])
async def test_what_changes_while_the_password_is_verified_counts(
    house: House, change: dict[str, object]
) -> None:
    """The hash of the old password is neither written back nor worth a session."""
    user = house.user(Role.ENGINEER)
    async with house.database.platform("test") as tx:
        await tx.session.execute(update(User).where(User.id == user.id).values(**change))
    assert await _open(house.services, _request(), user, "$argon2id$of-the-old-password") is None
    async with house.database.platform("test") as tx:
        stored = await tx.session.scalar(select(User.password_hash).where(User.id == user.id))
        assert (await tx.session.scalars(select(UserSession))).all() == []
    assert stored == change.get("password_hash", user.password_hash)


def _request() -> Request:
    return Request({"type": "http", "headers": [], "client": ("127.0.0.1", 1)})


@pytest.mark.clause("G7")
async def test_v1s_bcrypt_hash_is_replaced_at_sign_in(house: House) -> None:
    user = house.user(Role.ENGINEER)
    old = BcryptHasher(rounds=4).hash("Engineer2024!")
    assert old.startswith("$2b$")
    async with house.database.platform("test") as tx:
        await tx.session.execute(update(User).where(User.id == user.id).values(password_hash=old))
    async with house.client() as browser:
        first = await browser.post(LOGIN, json=_asked(user, "Engineer2024!"))
        second = await browser.post(LOGIN, json=_asked(user, "Engineer2024!"))
    async with house.database.platform("test") as tx:
        stored = await tx.session.scalar(select(User.password_hash).where(User.id == user.id))
    assert (first.status_code, second.status_code) == (200, 200)
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_signing_in_again_ends_the_browsers_earlier_session(house: House) -> None:
    user = house.user(Role.ENGINEER)
    async with house.client(user) as browser:
        earlier = browser.cookies[sessions.COOKIE]
        browser.cookies.clear()
        header = {"Authorization": f"Bearer {earlier}"}
        await browser.post(LOGIN, json=_asked(user), headers=header)
        browser.cookies.clear()
        assert (await browser.get("/api/auth/me", headers=header)).status_code == 401


async def test_signing_out_ends_the_session(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        header = {"Authorization": f"Bearer {browser.cookies[sessions.COOKIE]}"}
        assert (await browser.post("/api/auth/logout")).json()["success"] is True
        assert (await browser.get("/api/auth/me", headers=header)).status_code == 401
        assert (await browser.get("/api/auth/check", headers=header)).json() == {
            "authenticated": False,
            "user": None,
        }


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timedelta(0)},
        {"last_seen_at": -timedelta(minutes=31)},
        {"revoked_at": timedelta(0)},
    ],
)
async def test_a_session_that_is_over_is_no_session(house: House, change: dict[str, timedelta]) -> None:
    values = {name: clock.now() + shift for name, shift in change.items()}
    async with house.client(Role.ENGINEER) as browser:
        assert (await browser.get("/api/auth/me")).status_code == 200
        async with house.database.platform("test") as tx:
            await tx.session.execute(update(UserSession).values(**values))
        assert (await browser.get("/api/auth/me")).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/page\\..",
        "/\u2028/evil.example",
        "//[",
        "evil",
        "",
    ],
)
def test_signing_in_leads_to_our_own_pages_only(path: str) -> None:
    assert own_path(path) == "/digital-twin"


@pytest.mark.parametrize("path", ["/work-orders?q=a%20b&next=//x", "/blackbox/incidents/1#causes", "/["])
def test_our_own_pages_are_kept(path: str) -> None:
    assert own_path(path) == path


async def test_an_address_that_is_none_does_not_hinder_a_sign_in(house: House) -> None:
    async with house.client() as browser:
        answer = await browser.post(LOGIN, json=_asked(house.user(Role.VIEWER)) | {"next": "//["})
    assert (answer.status_code, answer.json()["redirect_url"]) == (200, "/digital-twin")
