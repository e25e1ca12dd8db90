"""HTTP control of a plant: its state, its catalogue, its faults."""

import math
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint

from optria.core.catalogue import FaultLabel, PlantCatalogue
from optria.core.errors import SimulatorError
from optria.core.tag import from_micros
from optria.simulator.fault_kinds import FAULT_KINDS, UnknownFault
from optria.simulator.faults import fitting_assets
from optria.simulator.replay import ReplayedPlant, ReplayState
from optria.simulator.source import PlantSource

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
QUALITY_NAMES = ("good", "uncertain", "bad")


class FaultBody(BaseModel):
    """What to break; see `FaultAsk`."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    asset: str
    severity: float = 0.7
    ramp_s: float = 60.0
    duration_s: float | None = None


class FaultOut(BaseModel):
    """A fault's label."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: str
    cause: str
    asset: str
    tags: list[str]
    severity: float
    started_at: datetime
    ramp_s: float
    ended_at: datetime | None


class KindOut(BaseModel):
    """A kind of fault and the assets it fits."""

    kind: str
    cause: str
    description: str
    assets: list[str]


class FaultsOut(BaseModel):
    """Kinds that fit this plant, the faults acting, and the labels of all so far."""

    kinds: list[KindOut]
    active: list[FaultOut]
    labels: list[FaultOut]


class ReadingOut(BaseModel):
    """The latest sample of one tag; `value` is null when it is not a number."""

    tag: str
    value: float | None
    quality: str
    unit: str
    source_time: datetime


class StateOut(BaseModel):
    """The plant now."""

    time: datetime
    active_faults: int
    readings: list[ReadingOut]


def control_app(plant: PlantSource) -> FastAPI:
    """The control API of one plant; a replay also has `/plant/replay`. Errors are `{"detail": sentence}`.

    There is no log-in, so requests that change something are refused when a page of another origin sends
    them.
    """
    app = FastAPI(title="OPTRIA simulated plant", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(BaseHTTPMiddleware, dispatch=refuse_other_origins)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(SimulatorError, _impossible)

    @app.get("/plant/state")
    async def state() -> StateOut:
        return _state(plant)

    @app.get("/plant/catalogue")
    async def catalogue() -> PlantCatalogue:
        return plant.catalogue

    @app.get("/plant/faults")
    async def faults() -> FaultsOut:
        labels = [FaultOut.model_validate(label) for label in plant.faults()]
        active = [label for label in labels if label.ended_at is None]
        return FaultsOut(kinds=_kinds(plant.catalogue), active=active, labels=labels)

    @app.post("/plant/faults", status_code=201)
    async def inject(body: FaultBody) -> FaultOut:
        label = plant.inject(body.kind, body.asset, body.severity, body.ramp_s, body.duration_s)
        return FaultOut.model_validate(label)

    @app.delete("/plant/faults/{fault_id}")
    async def clear(fault_id: str) -> FaultOut:
        plant.clear(fault_id)
        return FaultOut.model_validate(_label(plant, fault_id))

    if isinstance(plant, ReplayedPlant):
        app.get("/plant/replay", response_model=ReplayState)(plant.state)
    return app


async def refuse_other_origins(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """403 for an unsafe request whose Origin is not this machine."""
    origin = request.headers.get("origin")
    if request.method in SAFE_METHODS or origin is None or _is_loopback(origin):
        return await call_next(request)
    return JSONResponse({"detail": f"Pages of {origin} may not change this plant."}, status_code=403)


def _is_loopback(origin: str) -> bool:
    try:
        return urlsplit(origin).hostname in LOOPBACK
    except ValueError:
        return False


async def _malformed(request: Request, error: Exception) -> Response:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    parts = [f"{'.'.join(str(p) for p in d['loc'][1:]) or 'body'}: {d['msg']}" for d in details]
    return JSONResponse({"detail": f"The request is malformed: {'; '.join(parts)}."}, status_code=422)


async def _impossible(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, status_code=404 if isinstance(error, UnknownFault) else 422)


def _label(plant: PlantSource, fault_id: str) -> FaultLabel:
    return next(label for label in plant.faults() if label.id == fault_id)


def _kinds(catalogue: PlantCatalogue) -> list[KindOut]:
    kinds = [
        KindOut(
            kind=kind.kind,
            cause=kind.cause,
            description=kind.description,
            assets=fitting_assets(kind, catalogue),
        )
        for kind in FAULT_KINDS.values()
    ]
    return [kind for kind in kinds if kind.assets]


def _state(plant: PlantSource) -> StateOut:
    unit = {tag.name: tag.unit for tag in plant.catalogue.tags}
    frame = plant.latest(list(unit))
    readings = [
        ReadingOut(
            tag=name,
            value=float(value) if math.isfinite(value) else None,
            quality=QUALITY_NAMES[quality],
            unit=unit[name],
            source_time=from_micros(int(time_us)),
        )
        for name, value, quality, time_us in zip(
            frame.tags, frame.value, frame.quality, frame.source_time, strict=True
        )
    ]
    active = sum(label.ended_at is None for label in plant.faults())
    return StateOut(time=frame.time, active_faults=active, readings=readings)
