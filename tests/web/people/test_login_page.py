"""The sign-in page: a form without script, in two languages and themes."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from optria.core.roles import Role
from optria.db.identity import UserSession
from optria.kit import clock
from optria.web.sessions import COOKIE
from tests import factories
from tests.web.house import House, build

PAGE = {"accept": "text/html"}


def form(house: House, password: str = factories.PASSWORD, **more: str) -> dict[str, str]:
    return {"email": house.user(Role.ENGINEER).email, "password": password, **more}


async def test_signing_in_leads_where_one_wanted_to_go(house: House) -> None:
    async with house.client() as browser:
        answer = await browser.post("/login", data=form(house, next="/work-orders?id=7"))
        me = await browser.get("/api/auth/me")
    assert (answer.status_code, answer.headers["location"]) == (303, "/work-orders?id=7")
    assert me.json()["email"] == house.user(Role.ENGINEER).email


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test", "evil"])
async def test_next_never_leads_to_another_site(house: House, elsewhere: str) -> None:
    async with house.client() as browser:
        answer = await browser.post("/login", data=form(house, next=elsewhere))
    assert answer.headers["location"] == "/digital-twin"


async def test_a_wrong_password_shows_the_form_again_with_words(house: House) -> None:
    async with house.client() as browser:
        answer = await browser.post("/login", data=form(house, password="wrong", next="/work-orders"))
    assert answer.status_code == 401
    assert "The e-mail address or the password is wrong." in answer.text
    assert 'value="/work-orders"' in answer.text
    assert 'wrong"' not in answer.text
    assert COOKIE not in answer.cookies


async def test_too_many_attempts_say_when_to_try_again(house: House) -> None:
    async with house.client() as browser:
        answers = [await browser.post("/login", data=form(house, password="wrong")) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "Try again in" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_page_asks_a_stranger_to_sign_in_and_brings_him_back(house: House) -> None:
    async with house.client() as browser:
        answer = await browser.get("/work-orders?view=list", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/login?next=%2Fwork-orders%3Fview%3Dlist",
    )


async def test_an_ended_session_is_said(house: House) -> None:
    user = house.user(Role.ENGINEER)
    async with house.client(Role.ENGINEER) as browser:
        async with house.database.platform("test") as tx:
            past = clock.now() - timedelta(minutes=1)
            ended = update(UserSession).where(UserSession.user_id == user.id)
            await tx.session.execute(ended.values(expires_at=past))
        answer = await browser.get("/login?next=/work-orders", headers=PAGE)
    assert answer.status_code == 200
    assert "Your session has ended" in answer.text


async def test_who_is_signed_in_does_not_see_the_form(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        places = [(await browser.get(path)).headers["location"] for path in ("/login", "/")]
    async with house.client() as stranger:
        front = (await stranger.get("/")).headers["location"]
    assert places == ["/digital-twin"] * 2
    assert front == "/login"


async def test_the_page_speaks_arabic_and_remembers_it(house: House) -> None:
    async with house.client() as browser:
        asked = await browser.get("/login?lang=ar", headers=PAGE)
        again = await browser.get("/login", headers=PAGE)
    for answer in (asked, again):
        assert 'lang="ar" dir="rtl"' in answer.text
        assert "تسجيل الدخول" in answer.text


async def test_demo_accounts_are_shown_in_a_demo_only(house: House) -> None:
    demo = await build(house.database, demo=True)
    async with house.client() as browser, demo.client() as visitor:
        real, shown = await browser.get("/login"), await visitor.get("/login")
    assert "demo@aramco.com" not in real.text
    assert "demo@aramco.com" in shown.text


async def test_signing_out_ends_the_session(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        out = await browser.post("/logout")
        after = await browser.get("/api/auth/me")
    assert out.headers["location"] == "/login"
    assert after.status_code == 401


async def test_another_site_cannot_post_the_form(house: House) -> None:
    async with house.client() as browser:
        answer = await browser.post("/login", data=form(house), headers={"origin": "https://evil.test"})
    assert answer.status_code == 403
