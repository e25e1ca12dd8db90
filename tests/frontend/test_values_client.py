"""Numbers, ages and states in the browser: the same rules as on the server."""

import pytest
from playwright.async_api import Page

from optria.web import filters
from optria.web.twin.twin_page_model import SignalView

pytestmark = pytest.mark.e2e

IMPORT = """async ([base, cases]) => {
  const { formatValue, formatAge } = await import(base + "/js/format.js");
  const { stateOf, parseLimits } = await import(base + "/js/values.js");
  return RUN;
}"""


@pytest.fixture
async def base(page: Page, site: str) -> str:
    await page.goto(f"{site}/digital-twin")
    sheet = await page.locator("link[rel=stylesheet]").get_attribute("href")
    assert sheet is not None
    return sheet.rpartition("/")[0]


async def test_values_read_alike_on_both_sides(page: Page, base: str) -> None:
    cases: list[tuple[float, int | None]] = [
        (9840.4, 0), (-0.04, 1), (-12.345, 2), (1234567.0, None), (0.01234, None), (38.2, 1), (0.0, None)
    ]  # fmt: skip
    shown = await page.evaluate(
        IMPORT.replace("RUN", "cases.map(([v, d]) => formatValue(v, d))"), [base, cases]
    )
    assert shown == [filters.number(value, decimals) for value, decimals in cases]


async def test_ages_read_alike_on_both_sides(page: Page, base: str) -> None:
    cases = [0.4, 9.94, 12.0, 134.0, 3599.0, 11100.0]
    shown = await page.evaluate(IMPORT.replace("RUN", "cases.map(formatAge)"), [base, cases])
    assert shown == [filters.age(seconds) for seconds in cases]


async def test_states_are_judged_alike_on_both_sides(page: Page, base: str) -> None:
    limits = (("minor", "high", 5.0), ("critical", "high", 7.1), ("major", "low", 1.0))
    cases = [
        [value, quality, age]
        for value in (0.5, 3.0, 5.0, 6.0, 8.0)
        for quality in (0, 1, 2)
        for age in (0.0, 4.9, 9.0, 10.5)
    ]
    run = f"""cases.map(([value, quality, age]) => stateOf({{ value, quality }}, age,
        {{ scan: 1, limits: parseLimits("{filters.limits_attribute(limits)}") }}))"""
    shown = await page.evaluate(IMPORT.replace("RUN", run), [base, cases])
    expected = [
        SignalView(
            1, "P.VT", "", "vibration", "mm/s", limits=limits, value=value, time_ms=0, quality=int(quality)
        ).state_at(int(age * 1000))
        for value, quality, age in cases
    ]
    assert shown == expected
    assert set(shown) == {"normal", "minor", "major", "critical", "uncertain", "bad", "stale"}
