"""How right the analyses were: ``/api/blackbox/quality`` and the page ``/quality``."""

from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import Response

from optria.blackbox import calibrating, quality
from optria.core.arabic import TYPE_AR
from optria.core.roles import Permission
from optria.db.learning import CauseCalibration
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.scoreboard import score
from optria.web.config.rules_section import suffix_of, tabs_for
from optria.web.deps import OpenTx, require
from optria.web.frame import shell_for
from optria.web.incidents.scoreboard_views import reliability_curve, scoreboard_json
from optria.web.moments import EdgeOfSpan
from optria.web.page_words import causes_in
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.texts import Text

router = api_router(tags=["incidents"])

Judging = Annotated[Viewer, require(Permission.VIEW_RCA)]
Kind = Annotated[Text | None, Query(max_length=100)]
Days = Annotated[int | None, Query(ge=1, le=3_650)]
PERIODS: Final = (30, 90, 365)
CONFUSIONS_SHOWN: Final = 12


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
        **scoreboard_json(found, await _calibration(tx)),
    }


async def _calibration(tx: Tx) -> CauseCalibration | None:
    return await calibrating.current(tx, tx.tenant_id) if tx.tenant_id is not None else None


@router.get("/quality", include_in_schema=False)
async def quality_page(
    request: Request, viewer: Judging, tx: OpenTx, days: Days = None, asset_type: Kind = None
) -> Response:
    since: datetime | None = clock.now() - timedelta(days=days) if days else None
    board = score(await quality.verdicts(tx, since, None, asset_type or None))
    confusion = sorted(board.confusion.items(), key=lambda item: (-item[1], item[0]))
    return render_page(
        request,
        "scoreboard.html",
        await shell_for(tx, viewer, "rules"),
        tabs=tabs_for(viewer),
        tab="quality",
        suffix=suffix_of(tx, viewer),
        board=board,
        curve=reliability_curve(board.reliability),
        confusion=confusion[:CONFUSIONS_SHOWN],
        calibration=await _calibration(tx),
        kinds=await quality.asset_types(tx),
        kind_word=lambda kind: TYPE_AR.get(kind, kind) if viewer.language == "ar" else kind,
        periods=PERIODS,
        address=_address,
        asked={"days": days, "asset_type": asset_type or ""},
        cause_word=causes_in(viewer.language),
    )


def _address(days: int | None, asset_type: str) -> str:
    """The page of a period and an asset type; all of them where none is given."""
    asked = {"days": days, "asset_type": asset_type}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/quality?{query}" if query else "/quality"
