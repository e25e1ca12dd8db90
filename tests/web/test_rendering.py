"""Pages as HTML: language, theme, frame, and addresses of the built assets."""

from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from jinja2 import UndefinedError
from starlette.requests import Request

from optria.core.roles import GRANTS, Role
from optria.web import rendering
from optria.web.rendering import Shell, SiteLink, render_page, translate

SITES = (
    SiteLink(1, "PLANT-A", "Ras Tanura Refinery", "مصفاة رأس تنورة"),
    SiteLink(2, "PLANT-B", "Abqaiq Processing Plant", "معمل بقيق للمعالجة"),
)


def asked(path: str = "/digital-twin", cookie: str = "", **query: str) -> Request:
    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": "http", "method": "GET", "path": path, "query_string": urlencode(query).encode()}
    return Request(scope | {"headers": headers, "scheme": "http", "server": ("plant", 80)})


def shell(**changes: object) -> Shell:
    given = {
        "user_name": "layla_haddad",
        "user_email": "l@x.com",
        "role": "engineer",
        "tenant_name": "ARAMCO",
        "permissions": GRANTS[Role.ENGINEER],
    }
    return Shell(**(given | changes))  # type: ignore[arg-type]


def html(request: Request, frame: Shell | None) -> str:
    return bytes(render_page(request, "base.html", frame).body).decode()


def test_query_beats_cookie_beats_english() -> None:
    assert rendering.language_of(asked(lang="ar", cookie="optria_lang=en")) == "ar"
    assert rendering.language_of(asked(cookie="optria_lang=ar")) == "ar"
    assert rendering.language_of(asked(lang="xx")) == "en"


def test_page_speaks_arabic_from_right_to_left_and_remembers_it() -> None:
    response = render_page(asked(lang="ar"), "base.html", shell())
    page = bytes(response.body).decode()
    assert '<html lang="ar" dir="rtl"' in page
    assert "التوأم الحي" in page
    assert "Live twin" not in page
    assert "optria_lang=ar" in response.headers["set-cookie"]
    assert translate("Live twin") == "Live twin"


def test_theme_comes_from_the_cookie_and_is_dark_otherwise() -> None:
    assert rendering.theme_of(asked(cookie="optria_theme=light")) == "light"
    assert rendering.theme_of(asked(cookie="optria_theme=pink")) == "dark"
    assert rendering.theme_of(asked()) == "dark"


def test_other_language_keeps_the_rest_of_the_address() -> None:
    assert 'href="/digital-twin?asset=P-102B&amp;lang=ar"' in html(asked(asset="P-102B"), shell())


def test_frame_links_only_the_pages_of_the_role() -> None:
    assert 'href="/work-orders"' in html(asked(), shell())
    assert 'href="/work-orders"' not in html(asked(), shell(permissions=frozenset()))


@pytest.mark.parametrize(("unread", "shown"), [(0, "hidden>0<"), (7, ">7<"), (99, ">99<"), (100, ">99+<")])
@pytest.mark.clause("N3")
def test_badge_counts_to_ninety_nine(unread: int, shown: str) -> None:
    badge = html(asked(), shell(unread_count=unread)).split("data-unread", 1)[1]
    assert shown in badge[:40]


def test_what_users_write_is_escaped() -> None:
    page = html(asked(), shell(tenant_name='<script src="x">'))
    assert '<script src="x">' not in page
    assert "&lt;script" in page


def test_site_switch_names_the_chosen_site_in_the_language_of_the_page() -> None:
    frame = shell(sites=SITES, site=SITES[1])
    assert "معمل بقيق للمعالجة" in html(asked(lang="ar"), frame)
    assert 'data-time-zone="Asia/Riyadh"' in html(asked(), frame)


def test_initials_and_time_zone_of_a_frame() -> None:
    assert shell().initials == "LH"
    assert shell(user_name="").initials == "L"
    assert shell().time_zone == "UTC"
    assert shell(sites=SITES).time_zone == "Asia/Riyadh"


def test_a_name_that_is_not_given_is_an_error_not_a_blank() -> None:
    template = rendering.environment().from_string("{{ missing }}")
    with pytest.raises(UndefinedError):
        template.render()


@pytest.mark.clause("G8")
async def test_assets_are_immutable_under_the_hash_of_the_build() -> None:
    app = FastAPI()
    rendering.mount_static(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://plant") as client:
        found = await client.get(rendering.static("app.css"))
        elsewhere = await client.get("/static/000000000000/app.css")
    assert (found.status_code, elsewhere.status_code) == (200, 404)
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
