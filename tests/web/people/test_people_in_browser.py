"""An administrator adds a person and makes a rotation in a real browser; an engineer reads it."""

import re

import pytest
from playwright.async_api import Browser, expect

from optria.core.roles import Role
from optria.db.session import Database
from tests.web.browsers import served, signed_in
from tests.web.house import build


@pytest.mark.e2e
async def test_a_person_is_added_and_put_on_call(browser: Browser, database: Database) -> None:
    house = await build(database)
    async with served(house) as url:
        page, errors = await signed_in(browser, url, house.user(Role.TENANT_ADMIN), "/users")
        await page.get_by_role("button", name="Add a person").click()
        form = page.locator("#new-user")
        await form.get_by_label("Name", exact=True).fill("Nora Saleh")
        await form.get_by_label("E-mail").fill("nora@example.com")
        await form.get_by_label("User name").fill("nora")
        await form.get_by_role("button", name="Add", exact=True).click()
        once = page.locator("#shown-once")
        await expect(once.locator('[data-part="secret"]')).to_have_text(re.compile(r"^\w{5}(-\w{5}){3}$"))
        await once.get_by_role("button", name="Done").click()
        await expect(page.get_by_role("cell", name="Nora Saleh nora@example.com")).to_be_visible()
        await expect(once.locator('[data-part="secret"]')).to_have_text("")

        await page.goto(f"{url}/on-call")
        await expect(page.get_by_role("heading", name="Nobody is on call")).to_be_visible()
        await page.get_by_role("button", name="Make a rotation").click()
        form = page.locator("#rotation")
        await form.get_by_label("Name", exact=True).fill("Mechanics")
        await form.get_by_text("Nora Saleh", exact=True).click()
        await form.get_by_role("button", name="Save").click()
        turns = page.get_by_role("region", name="Who, and when")
        await expect(turns.get_by_role("cell", name="Nora Saleh").first).to_be_visible()

        await page.get_by_role("button", name="Put somebody on call").click()
        form = page.locator("#override")
        await form.get_by_label("From").fill("2026-01-01T06:00")
        await form.get_by_label("To").fill("2026-01-01T05:00")
        await form.get_by_role("button", name="Put on call").click()
        await expect(form.locator("[data-error]")).to_contain_text("A shift ends after it starts")
        assert [error for error in errors if "422" not in error] == []

        read, errors = await signed_in(browser, url, house.user(Role.ENGINEER), "/on-call")
        await expect(read.get_by_text("Administrators change the rota.")).to_be_visible()
        await expect(read.get_by_role("button", name="Make a rotation")).to_have_count(0)
        assert errors == []
