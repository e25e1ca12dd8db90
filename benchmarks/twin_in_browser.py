"""What the live twin costs a browser, what a cut link loses, and what a first visit downloads.

Run `python -m benchmarks.twin_in_browser [--json] [--seconds 60] [--tags 300] [--rate 2]`. The application is
served as in production from a throw-away database; a stream changes every tag, all of them drawn on one twin
in Chromium. Frames are counted with requestAnimationFrame, main-thread time (of the processor, not of the
clock) by the browser's own metrics, and a stretch without any value tells what the machine alone does.
Bytes are those on the wire.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, CDPSession, Page

from benchmarks.browser_figures import lines_of
from benchmarks.browser_house import Link, Traffic, furnished_house
from benchmarks.browser_scripts import FRESH_SNAPSHOT, WATCH_PAGE, WATCH_SOCKET
from optria.core.roles import Role
from optria.web import sessions
from tests.web.browsers import launched
from tests.web.house import House

AWAY_S = 3.0
QUIET_S = 10
METRICS = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
COUNTED = "LayoutCount"

Figures = dict[str, Any]


async def measure(seconds: int, tags: int, rate_hz: float) -> Figures:
    async with furnished_house(tags) as (house, url), launched() as browser:
        parts = urlsplit(url)
        link = Link(str(parts.hostname), int(parts.port or 0))
        async with link.laid() as address:
            traffic = Traffic(house, rate_hz)
            running = asyncio.create_task(traffic.run())
            try:
                return {
                    "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0]},
                    "first_load": await _first_load(browser, house, address, traffic),
                    **await _live(browser, house, address, traffic, link, seconds),
                }
            finally:
                running.cancel()


async def _context(browser: Browser, house: House, address: str) -> BrowserContext:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    token = await house.token(house.user(Role.TENANT_ADMIN))
    await context.add_cookies(
        [
            {"name": sessions.COOKIE, "value": token, "url": address},
            {"name": "optria_theme", "value": "dark", "url": address},
        ]
    )
    await context.add_init_script(WATCH_SOCKET)
    return context


async def _first_load(browser: Browser, house: House, address: str, traffic: Traffic) -> Figures:
    """A visit with a cold cache: bytes on the wire by kind, requests, hosts, time to the first live value."""
    traffic.values = True
    async with house.client(Role.TENANT_ADMIN) as warming:  # the cold cache is the browser's
        await warming.get(f"/digital-twin/{house.own.site.code}", headers={"Accept": "text/html"})
    context = await _context(browser, house, address)
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    kinds: dict[str, tuple[str, str]] = {}
    weights: dict[str, float] = {}
    devtools.on(
        "Network.responseReceived",
        lambda e: kinds.update({e["requestId"]: (e["type"], e["response"]["url"])}),
    )
    devtools.on("Network.loadingFinished", lambda e: weights.update({e["requestId"]: e["encodedDataLength"]}))
    await devtools.send("Network.enable")
    await page.goto(f"{address}/digital-twin/{house.own.site.code}")
    await _until(page, "window.__firstValue !== undefined")
    first_ms = await page.evaluate("window.__firstValue")
    await page.wait_for_timeout(1500)
    await context.close()
    return _weighed(kinds, weights, address) | {"first_live_value_ms": round(first_ms)}


def _weighed(kinds: Mapping[str, tuple[str, str]], weights: Mapping[str, float], address: str) -> Figures:
    by_kind: dict[str, float] = {}
    for request, (kind, _url) in kinds.items():
        by_kind[kind] = by_kind.get(kind, 0.0) + weights.get(request, 0.0)
    total = sum(by_kind.values())
    foreign = [url for _, url in kinds.values() if not url.startswith((address, "data:"))]
    return {
        "requests": len(kinds),
        "kilobytes": round(total / 1000, 1),
        "kilobytes_without_fonts": round((total - by_kind.get("Font", 0.0)) / 1000, 1),
        "kilobytes_by_kind": {kind: round(size / 1000, 1) for kind, size in sorted(by_kind.items())},
        "from_elsewhere": foreign,
    }


async def _live(
    browser: Browser, house: House, address: str, traffic: Traffic, link: Link, seconds: int
) -> Figures:
    traffic.values = False
    context = await _context(browser, house, address)
    page = await context.new_page()
    await page.goto(f"{address}/digital-twin/{house.own.site.code}")
    await _until(page, "document.querySelector('[data-connection]').dataset.state === 'live'")
    sheet = await page.locator("link[rel=stylesheet]").get_attribute("href") or ""
    base = address + sheet.rpartition("/")[0]
    await page.evaluate(WATCH_PAGE, base)
    devtools = await context.new_cdp_session(page)
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    quiet = await _stretch(page, devtools, QUIET_S)
    traffic.values = True
    busy = await _stretch(page, devtools, seconds)
    cuts = await _cuts(page, traffic, link)
    traffic.values = False
    await page.wait_for_timeout(1500)
    same = await page.evaluate(FRESH_SNAPSHOT, [base, f"v:site:{house.own.site.id}"])
    return {"quiet": quiet, "values": busy, "cuts": cuts, "snapshot": same}


async def _stretch(page: Page, devtools: CDPSession, seconds: int) -> Figures:
    """Frames and main-thread time over a while."""
    await page.evaluate("window.__deltas.length = window.__updates.length = 0")
    before = await _metrics(devtools)
    await page.wait_for_timeout(seconds * 1000)
    after = await _metrics(devtools)
    deltas: list[float] = await page.evaluate("window.__deltas")
    updates: list[tuple[float, int]] = await page.evaluate("window.__updates")
    spent = {name: (after[name] - before[name]) * 1000 for name in METRICS}
    counted = {"layouts": round(after[COUNTED] - before[COUNTED]), "seconds": seconds}
    return _frames(deltas) | _updates([u for u in updates if u[1]], spent) | counted


def _frames(deltas: list[float]) -> Figures:
    usual = statistics.median(deltas)
    late = [delta for delta in deltas if delta > 1.5 * usual]
    return {
        "frames": len(deltas),
        "frame_ms": round(usual, 2),
        "dropped_frames": sum(round(delta / usual) - 1 for delta in late),
        "longest_frame_ms": round(max(deltas), 1),
    }


def _updates(updates: list[tuple[float, int]], spent: Mapping[str, float]) -> Figures:
    if not updates:
        return {"task_ms": round(spent["TaskDuration"])}
    took = sorted(ms for ms, _ in updates)
    return {
        "updates": len(updates),
        "tags_per_update": round(statistics.mean(count for _, count in updates), 1),
        "task_ms": round(spent["TaskDuration"]),
        "script_ms_per_update": round(spent["ScriptDuration"] / len(updates), 2),
        "style_ms_per_update": round(spent["RecalcStyleDuration"] / len(updates), 2),
        "layout_ms_per_update": round(spent["LayoutDuration"] / len(updates), 2),
        "task_ms_per_update": round(spent["TaskDuration"] / len(updates), 2),
        "writing_values_ms_p50": round(took[len(took) // 2], 2),
        "writing_values_ms_p95": round(took[int(len(took) * 0.95)], 2),
        "writing_values_ms_max": round(took[-1], 2),
    }


async def _until(page: Page, condition: str) -> None:
    """Waits up to a minute; the browser's own way to wait needs ``eval``, which our pages forbid."""
    async with asyncio.timeout(60):
        while not await page.evaluate(condition):
            await page.wait_for_timeout(20)


