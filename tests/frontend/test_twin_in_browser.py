"""The twin page in a real browser under the product's content security policy."""

import re

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect

from tests.frontend.fake_site import serving

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("path", ["/digital-twin/PLANT-B?asset=P-102B", "/digital-twin/PLANT-A?view=assets"])
async def test_page_breaks_no_policy(
    page: Page, site: str, console_errors: list[str], theme: str, language: str, path: str
) -> None:
    await page.context.add_cookies([{"name": "optria_theme", "value": theme, "url": site}])
    await page.goto(f"{site}{path}&lang={language}")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
    await page.locator("header [aria-haspopup]").last.click()
    await expect(page.locator("html")).to_have_attribute("data-theme", theme)
    await expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    assert console_errors == []


@pytest.mark.clause("C6", "D6", "D7")
async def test_values_change_on_the_open_page_with_their_state(page: Page, site: str) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B?asset=P-102B")
    block = page.locator(".plant .lv", has_text="VT-1022")
    await expect(block).to_have_attribute("data-state", "critical")
    value = block.locator("[data-part=value]")
    first = await value.text_content()
    await expect(value).not_to_have_text(first or "")
    await expect(page.locator(".plant .lv", has_text="FT-3031")).to_have_attribute("data-state", "bad")
    await expect(page.locator(".plant .lv", has_text="PT-1020")).to_have_attribute("data-state", "uncertain")
    stale = page.locator(".plant .lv", has_text="LIT-2011")
    await expect(stale).to_have_attribute("data-state", "stale")
    await expect(stale.locator("[data-part=age]")).to_have_text(re.compile(r"2\sm\s\d+\ss"))
    await expect(page.locator("a.eq[data-asset='P-102A']")).to_have_attribute("data-state", "stopped")


@pytest.mark.clause("D1", "D2", "D3", "D4")
async def test_choosing_an_asset_shows_its_panel_and_is_an_address(page: Page, site: str) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B")
    await expect(page.locator("[data-panel]")).to_contain_text("No asset selected")
    await page.locator("a.eq[data-asset='P-102B']").click()
    panel = page.locator("[data-panel]")
    await expect(panel).to_contain_text("Bearing fault, probability 0.71")
    await expect(panel).to_contain_text("WO-BB-2026-00007")
    await expect(panel).to_contain_text("$48,600")
    await expect(panel).to_contain_text("Health")
    assert page.url.endswith("?asset=P-102B")
    latest = panel.locator("#latest-analysis")
    await latest.locator("summary").click()
    for part in ("At 09:41 vibration left its normal range.", "Pump cavitation", "within 12 hours."):
        await expect(latest.get_by_text(part)).to_be_visible()
    await expect(page.locator("a.eq[data-asset='P-102B']")).to_have_attribute("data-incident", "critical")


@pytest.mark.clause("D4", "N6")
async def test_running_the_analysis_shows_story_scores_and_actions(
    page: Page, site: str, site_app: FastAPI, console_errors: list[str]
) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B?asset=P-102B")
    button = page.get_by_role("button", name="Run Black Box analysis")
    await button.click()
    await expect(page.get_by_role("button", name="Analysing")).to_have_attribute("aria-busy", "true")
    site_app.state.analysed.set()
    result = page.locator("[data-analysis]")
    for part in (
        "Vibration rose on P-102B.",
        "Bearing fault",
        "0.71",
        "Schedule maintenance within 12 hours.",
    ):
        await expect(result).to_contain_text(part)
    assert [what for what, _ in site_app.state.posted] == ["run"]
    assert console_errors == []


@pytest.mark.clause("D5")
async def test_an_order_is_created_from_the_incident_once(page: Page, site: str, site_app: FastAPI) -> None:
    site_app.state.orders = False
    await page.goto(f"{site}/digital-twin/PLANT-B?asset=P-102B")
    button = page.get_by_role("button", name="Create work order from incident")
    await button.click()
    await expect(page.locator("[data-panel]")).to_contain_text(
        "WO-BB-2026-00007 is already open for INC-2026-00012."
    )
    await expect(button).to_be_disabled()
    assert site_app.state.posted == [("order", "i-1")]


