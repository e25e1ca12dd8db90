"""A plant as a PI Web API: points, streams, stream sets, channels and batch, in the JSON of the real one.

Shapes after the PI Web API reference (AVEVA, 2023). Mount the application at ``/piwebapi``.
"""

import asyncio
import base64
import math
import re
import secrets
from collections import deque
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Depends, FastAPI, Query, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from optria.core.catalogue import TagEntry
from optria.core.tag import from_micros
from optria.kit import clock
from optria.simulator.source import BAD, UNCERTAIN, PlantFrame, PlantSource

Json = dict[str, object]

SERVER = "OPTRIA-PI"
MOST_RECORDED = 150_000
FRAMES_HELD = 100
BAD_INPUT: Json = {"Name": "Bad Input", "Value": 255, "IsSystem": True}
RELATIVE = re.compile(r"^\*(?:-(\d+(?:\.\d+)?)([smhd]))?$")
UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def web_id(name: str) -> str:
    """The WebId of a point; like the real ones URL-safe and not for reading."""
    return "F1DP" + base64.urlsafe_b64encode(f"{SERVER}\\{name}".encode()).decode().rstrip("=")


def pi_time(micros: int) -> str:
    """PI writes seven decimals."""
    return from_micros(micros).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def read_time(text: str) -> datetime:
    """``*``, ``*-20m`` or an ISO time."""
    relative = RELATIVE.match(text.strip())
    if relative:
        amount, unit = relative.groups()
        return clock.now() - timedelta(seconds=float(amount or 0) * UNIT_S[unit or "s"])
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(400, f"The time '{text}' is not recognised.") from None
    return time if time.tzinfo else time.replace(tzinfo=clock.now().tzinfo)


def timed_value(tag: TagEntry, micros: int, value: float, quality: int) -> Json:
    """One value with its flags; what is no measurement is the digital state Bad Input."""
    bad = bool(quality == BAD or not math.isfinite(value))
    return {
        "Timestamp": pi_time(int(micros)),
        "UnitsAbbreviation": tag.unit,
        "Good": not bad,
        "Questionable": bool(quality == UNCERTAIN),
        "Substituted": False,
        "Annotated": False,
        "Value": BAD_INPUT if bad else float(value),
    }


