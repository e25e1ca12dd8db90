"""The page ``/quality``: how right the analyses were."""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from optria.blackbox import quality
from optria.core.arabic import TYPE_AR
from optria.kit import clock
from optria.rca.scoreboard import score
from optria.web.deps import OpenTx
from optria.web.frame import shell_for
from optria.web.incidents.scoreboard import Days, Judging, Kind, calibration_of
from optria.web.incidents.scoreboard_views import reliability_curve
from optria.web.page_words import causes_in
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.rule_pages.rules_section import suffix_of, tabs_for

router = api_router(include_in_schema=False)

PERIODS: Final = (30, 90, 365)
CONFUSIONS_SHOWN: Final = 12


@router.get("/quality")
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
        calibration=await calibration_of(tx),
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
