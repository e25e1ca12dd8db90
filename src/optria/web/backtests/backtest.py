"""``/api/config/backtests``: what a draft of the configuration would have made of stored history."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from optria.backtest.stored_jobs import BackTests
from optria.core.roles import Permission
from optria.web.backtests.backtest_bodies import BackTestBody
from optria.web.backtests.backtest_drafts import asked_of
from optria.web.backtests.backtest_views import codes_of, job_json, outcome_json
from optria.web.deps import Given, OpenTx, TenantChoice, require, tenant_of
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(prefix="/api/config/backtests", tags=["configuration"])

Trying = Annotated[Viewer, require(Permission.RUN_RCA)]
"""A result holds analyses of the whole plant: who may run them may run these."""


async def _back_tests(request: Request) -> BackTests:
    found: BackTests = request.app.state.back_tests
    return found


Kept = Annotated[BackTests, Depends(_back_tests)]


@router.post("", summary="Start a back-test", status_code=202, responses={429: {}})
async def start_back_test(viewer: Trying, kept: Kept, tx: OpenTx, body: BackTestBody) -> Json:
    """Runs stored history through the stream and the analyses, as configured now and with the draft.

    Nothing is stored and nothing is sent. One at a time per tenant (409); 429 while too many wait.
    """
    asked, changes = await asked_of(tx, body)
    return job_json(kept.start(asked, changes, viewer.user_id))


@router.get("", summary="List back-tests")
async def list_back_tests(viewer: Trying, kept: Kept, tenant: TenantChoice = None) -> Json:
    """The latest first, without their results."""
    jobs = kept.of(tenant_of(viewer, tenant))
    return {"items": [job_json(job) for job in jobs], "total": len(jobs)}


@router.get("/{back_test_id}", summary="Read a back-test")
async def get_back_test(
    viewer: Trying, kept: Kept, services: Given, back_test_id: UUID, tenant: TenantChoice = None
) -> Json:
    """Its state, progress and, once it is done, its ``result``. Kept for an hour; a restart forgets it."""
    job = kept.find(tenant_of(viewer, tenant), back_test_id)
    codes = codes_of(services.plants(job.asked.tenant_id))
    return job_json(job) | {"result": outcome_json(job.outcome, codes) if job.outcome else None}


@router.delete("/{back_test_id}", summary="Cancel a back-test", status_code=204)
async def cancel_back_test(
    viewer: Trying, kept: Kept, back_test_id: UUID, tenant: TenantChoice = None
) -> None:
    """One that is over is forgotten at once."""
    kept.cancel(kept.find(tenant_of(viewer, tenant), back_test_id))
