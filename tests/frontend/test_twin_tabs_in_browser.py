"""Layers, filters, trends and the past on the twin page in a real browser."""

import re

import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

pytestmark = pytest.mark.e2e

TWIN = "/digital-twin/PLANT-B?asset=P-102B"
AT = "2026-11-21T11:05:10Z"


async def test_layers_are_put_away_and_stay_so(page: Page, site: str, console_errors: list[str]) -> None:
    await page.goto(site + TWIN)
    block, badge = page.locator(".plant .lv").first, page.locator(".plant a.badge").first
    await page.get_by_role("button", name="Layers").click()
    await page.get_by_role("checkbox", name="Values").uncheck()
    await expect(block).to_be_hidden()
    await expect(badge).to_be_visible()
    await page.reload()
    await expect(block).to_be_hidden()
    await page.get_by_role("button", name="Layers").click()
    await page.get_by_role("checkbox", name="Values").check()
    await expect(block).to_be_visible()
    assert console_errors == []


async def test_signals_are_narrowed_by_text_quality_and_state(page: Page, site: str) -> None:
    await page.goto(f"{site}{TWIN}&view=signals")
    rows, shown = page.locator(".sig-row:visible"), page.locator("[data-shown]")
    every = await page.locator(".sig-row").count()
    await expect(shown).to_have_text(str(every))
    await page.get_by_role("searchbox", name="Tag, signal or asset").fill("p-102b vt-1022")
    await expect(rows).to_have_count(1)
    await expect(rows).to_have_attribute("data-state", "critical")
    await page.get_by_role("searchbox", name="Tag, signal or asset").fill("nothing like it")
    await expect(page.get_by_text("No signal fits these filters.")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await expect(rows).to_have_count(every)
    await page.get_by_label("Quality", exact=True).select_option("2")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("E-302.FT-3031")
    await page.get_by_label("Quality", exact=True).select_option("")
    await page.get_by_label("State", exact=True).select_option("stale")
    await expect(rows).to_contain_text(["T-201.LIT-2011"])


async def test_cards_are_narrowed_by_type_and_incident(page: Page, site: str) -> None:
    await page.goto(f"{site}{TWIN}&view=assets")
    cards = page.locator(".asset-card:visible")
    await page.get_by_label("Type", exact=True).select_option("Pump")
    await expect(cards.first).to_contain_text(re.compile("P-|PUMP"))
    await page.get_by_label("Incident", exact=True).select_option("critical")
    await expect(cards).to_have_count(1)
    await expect(cards).to_contain_text("P-102B")


async def test_the_past_is_walked_by_keys_and_left_by_escape(
    page: Page, site: str, console_errors: list[str]
) -> None:
    await page.goto(f"{site}{TWIN}&at={AT}")
    slider, label = page.get_by_role("slider", name="Moment shown"), page.locator("[data-past-clock]")
    await expect(label).to_have_text("21 Nov 14:05:10 +03")
    await slider.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(label).to_have_text("21 Nov 14:05:00 +03")
    await expect(page).to_have_url(re.compile("at=2026-11-21T11%3A05%3A00Z"))
    await expect(page.locator("[data-at]")).to_have_attribute("data-at", "1795259100000")
    await page.keyboard.press("Shift+ArrowLeft")
    await expect(label).to_have_text("21 Nov 12:05:10 +03")
    await expect(page.get_by_role("button", name="Run Black Box analysis")).to_be_disabled()
    await expect(page.get_by_text("Go back to live to act.")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page).to_have_url(f"{site}{TWIN}")
    await expect(page.locator("[data-past-bar]")).to_have_count(0)
    assert console_errors == []


async def test_trends_are_drawn_chosen_and_say_when_they_cannot_be_read(
    page: Page, site: str, site_app: FastAPI, console_errors: list[str]
) -> None:
    await page.goto(f"{site}{TWIN}&view=trends")
    plots = page.locator("[data-plot] canvas:visible")
    every = await page.locator("[data-trend]").count()
    await expect(plots).to_have_count(every)
    await expect(page.get_by_text("lowest and highest of each").first).to_be_visible()
    await page.get_by_role("checkbox", name="VT-1022").uncheck()
    await expect(plots).to_have_count(every - 1)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("Paused: the values go on beside it")).to_be_visible()
    assert console_errors == []
    site_app.state.history_lost = True
    await page.get_by_role("button", name="8 h").click()
    await expect(page.get_by_text("The history cannot be read.")).to_be_visible()
    site_app.state.history_lost = False
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("The history cannot be read.")).to_be_hidden()


async def test_a_later_sample_is_put_at_the_edge_with_a_gap_before_it(page: Page, site: str) -> None:
    await page.goto(f"{site}{TWIN}")
    sheet = await page.locator("link[rel=stylesheet]").get_attribute("href")
    found = await page.evaluate(
        """async (base) => {
        const { append, forgetBefore } = await import(base + "/js/trend_data.js");
        const { toneOf, boundsOf, stepDecimals } = await import(base + "/js/plot.js");
        const signal = { times_ms: [1000, 2000], values: [1, 2], gap_ms: 3000 };
        const taken = [[3, 2000, 0], [3, 3000, 0], [4, 9000, 0], [5, 9500, 2]].map(
          ([value, time, quality]) => append(signal, { value, time, quality }));
        const grown = { times_ms: [...Array(100).keys()], values: Array(100).fill(0) };
        forgetBefore(grown, 30);
        forgetBefore(grown, 80);
        const limits = [{ severity: "major", direction: "high", value: 7 }];
        const tones = [5, 6.5, 8].map((value) => toneOf(value, { expected: [4, 6], limits }));
        return [taken, signal.times_ms, signal.values, tones, boundsOf([null], null), stepDecimals([0, 2.5]),
          grown.times_ms[0], grown.values.length];
    }""",
        (sheet or "").rpartition("/")[0],
    )
    assert found == [
        [False, True, True, True],
        [1000, 2000, 3000, 3001, 9000, 9500],
        [1, 2, 3, None, 4, None],
        ["trend", "ink", "majorink"],
        [0, 1],
        1,
        80,
        20,
    ]
