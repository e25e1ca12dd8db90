"""Refusals and failures as a person sees them, and as a program does."""

from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy.exc import OperationalError

from optria.core.errors import DatabaseUnavailable, SimulatorError
from optria.core.roles import Permission, Role
from optria.web.error_page import roles_with
from optria.web.errors import add_handlers
from tests.web.house import House

PAGE = {"accept": "text/html,application/xhtml+xml"}
FRAME = 'class="rail"'


async def test_a_refused_page_names_the_roles_and_the_way_on(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        answer = await browser.get("/work-orders", headers=PAGE)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "Your role may not open this page" in answer.text
    assert "You are signed in as Viewer." in answer.text
    assert "Roles that may open it: Engineer, Optimization engineer, Tenant admin." in answer.text
    main = answer.text[answer.text.index("<main") :]
    assert 'href="/digital-twin"' in main
    assert FRAME in answer.text


async def test_what_is_not_there_is_said_in_the_frame_with_its_list(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.get(f"/blackbox/incidents/{uuid4()}", headers=PAGE)
        no_route = await browser.get("/no/such/page", headers=PAGE)
    assert (answer.status_code, no_route.status_code) == (404, 404)
    main = answer.text[answer.text.index("<main") :]
    assert "There is nothing at this address" in main
    assert 'class="btn btn-primary" href="/blackbox/incidents"' in main
    assert 'class="btn btn-primary" href="/digital-twin"' in no_route.text


async def test_a_list_that_the_viewer_may_not_see_is_not_offered(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        answer = await browser.get("/work-orders/none/such", headers=PAGE)
    assert answer.status_code == 404
    assert 'href="/work-orders"' not in answer.text


async def test_an_address_with_an_unreadable_part_is_a_page_too(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        answer = await browser.get("/blackbox/incidents/not-an-id", headers=PAGE)
    assert answer.status_code == 422
    assert "This address cannot be read" in answer.text


async def test_a_stranger_gets_a_plain_page(house: House) -> None:
    async with house.client() as browser:
        answer = await browser.get("/no/such/page", headers=PAGE)
    assert answer.status_code == 404
    assert FRAME not in answer.text
    assert 'href="/login"' in answer.text


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_has_the_page_in_both_languages(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        english = await browser.get("/no/such/page", headers=PAGE)
        arabic = await browser.get("/no/such/page?lang=ar", headers=PAGE)
    assert "There is nothing at this address" in english.text
    assert 'dir="rtl"' in arabic.text
    assert "لا يوجد شيء في هذا العنوان" in arabic.text


async def test_a_program_gets_a_sentence(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        refused = await browser.get("/api/work-orders/", headers=PAGE)
        missing = await browser.get("/api/no/such", headers=PAGE)
        plain = await browser.get("/no/such/page", headers={"accept": "application/json"})
    assert refused.json() == {"detail": "Not authorized"}
    assert missing.json() == plain.json() == {"detail": "Not Found"}


def _broken(error: Exception) -> httpx.AsyncClient:
    """An application whose only page fails, without any service behind it."""
    app = FastAPI()
    add_handlers(app)

    @app.get("/page")
    @app.get("/api/data")
    async def fail(request: Request) -> None:
        raise error

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://plant.test")


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), OperationalError("select", {}, OSError())])
async def test_without_the_database_the_page_says_what_still_works(error: Exception) -> None:
    async with _broken(error) as browser:
        answer = await browser.get("/page?asset=P-1", headers=PAGE)
        data = await browser.get("/api/data", headers=PAGE)
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert 'href="/page?asset=P-1"' in answer.text
    assert "detail" in data.json()


@pytest.mark.parametrize(("error", "status"), [(ValueError("secret"), 500), (SimulatorError("no"), 503)])
async def test_any_other_failure_tells_nothing_of_its_inside(error: Exception, status: int) -> None:
    async with _broken(error) as browser:
        answer = await browser.get("/page", headers=PAGE)
        arabic = await browser.get("/page?lang=ar", headers=PAGE)
    assert answer.status_code == status
    assert "This page could not be made" in answer.text
    assert "secret" not in answer.text
    assert "Content-Security-Policy" in answer.headers
    assert "تعذر إعداد هذه الصفحة" in arabic.text


def test_the_owner_is_named_only_where_nobody_else_may() -> None:
    assert roles_with(Permission.VIEW_WORK_ORDERS) == ["engineer", "optimization_engineer", "tenant_admin"]
    assert roles_with(Permission.MANAGE_TENANTS) == ["platform_owner"]
