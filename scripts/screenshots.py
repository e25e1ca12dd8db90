"""Pictures of every page of the running demo while a pump's bearing fails: ``make screenshots``.

Starts a demo of its own in a throw-away folder (or looks at ``--address``), injects the fault, waits for the
incident and its order, and writes each page x dark, light x English, Arabic at 1440x900, and the twin, the
incident and the orders at 390x844. Beside each picture it prints what axe-core, the console and the Tab key
find; the exit code is 1 when they find anything. ``--readme`` also writes the picture of the README.
"""

import argparse
import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.async_api import Browser, Page

from tests.web.browsers import launched
from tests.web.screens import dressed, filled, look, page_paths

ROOT: Final = Path(__file__).parents[1]
ADMIN: Final = ("demo@aramco.com", "Demo2024!")
OWNER: Final = ("admin@optria.io", "OptriA2024!")
FAULT: Final = {"kind": "bearing-wear", "asset": "P-102B", "severity": 0.8, "ramp_s": 60}
SITE: Final = "PLANT-B"
WIDE: Final = (1440, 900)
PHONE: Final = (390, 844)
ON_A_PHONE: Final = (
    "/digital-twin/{site_code}",
    "/blackbox/incidents/{incident_id}",
    "/work-orders/{work_order_id}",
    "/work-orders",
)
START_WITHIN_S: Final = 180
ORDER_WITHIN_S: Final = 180
SETTLE_MS: Final = 1500
"""After a page has loaded: a snapshot of values and two ticks of them."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: a page (declared and real address) in a theme, a language and a size."""

    path: str
    address: str
    theme: str
    language: str
    size: tuple[int, int]

    @property
    def name(self) -> str:
        page = self.path.strip("/").replace("/", "_").replace("{", "").replace("}", "") or "home"
        return f"{page}-{self.theme}-{self.language}-{self.size[0]}.png"


def shots(values: Mapping[str, object]) -> Iterator[Shot]:
    """Every picture that is taken, the wide ones first."""
    pages = list(filled(page_paths(), values))
    for (path, address), theme, language in product(pages, ("dark", "light"), ("en", "ar")):
        yield Shot(path, address, theme, language, WIDE)
    for (path, address), theme, language in product(pages, ("dark", "light"), ("en", "ar")):
        if path in ON_A_PHONE:
            yield Shot(path, address, theme, language, PHONE)


@asynccontextmanager
async def demo() -> AsyncIterator[str]:
    """A demo of its own, stopped at the end; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="optria-screens-", ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "optria", "demo", "--port", str(port), "--no-browser",
            env=os.environ | {"OPTRIA_HOME": home}, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def answering(url: str) -> None:
    async with asyncio.timeout(START_WITHIN_S), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(url + "/health")).is_success:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.5)


class Person:
    """Somebody signed in over HTTP, whose session the browser takes over."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    @property
    def token(self) -> str:
        return str(self.client.cookies["access_token"])

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        answer.raise_for_status()
        return answer.json()


@asynccontextmanager
async def signed_in(url: str, account: tuple[str, str]) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        answer = await client.post("/api/auth/login", json={"email": account[0], "password": account[1]})
        answer.raise_for_status()
        yield Person(client)


async def failing(person: Person) -> Mapping[str, object]:
    """Break the pump, wait until its incident has an order, and say what fills the addresses of the pages."""
    assets = await person.get("/api/assets/")
    asset = next(one for one in _items(assets) if one["code"] == FAULT["asset"])
    incident = await _incident(person, asset["id"])
    if incident is None:
        (await person.client.post("/api/demo/faults", json=FAULT)).raise_for_status()
    async with asyncio.timeout(ORDER_WITHIN_S):
        while incident is None:
            await asyncio.sleep(1)
            incident = await _incident(person, asset["id"])
    connections = _items(await person.get("/api/integrations/"))
    rules = _items(await person.get("/api/config/rules"))
    return {
        "site_code": SITE,
        "asset_id": asset["id"],
        "incident_id": incident["id"],
        "work_order_id": incident["auto_work_order_id"],
        "integration_id": connections[0]["id"],
        "rule_id": rules[0]["id"],
    }


async def _incident(person: Person, asset_id: int) -> dict[str, Any] | None:
    found = _items(await person.get(f"/api/blackbox/incidents?root_asset_id={asset_id}"))
    mine = (one for one in found if one["root_asset_id"] == asset_id and one["auto_work_order_id"])
    return next(mine, None)


def _items(answer: Any) -> list[dict[str, Any]]:
    """The rows of a list, whichever key holds them."""
    if isinstance(answer, list):
        return answer
    return next(value for value in answer.values() if isinstance(value, list))


async def taken(
    browser: Browser, url: str, token: str, shot: Shot, folder: Path, *, check: bool
) -> list[str] | None:
    """Write the picture and say what is wrong with the page; None: this person may not open it."""
    context = await dressed(
        browser, url, token if shot.path != "/login" else None, shot.theme, shot.language, *shot.size
    )
    page = await context.new_page()
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: console.append(str(error)))
    answer = await page.goto(url + shot.address)
    if answer is not None and answer.status == 403:
        await context.close()
        return None
    await _settled(page)
    await page.screenshot(path=folder / shot.name)
    faults = (await look(page, console, keyboard=shot.theme == "dark")).faults if check else []
    await context.close()
    return faults


async def _settled(page: Page) -> None:
    await page.wait_for_load_state("load")
    await page.evaluate("document.fonts.ready.then(() => true)")
    await page.wait_for_timeout(SETTLE_MS)


async def run(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.folder)
    if arguments.address:
        return await _all(arguments.address.rstrip("/"), folder, arguments)
    async with demo() as url:
        print(f"starting a demo at {url}", flush=True)
        await answering(url)
        return await _all(url, folder, arguments)


async def _all(url: str, folder: Path, arguments: argparse.Namespace) -> int:
    wrong = 0
    async with signed_in(url, ADMIN) as admin, signed_in(url, OWNER) as owner:
        values = await failing(admin)
        await asyncio.sleep(arguments.after)
        async with launched() as browser:
            for shot in shots(values):
                if arguments.only and arguments.only not in shot.name:
                    continue
                faults = await taken(browser, url, admin.token, shot, folder, check=not arguments.no_check)
                if faults is None:
                    faults = await taken(
                        browser, url, owner.token, shot, folder, check=not arguments.no_check
                    )
                wrong += len(faults or [])
                print(f"{shot.name:60} {'ok' if not faults else '; '.join(faults)[:600]}", flush=True)
            if arguments.readme:
                shot = Shot("", f"/digital-twin/{SITE}?asset={FAULT['asset']}", "dark", "en", WIDE)
                await taken(browser, url, admin.token, shot, folder, check=False)
                (folder / shot.name).rename(ROOT / "docs/images/twin.png")
    print(f"{wrong} findings" if wrong else "nothing found by axe-core, the console and the Tab key")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--address", help="look at this running demo instead of starting one")
    parser.add_argument(
        "--folder", default="screenshots", help="where the pictures go (default: screenshots)"
    )
    parser.add_argument("--only", default="", help="only pictures whose name holds this")
    parser.add_argument(
        "--after", type=float, default=60.0, help="seconds between the order and the first picture"
    )
    parser.add_argument("--no-check", action="store_true", help="pictures only")
    parser.add_argument("--readme", action="store_true", help="also write docs/images/twin.png")
    arguments = parser.parse_args()
    Path(arguments.folder).mkdir(parents=True, exist_ok=True)
    return asyncio.run(run(arguments))


if __name__ == "__main__":
    sys.exit(main())