async def _metrics(devtools: CDPSession) -> dict[str, float]:
    found = await devtools.send("Performance.getMetrics")
    return {row["name"]: row["value"] for row in found["metrics"]}


async def _cuts(page: Page, traffic: Traffic, link: Link) -> Figures:
    """While values and events flow, every connection is cut twice, and then the link is away for a while."""
    traffic.events = True
    await page.wait_for_timeout(2000)
    first = len(await page.evaluate("window.__events"))
    back = [await _cut(page, link, away_s) for away_s in (0.0, 0.0, AWAY_S)]
    await page.wait_for_timeout(2000)
    traffic.events = False
    await page.wait_for_timeout(3000)
    heard: list[str] = await page.evaluate("window.__events")
    return {
        "socket_back_s": [socket for socket, _ in back[:2]],
        "values_back_s": [values for _, values in back[:2]],
        "away_s": AWAY_S,
        "back_after_away_s": back[2],
        "events_before_the_first": first,
        "events_sent": len(traffic.sent),
        "events_heard": len(set(heard)),
        "events_heard_twice": len(heard) - len(set(heard)),
        "events_missed": len(set(traffic.sent) - set(heard)),
        "in_order": heard == sorted(heard, key=traffic.sent.index),
    }


async def _cut(page: Page, link: Link, away_s: float) -> tuple[float, float]:
    """Seconds from the mending until the socket was open, and until a new value was on the screen."""
    link.cut()
    await page.wait_for_timeout(away_s * 1000)
    mended = await page.evaluate("Date.now()")
    link.mend()
    await _until(page, f"window.__openedAt > {mended} && window.__valueAt > window.__openedAt")
    opened, shown = await page.evaluate("[window.__openedAt, window.__valueAt]")
    await page.wait_for_timeout(4000)
    return round((opened - mended) / 1000, 2), round((shown - mended) / 1000, 2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--tags", type=int, default=300)
    parser.add_argument("--rate", type=float, default=2.0, help="changes of each tag a second")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures = asyncio.run(measure(asked.seconds, asked.tags, asked.rate))
    print(json.dumps(figures, indent=2) if asked.json else "\n".join(lines_of(figures)))
    cuts = figures["cuts"]
    sys.exit(bool(cuts["events_missed"] or figures["snapshot"]["differing"]))


if __name__ == "__main__":
    main()
