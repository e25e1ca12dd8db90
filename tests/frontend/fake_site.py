"""A throw-away site in the product's frame: its pages, its headers, a live socket driven by a script.

``python -m tests.frontend.fake_site PORT`` serves it for looking at.
"""

import asyncio
import json
import math
import random
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime

import uvicorn
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, JSONResponse

from optria.web.rendering import mount_static
from optria.web.security import SecurityHeaders
from optria.web.twin.twin_page import twin_html
from tests.frontend import plant_pages


def fake_site() -> FastAPI:
    app = FastAPI()
    app.add_middleware(SecurityHeaders)
    app.state.posted = []
    app.state.faults = []
    app.state.orders = True
    app.state.history_lost = False
    app.state.news = []
    app.state.analysed = asyncio.Event()
    mount_static(app)

    @app.get("/digital-twin", response_class=HTMLResponse)
    @app.get("/digital-twin/{code}", response_class=HTMLResponse)
    async def twin(
        request: Request, code: str = "PLANT-B", asset: str = "", at: datetime | None = None
    ) -> HTMLResponse:
        site = next(s for s in plant_pages.SITES if s.code == code)
        allowed = request.query_params.get("role") != "viewer"
        drawn = request.query_params.get("drawn") != "no"
        page = plant_pages.twin_page(site, asset, app.state.orders, allowed, drawn)
        page = replace(page, past=plant_pages.past_view(at)) if at else page
        return twin_html(request, page, plant_pages.shell(site, unread=3 + len(app.state.news)))

    @app.get("/api/assets/{asset}/trends")
    async def trends(asset: int) -> JSONResponse:
        if app.state.history_lost:
            return JSONResponse({"detail": "The history cannot be read."}, 503)
        return JSONResponse(plant_pages.trends("P-102B"))

    @app.post("/api/blackbox/assets/{asset}/run")
    async def run(asset: int) -> dict[str, object]:
        app.state.posted.append(("run", asset))
        await app.state.analysed.wait()
        return {
            "success": True,
            "incident_id": "i-1",
            "event_story": "Vibration rose on P-102B.",
            "root_cause_scores": {"Bearing Fault": 0.71, "Pump Cavitation": 0.17, "Other": 0.12},
            "recommended_actions": [{"action": "Schedule maintenance within 12 hours."}],
        }

    @app.post("/api/blackbox/incidents/{incident}/work-order")
    async def order(incident: str) -> dict[str, object]:
        app.state.posted.append(("order", incident))
        app.state.orders = True
        return {"success": True}

    @app.get("/api/demo/faults")
    async def faults() -> dict[str, object]:
        kinds = (("bearing-wear", ["P-102B"]), ("fouling", ["E-302"]))
        return {
            "kinds": [{"kind": kind, "assets": assets} for kind, assets in kinds],
            "active": app.state.faults,
        }

    @app.post("/api/demo/faults")
    async def start(request: Request) -> dict[str, object]:
        asked = await request.json()
        app.state.posted.append(("fault", asked))
        app.state.faults.append({"id": f"F{len(app.state.faults)}", **asked})
        return {"success": True}

    @app.delete("/api/demo/faults/{fault_id}")
    async def mend(fault_id: str) -> dict[str, object]:
        app.state.faults[:] = [fault for fault in app.state.faults if fault["id"] != fault_id]
        return {"success": True}

    @app.websocket("/ws")
    async def live(browser: WebSocket) -> None:
        await browser.accept()
        await talk(browser, app.state.news)

    return app


async def talk(browser: WebSocket, news: list[tuple[str, dict[str, object]]]) -> None:
    """Snapshots for what is asked, then wavering values and whatever is added to ``news``."""
    topics: list[str] = []
    sequence: dict[str, int] = {}
    number, told = 0, len(news)

    async def read() -> None:
        while True:
            asked = json.loads(await browser.receive_text())
            if asked["op"] == "sub":
                topics.append(asked["topic"])
                await send("snap", asked["topic"], values() if asked["topic"].startswith("v:") else {})

    async def send(op: str, topic: str, data: object) -> None:
        nonlocal number
        number += 1
        seq = sequence.get(topic, 0)
        message = {"op": op, "topic": topic, "seq": seq, "epoch": "a", "data": data}
        await browser.send_text(json.dumps([{"op": "n", "n": number}, message]))

    reading = asyncio.ensure_future(read())
    with suppress(WebSocketDisconnect, RuntimeError):
        while not reading.done():
            await asyncio.sleep(0.2)
            for topic in [t for t in topics if t.startswith("v:")]:
                await send("d", topic, values())
            while told < len(news):
                topic, event = news[told]
                told += 1
                sequence[topic] = sequence.get(topic, 0) + 1
                await send("d", topic, [event | {"seq": sequence[topic]}])
    reading.cancel()
    with suppress(asyncio.CancelledError, WebSocketDisconnect):
        await reading


def values() -> dict[str, list[object]]:
    now = int(time.time() * 1000)
    found: dict[str, list[object]] = {}
    for name, tag in plant_pages.tag_ids().items():
        if name == "T-201.LIT-2011":
            continue
        value = plant_pages.normal_value(name)
        value += abs(value) * 0.004 * math.sin(now / 3000 + tag) * random.random()
        quality = 2 if name == "E-302.FT-3031" else 1 if name == "V-102.PT-1020" else 0
        found[str(tag)] = [None if quality == 2 else round(value, 4), now - 300, quality]
    return found


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    """Serves ``app`` on a free port and yields its address."""
    started = asyncio.Event()
    server = _Server(
        uvicorn.Config(app, "127.0.0.1", port, log_level="warning", ws="websockets-sansio"), started
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        await started.wait()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True


async def main() -> None:
    async with serving(fake_site(), int(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
