"""Faults of the simulated plant, injected from the screens; only where the demo runs."""

import json
from typing import Annotated, Final
from urllib.parse import quote

import httpx
from pydantic import ConfigDict, Field

from optria.core.errors import Conflict, Invalid, NotFound, SimulatorError
from optria.core.roles import Permission
from optria.web import bodies
from optria.web.deps import Given, require
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer

router = api_router(prefix="/api/demo", tags=["demo"])

Seeing = Annotated[Viewer, require(Permission.VIEW_RCA)]
Running = Annotated[Viewer, require(Permission.RUN_RCA)]
TIMEOUT_S: Final = 5.0


class FaultAsked(bodies.Body):
    """``kind`` is a word like ``bearing-wear``, ``asset`` a code like ``P-102B``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "bearing-wear", "asset": "P-102B", "severity": 0.8, "ramp_s": 60}]
        }
    )

    kind: bodies.Text50
    asset: bodies.Text100
    severity: Annotated[float, Field(gt=0, le=1)] = 0.8
    ramp_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    duration_s: Annotated[float, Field(gt=0, le=604_800)] | None = None


@router.get("/faults", summary="List simulated faults", responses={404: {}})
async def list_faults(_viewer: Seeing, services: Given) -> object:
    return await _ask(services, "GET", "/plant/faults")


@router.post("/faults", summary="Inject a simulated fault")
async def inject_fault(_viewer: Running, services: Given, asked: FaultAsked) -> object:
    return await _ask(services, "POST", "/plant/faults", asked.model_dump())


@router.delete("/faults/{fault_id}", summary="Mend a simulated fault")
async def clear_fault(_viewer: Running, services: Given, fault_id: str) -> object:
    return await _ask(services, "DELETE", f"/plant/faults/{quote(fault_id[:100], safe='')}")


async def _ask(services: Services, method: str, path: str, body: object = None) -> object:
    """What the simulated plant's control answers.

    Raises:
        NotFound: this installation is no demo.
        SimulatorError: the simulated plant does not answer.
    """
    url = services.demo_control_url or services.settings.simulator_url
    if not services.settings.demo or url is None:
        raise NotFound("Faults can be injected only where the demo runs: start it with `optria demo`.")
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.request(method, url.rstrip("/") + path, json=body)
            content = answer.json() if answer.content else {"success": True}
    except (httpx.HTTPError, json.JSONDecodeError) as error:
        raise SimulatorError("The simulated plant does not answer. Is `optria simulate` running?") from error
    if answer.is_error:
        _refuse(answer.status_code, content)
    return content


def _refuse(status: int, content: object) -> None:
    sentence = str(content.get("detail") or content.get("error")) if isinstance(content, dict) else ""
    kinds = {404: NotFound, 409: Conflict, 400: Invalid, 422: Invalid}
    raise kinds.get(status, SimulatorError)(sentence or f"The simulated plant refused (HTTP {status}).")