class Refused(Exception):
    """Answered with ``status`` and PI's ``Errors``."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status

    def response(self) -> JSONResponse:
        headers = {"WWW-Authenticate": 'Basic realm="PI Web API"'} if self.status == 401 else None
        return JSONResponse({"Errors": [str(self)]}, self.status, headers)


class _Archive:
    """What the routes ask of the plant, by WebId."""

    def __init__(self, plant: PlantSource, names: frozenset[str] | None) -> None:
        self._plant = plant
        self.tags = [tag for tag in plant.catalogue.tags if names is None or tag.name in names]
        self._by_web_id = {web_id(tag.name): tag for tag in self.tags}
        self.by_name = {tag.name.lower(): tag for tag in self.tags}

    def tag(self, webid: str) -> TagEntry:
        tag = self._by_web_id.get(webid)
        if tag is None:
            raise Refused(404, f"The WebId '{webid}' is unknown.")
        return tag

    def latest(self, tags: list[TagEntry]) -> dict[str, Json]:
        frame = self._plant.latest([tag.name for tag in tags])
        return self.values(frame, {tag.name: tag for tag in tags})

    def values(self, frame: PlantFrame, tags: dict[str, TagEntry]) -> dict[str, Json]:
        rows = zip(frame.tags, frame.source_time, frame.value, frame.quality, strict=True)
        return {name: timed_value(tags[name], t, v, q) for name, t, v, q in rows if name in tags}

    def recorded(self, tag: TagEntry, start: str, end: str, most: int) -> list[Json]:
        first, last = read_time(start), read_time(end)
        series = self._plant.history(tag.name, min(first, last), max(first, last), min(most, MOST_RECORDED))
        return [timed_value(tag, *row) for row in zip(*series, strict=True)]


def pi_app(
    plant: PlantSource,
    user: str,
    password: str,
    *,
    names: frozenset[str] | None = None,
    channels: bool = True,
) -> FastAPI:
    """The application. ``names`` limits the points; without ``channels`` WebSockets are refused (403)."""
    archive = _Archive(plant, names)
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def sign_in(request: Request) -> None:
        if not secrets.compare_digest(request.headers.get("authorization", ""), expected):
            raise Refused(401, "Authorization has been denied for this request.")

    app = FastAPI(title="Simulated PI Web API", openapi_url=None, docs_url=None, redoc_url=None)
    guarded = [Depends(sign_in)]
    app.include_router(_server_routes(), dependencies=guarded)
    app.include_router(_point_routes(archive), dependencies=guarded)
    app.include_router(_stream_routes(archive), dependencies=guarded)
    app.include_router(_batch_route(app), dependencies=guarded)
    if channels:
        _add_channel(app, plant, archive, expected)

    @app.exception_handler(Refused)
    async def errors(_request: Request, refused: Refused) -> JSONResponse:
        return refused.response()

    return app


def _links(request: Request, path: str) -> Json:
    here = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
    return {"Self": f"{here}/{path}"}


def _server_routes() -> APIRouter:
    app = APIRouter()

    @app.get("/system")
    async def system(request: Request) -> Json:
        return {
            "ProductTitle": "OPTRIA simulated plant (PI Web API)",
            "ProductVersion": "1.0",
            "Links": _links(request, "system"),
        }

    @app.get("/dataservers")
    async def servers(request: Request) -> Json:
        server = {
            "WebId": web_id(""),
            "Id": "00000000-0000-0000-0000-000000000001",
            "Name": SERVER,
            "Path": f"\\\\PIServers[{SERVER}]",
            "IsConnected": True,
            "ServerVersion": "1.0",
            "ServerTime": clock.now().isoformat(),
            "Links": _links(request, f"dataservers/{web_id('')}"),
        }
        return {"Links": {}, "Items": [server]}

    return app


def _point(request: Request, tag: TagEntry, number: int) -> Json:
    webid = web_id(tag.name)
    return {
        "WebId": webid,
        "Id": number,
        "Name": tag.name,
        "Path": f"\\\\{SERVER}\\{tag.name}",
        "Descriptor": tag.description,
        "PointClass": "classic",
        "PointType": "Float64",
        "DigitalSetName": "",
        "EngineeringUnits": tag.unit,
        "Span": tag.high - tag.low,
        "Zero": tag.low,
        "Step": False,
        "Future": False,
        "DisplayDigits": tag.decimals,
        "Links": _links(request, f"points/{webid}"),
    }


def _point_routes(archive: _Archive) -> APIRouter:
    app = APIRouter()

    def point(request: Request, tag: TagEntry) -> Json:
        return _point(request, tag, archive.tags.index(tag) + 1)

    @app.get("/dataservers/{webid}/points")
    async def points(
        request: Request,
        webid: str,
        name_filter: Annotated[str, Query(alias="nameFilter")] = "*",
        start: Annotated[int, Query(alias="startIndex", ge=0)] = 0,
        most: Annotated[int, Query(alias="maxCount", ge=1)] = 1000,
    ) -> Json:
        if webid != web_id(""):
            raise Refused(404, f"The WebId '{webid}' is unknown.")
        found = [tag for tag in archive.tags if fnmatchcase(tag.name.lower(), name_filter.lower())]
        return {"Links": {}, "Items": [point(request, tag) for tag in found[start : start + most]]}

    @app.get("/points")
    async def point_by_path(request: Request, path: str) -> Json:
        server, _, name = path.removeprefix("\\\\").partition("\\")
        tag = archive.by_name.get(name.lower()) if server.upper() == SERVER else None
        if tag is None:
            raise Refused(404, f"PI Point not found '{path}'.")
        return point(request, tag)

    @app.get("/points/{webid}")
    async def point_by_web_id(request: Request, webid: str) -> Json:
        return point(request, archive.tag(webid))

    return app


def _stream_head(tag: TagEntry) -> Json:
    return {"WebId": web_id(tag.name), "Name": tag.name, "Path": f"\\\\{SERVER}\\{tag.name}", "Links": {}}


def _stream_routes(archive: _Archive) -> APIRouter:
    app = APIRouter()
    no_data: Json = {"Errors": ["No data."]}

    @app.get("/streams/{webid}/value")
    async def value(webid: str) -> Json:
        tag = archive.tag(webid)
        return archive.latest([tag]).get(tag.name, no_data)

    @app.get("/streams/{webid}/recorded")
    async def recorded(
        webid: str,
        start: Annotated[str, Query(alias="startTime")] = "*-1d",
        end: Annotated[str, Query(alias="endTime")] = "*",
        most: Annotated[int, Query(alias="maxCount", ge=1)] = 1000,
    ) -> Json:
        tag = archive.tag(webid)
        return {
            "Links": {},
            "Items": archive.recorded(tag, start, end, most),
            "UnitsAbbreviation": tag.unit,
        }

    @app.get("/streamsets/value")
    async def values(webids: Annotated[list[str], Query(alias="webId")]) -> Json:
        tags = [archive.tag(webid) for webid in webids]
        latest = archive.latest(tags)
        return {
            "Links": {},
            "Items": [{**_stream_head(t), "Value": latest[t.name]} for t in tags if t.name in latest],
        }

    @app.get("/streamsets/recorded")
    async def recorded_set(
        webids: Annotated[list[str], Query(alias="webId")],
        start: Annotated[str, Query(alias="startTime")] = "*-1d",
        end: Annotated[str, Query(alias="endTime")] = "*",
        most: Annotated[int, Query(alias="maxCount", ge=1)] = 1000,
    ) -> Json:
        tags = [archive.tag(webid) for webid in webids]
        items = [
            {
                **_stream_head(tag),
                "Items": archive.recorded(tag, start, end, most),
                "UnitsAbbreviation": tag.unit,
            }
            for tag in tags
        ]
        return {"Links": {}, "Items": items}

    return app


def _batch_route(app: FastAPI) -> APIRouter:
    router = APIRouter()

    @router.post("/batch", status_code=207)
    async def batch(request: Request) -> Json:
        """Sub-requests by key; only reading ones, as the simulated archive is not written to."""
        asked = await request.json()
        if not isinstance(asked, dict):
            raise Refused(400, "A batch is an object of requests by name.")
        headers = {"Authorization": request.headers["authorization"]}
        transport = httpx.ASGITransport(app, root_path=request.scope.get("root_path", ""))
        origin = f"{request.url.scheme}://{request.url.netloc}"
        async with httpx.AsyncClient(transport=transport, base_url=origin, headers=headers) as inner:
            return {name: await _run_one(inner, one) for name, one in asked.items()}

    return router


async def _run_one(inner: httpx.AsyncClient, one: object) -> Json:
    if not isinstance(one, dict) or one.get("Method") != "GET":
        return {"Status": 405, "Headers": {}, "Content": {"Errors": ["Only GET is possible."]}}
    parts = urlsplit(str(one.get("Resource", "")))
    answer = await inner.get(f"{parts.path}?{parts.query}")
    headers: Json = {"Content-Type": answer.headers.get("content-type", "")}
    return {"Status": answer.status_code, "Headers": headers, "Content": answer.json()}


def _add_channel(app: FastAPI, plant: PlantSource, archive: _Archive, expected: str) -> None:
    @app.websocket("/streamsets/channel")
    async def channel(
        socket: WebSocket,
        webids: Annotated[list[str], Query(alias="webId")],
        initial: Annotated[bool, Query(alias="includeInitialValues")] = False,
        heartbeat: Annotated[float, Query(alias="heartbeatRate", ge=0)] = 0,
    ) -> None:
        try:
            if not secrets.compare_digest(socket.headers.get("authorization", ""), expected):
                raise Refused(401, "Authorization has been denied for this request.")
            tags = {tag.name: tag for tag in map(archive.tag, webids)}
        except Refused as refused:
            await socket.send_denial_response(refused.response())
            return
        await socket.accept()
        frames: deque[PlantFrame] = deque(maxlen=FRAMES_HELD)
        arrived = asyncio.Event()

        def take(frame: PlantFrame) -> None:
            frames.append(frame)
            arrived.set()

        stop = plant.subscribe(take)
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(_listen(socket))
                if initial:
                    await socket.send_json(_channel_message(archive, plant.latest(list(tags)), tags))
                while not listening.done():
                    await _wait(arrived, heartbeat)
                    messages = [_channel_message(archive, frames.popleft(), tags) for _ in range(len(frames))]
                    for message in messages or ([{"Links": {}, "Items": []}] if heartbeat else []):
                        await socket.send_json(message)
        except* (WebSocketDisconnect, RuntimeError):  # Starlette raises RuntimeError when it is gone
            pass
        finally:
            stop()


async def _listen(socket: WebSocket) -> None:
    """A handler that only sends never learns that its client left."""
    while True:
        await socket.receive_text()


async def _wait(arrived: asyncio.Event, heartbeat_s: float) -> None:
    try:
        async with asyncio.timeout(heartbeat_s or None):
            await arrived.wait()
    except TimeoutError:
        return
    arrived.clear()


def _channel_message(archive: _Archive, frame: PlantFrame, tags: dict[str, TagEntry]) -> Json:
    """Every row of the frame, also when a name comes twice."""
    items: dict[str, Json] = {}
    rows = zip(frame.tags, frame.source_time, frame.value, frame.quality, strict=True)
    for name, time, value, quality in rows:
        if name in tags:
            item = items.setdefault(name, {**_stream_head(tags[name]), "Items": []})
            listed = item["Items"]
            assert isinstance(listed, list)
            listed.append(timed_value(tags[name], time, value, quality))
    return {"Links": {}, "Items": list(items.values())}