async def test_a_role_that_may_not_act_is_told_why(page: Page, site: str) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B?asset=P-102B&role=viewer")
    panel = page.locator("[data-panel]")
    await expect(panel.get_by_role("button", name="Run Black Box analysis")).to_be_disabled()
    await expect(panel).to_contain_text("Your role may look at analyses, not start one.")
    await expect(panel).to_contain_text("Your role may not create work orders.")


@pytest.mark.clause("C7", "N3")
async def test_badge_follows_the_notification_event(page: Page, site: str, site_app: FastAPI) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B")
    badge = page.locator("[data-unread]")
    await expect(badge).to_have_text("3")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
    site_app.state.news.append(
        ("e:notify", {"unread_count": 4, "notification": {"title": "Work order for P-102B"}})
    )
    await expect(badge).to_have_text("4")
    await expect(page.locator("[data-toast]")).to_have_text("Work order for P-102B")


async def test_a_region_is_swapped_without_losing_focus_or_scroll(
    page: Page, site: str, site_app: FastAPI
) -> None:
    site_app.state.orders = False
    await page.goto(f"{site}/digital-twin/PLANT-B?asset=P-102B")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
    asset = page.locator("a.eq[data-asset='V-102']")
    await asset.focus()
    await page.evaluate("document.querySelector('[data-panel]').scrollTop = 40")
    site_app.state.orders = True
    site_app.state.news.append(("e:workorders", {"kind": "work_order_created"}))
    await expect(page.locator(".plant")).to_contain_text("WO-0007")
    assert await page.evaluate("document.activeElement.dataset.asset") == "V-102"
    assert await page.evaluate("document.querySelector('[data-panel]').scrollTop") == 40
    block = page.locator(".plant .lv", has_text="VT-1022").locator("[data-part=value]")
    await expect(block).not_to_have_text(await block.text_content() or "")


async def test_a_fault_can_be_started_from_the_page(page: Page, site: str, site_app: FastAPI) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B?asset=P-102B")
    await page.get_by_role("button", name="Inject a fault").click()
    await page.locator("[name=kind]").select_option("bearing-wear")
    await page.get_by_role("button", name="Start fault").click()
    await expect(page.locator("[data-toast]")).to_contain_text("Fault started")
    assert site_app.state.posted == [
        ("fault", {"kind": "bearing-wear", "asset": "P-102B", "severity": 0.8, "ramp_s": 60})
    ]


async def test_between_sizes_the_panel_is_a_drawer(browser: Browser, site: str) -> None:
    page = await browser.new_page(viewport={"width": 1024, "height": 768})
    await page.goto(f"{site}/digital-twin/PLANT-B")
    panel = page.locator("[data-panel]")
    await expect(panel).not_to_be_visible()
    await page.locator("a.eq[data-asset='SEP-001']").click()
    await expect(panel).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(panel).not_to_be_visible()
    await page.close()


