"""How right the analyses were: ``/api/blackbox/quality``."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query

from optria.blackbox import calibrating, quality
from optria.core.roles import Permission
from optria.db.learning import CauseCalibration
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.scoreboard import score
from optria.web.deps import OpenTx, require
from optria.web.incidents.scoreboard_views import scoreboard_json
from optria.web.moments import EdgeOfSpan
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.texts import Text

router = api_router(tags=["incidents"])

Judging = Annotated[Viewer, require(Permission.VIEW_RCA)]
Kind = Annotated[Text | None, Query(max_length=100)]
Days = Annotated[int | None, Query(ge=1, le=3_650)]


@router.get("/api/blackbox/quality", summary="How right the analyses were")
async def get_quality(
    _viewer: Judging,
    tx: OpenTx,
    days: Days = None,
    start_date: EdgeOfSpan | None = None,
    end_date: EdgeOfSpan | None = None,
    asset_type: Kind = None,
) -> Json:
    """By cause and asset type, judged by the causes that people confirmed: first and final analysis, top-1
    and top-3 with 95 % intervals, Brier score, false incidents, fixes that did not hold, lead time;
    reliability in ten bins; what was said against what it was. All the time unless ``days`` or dates say
    otherwise.
    """
    since = clock.now() - timedelta(days=days) if days else start_date
    found = score(await quality.verdicts(tx, since, end_date, asset_type))
    return {
        "start_date": since,
        "end_date": end_date,
        "asset_type": asset_type,
        **scoreboard_json(found, await calibration_of(tx)),
    }


async def calibration_of(tx: Tx) -> CauseCalibration | None:
    """What the probabilities of the tenant that is looked at are corrected by; of several tenants nothing."""
    return await calibrating.current(tx, tx.tenant_id) if tx.tenant_id is not None else None
