"""axe-core finds nothing on the twin: both themes, both languages, a phone."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not AXE.exists(), reason="`npm install` in frontend/ to check accessibility"),
]


@pytest.mark.parametrize(
    ("theme", "language", "width", "view"),
    [
        ("dark", "en", 1440, "process"),
        ("light", "ar", 1440, "process"),
        ("light", "en", 1024, "assets"),
        ("dark", "ar", 390, "process"),
        ("dark", "en", 1440, "signals"),
        ("light", "ar", 1440, "trends"),
        ("light", "en", 1024, "process&at=2026-11-21T11:05:10Z"),
        ("dark", "ar", 1440, "assets&at=2026-11-21T11:05:10Z"),
    ],
)
async def test_no_violations(
    browser: Browser, site: str, theme: str, language: str, width: int, view: str
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 2400})
    await page.context.add_cookies([{"name": "optria_theme", "value": theme, "url": site}])
    await page.goto(f"{site}/digital-twin/PLANT-B?asset=P-102B&lang={language}&view={view}")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate(
        """async (rules) => {
        const result = await axe.run(document, { runOnly: rules });
        const where = (node) => `${node.target.join(" ")} ${node.failureSummary}`;
        return result.violations.map((violation) => [violation.id, violation.nodes.slice(0, 4).map(where)]);
    }""",
        RULES,
    )
    await page.close()
    assert found == []