@pytest.mark.parametrize("width", [390, 1024, 1440])
async def test_page_never_scrolls_sideways(browser: Browser, site: str, width: int) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 844})
    for path in ("/digital-twin/PLANT-B?asset=P-102B", "/digital-twin/PLANT-B?view=assets&lang=ar"):
        await page.goto(site + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.close()


async def test_a_site_without_a_drawing_shows_its_assets(page: Page, site: str) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B?drawn=no")
    await expect(page.locator(".asset-card")).to_have_count(13)
    await expect(page.locator(".plant")).to_have_count(0)


async def test_theme_is_changed_and_remembered(page: Page, site: str) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B")
    await page.get_by_role("button", name="Change between dark and light").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")


async def test_a_refresh_waits_for_what_is_being_sent(page: Page, site: str, site_app: FastAPI) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B?asset=P-102B")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
    await page.get_by_role("button", name="Run Black Box analysis").click()
    site_app.state.news.append(("e:incidents", {"kind": "incident_opened"}))
    await expect(page.locator(".plant-svg")).to_have_count(1)
    await page.wait_for_timeout(700)
    await expect(page.get_by_role("button", name="Analysing")).to_have_attribute("aria-busy", "true")
    site_app.state.analysed.set()
    await expect(page.get_by_role("button", name="Run Black Box analysis")).to_be_enabled()


async def test_a_lost_server_is_named_and_the_values_stay(page: Page, site_app: FastAPI) -> None:
    async with serving(site_app) as url:
        await page.goto(f"{url}/digital-twin/PLANT-B")
        chip = page.locator("[data-connection]")
        await expect(chip).to_have_attribute("data-state", "live")
    await expect(chip).to_have_attribute("data-state", "reconnecting", timeout=20_000)
    await expect(chip).to_contain_text("Reconnecting")
    await expect(page.locator(".plant .lv", has_text="VT-1022").locator("[data-part=value]")).to_have_text(
        re.compile(r"9\.\d\d")
    )


async def test_what_is_filled_in_survives_a_refresh(page: Page, site: str) -> None:
    await page.goto(f"{site}/digital-twin/PLANT-B")
    sheet = await page.locator("link[rel=stylesheet]").get_attribute("href")
    kept = await page.evaluate(
        """async (base) => {
        const { swap } = await import(base + "/js/region.js");
        const form = () => {
          const region = document.createElement("section");
          region.dataset.region = "form";
          for (const [kind, key] of [["input", "note"], ["textarea", "found"], ["input", "done"]]) {
            const field = document.createElement(kind);
            field.dataset.key = key;
            if (key === "done") field.type = "checkbox";
            region.append(field);
          }
          return region;
        };
        const shown = form(), fetched = document.implementation.createHTMLDocument();
        document.body.append(shown);
        fetched.body.append(form());
        shown.children[0].value = "half a sent";
        shown.children[1].value = "a worn bearing";
        shown.children[2].checked = true;
        shown.children[1].focus();
        shown.children[1].setSelectionRange(2, 2);
        const before = shown.children[0];
        swap(shown, fetched);
        const [note, found, done] = shown.children;
        const isFocused = document.activeElement === found;
        return [note !== before, note.value, found.value, done.checked, isFocused, found.selectionStart];
    }""",
        (sheet or "").rpartition("/")[0],
    )
    assert kept == [True, "half a sent", "a worn bearing", True, True, 2]


async def test_acting_faults_are_listed_and_mended(page: Page, site: str, site_app: FastAPI) -> None:
    site_app.state.faults.append({"id": "F-old", "kind": "fouling", "asset": "E-302"})
    await page.goto(f"{site}/digital-twin/PLANT-B?asset=P-102B")
    await page.get_by_role("button", name="Inject a fault").click()
    menu, lines = page.get_by_role("dialog"), page.locator("[data-fault-list] li")
    await expect(lines).to_have_text([re.compile("E-302.*Fouling")])
    await menu.locator("[name=asset]").select_option("E-302")
    await expect(menu.locator("[name=kind]")).to_have_value("fouling")
    await menu.get_by_role("button", name="Start fault").click()
    await expect(lines).to_have_count(2)
    await expect(menu.locator("[name=asset]")).to_have_value("E-302")
    await lines.first.get_by_role("button", name="Mend").click()
    await expect(lines).to_have_count(1)
    assert [fault["id"] for fault in site_app.state.faults] == ["F1"]
    await lines.get_by_role("button", name="Mend").click()
    await expect(page.get_by_text("Faults acting now")).to_be_hidden()


async def test_the_drawing_fits_at_a_press_and_stays_so(page: Page, site: str) -> None:
    await page.set_viewport_size({"width": 1280, "height": 720})
    await page.goto(f"{site}/digital-twin/PLANT-B")
    canvas = page.locator(".twin-canvas")
    overflow = "node => node.scrollHeight - node.clientHeight"
    assert await canvas.evaluate(overflow) > 0
    await page.get_by_role("button", name="Fit the drawing").click()
    assert await canvas.evaluate(overflow) <= 0
    await page.reload()
    await expect(page.get_by_role("button", name="Fit the drawing")).to_have_attribute("aria-pressed", "true")
    assert await canvas.evaluate(overflow) <= 0
