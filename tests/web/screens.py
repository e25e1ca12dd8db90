"""Every page of the product, and what a machine can say of one: accessibility, the keyboard, its console."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, BrowserContext, Page

from optria.web.permits import routes_of
from optria.web.server import ROUTERS

AXE: Final = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa")
NO_PAGES: Final = ("/api", "/health", "/docs", "/openapi", "/ws", "/static", "/metrics")
LEADS_ELSEWHERE: Final = ("/",)
MOST_STOPS: Final = 600
"""Presses of Tab after which a page is given up: it holds more, or it is a trap."""
_SCRIPT: Final = Path(__file__).with_suffix(".js")


def page_paths() -> list[str]:
    """The addresses of all pages as their routes declare them: ``/blackbox/incidents/{incident_id}``."""
    found = {
        route.path
        for router in ROUTERS
        for route in routes_of(router.routes)
        if "GET" in (getattr(route, "methods", None) or ())
        and not route.path.startswith(NO_PAGES)
        and route.path not in LEADS_ELSEWHERE
    }
    return sorted(found)


def filled(paths: Sequence[str], values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """(declared, real) address of each page.

    Raises:
        KeyError: a page's address has a part that ``values`` does not name.
    """
    for path in paths:
        yield path, path.format_map(values)


@dataclass(slots=True)
class Look:
    """What is wrong with a page as it stands."""

    violations: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.violations, *self.console, *(f"not reached by Tab: {one}" for one in self.unreachable)]


async def look(page: Page, console: Sequence[str], *, keyboard: bool = True) -> Look:
    """What axe-core, the console and a walk with the Tab key say of the page that is open."""
    found = await violations(page)
    unreachable = await unreached(page) if keyboard else []
    return Look(found, list(console), unreachable)


async def violations(page: Page) -> list[str]:
    """What axe-core finds on the page that is open; nothing where axe-core is not installed."""
    await page.evaluate(_SCRIPT.read_text("utf-8"))
    if not AXE.exists():
        return []
    await page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = await page.evaluate("(rules) => optriaLook.violations(rules)", list(RULES))
    return found


async def unreached(page: Page) -> list[str]:
    """The interactive elements in sight that Tab does not come to, as the beginning of their HTML.

    Needs what :func:`look` puts into the page.
    """
    count = int(await page.evaluate("optriaLook.mark()"))
    reached: set[str] = set()
    rounds = 0  # a page opened at a part of itself begins there and comes round
    for _ in range(min(MOST_STOPS, count * 2 + 20)):
        await page.keyboard.press("Tab")
        stop = str(await page.evaluate("optriaLook.stop()"))
        rounds += stop == "body"
        reached.add(stop)
        if rounds > 1 or len(reached - {"body", ""}) == count:
            break
    missed = await page.evaluate("(reached) => optriaLook.missed(reached)", sorted(reached))
    return [str(one) for one in missed]


async def dressed(
    browser: Browser, url: str, token: str | None, theme: str, language: str, width: int, height: int
) -> BrowserContext:
    """A browser session of its own in a theme, a language and a size; signed in when there is a token."""
    context = await browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    cookies = {"optria_theme": theme, "optria_lang": language}
    if token:
        cookies["access_token"] = token
    await context.add_cookies([{"name": k, "value": v, "url": url} for k, v in cookies.items()])
    return context
