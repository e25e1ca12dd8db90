"""The finished cases that the scoreboard is made of, read from the database."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from optria.db.learning import CauseConfirmation
from optria.db.session import Tx
from optria.rca.scoreboard import Verdict

MOST_CASES = 5_000
"""The latest of a period that are judged."""


async def verdicts(
    tx: Tx, since: datetime | None = None, until: datetime | None = None, asset_type: str | None = None
) -> list[Verdict]:
    """Cases confirmed in [since, until) and not withdrawn, the latest first; the transaction says whose."""
    row = CauseConfirmation
    query = select(row).where(~row.is_withdrawn)
    if since is not None:
        query = query.where(row.confirmed_at >= since)
    if until is not None:
        query = query.where(row.confirmed_at < until)
    if asset_type is not None:
        query = query.where(row.asset_type == asset_type)
    latest = query.order_by(row.confirmed_at.desc(), row.id.desc()).limit(MOST_CASES)
    return [_verdict(found) for found in await tx.session.scalars(latest)]


def _verdict(row: CauseConfirmation) -> Verdict:
    """What came back after it had been called no fault was one, of a cause that nobody knows yet."""
    returned = not row.is_effective
    return Verdict(
        cause=row.cause,
        asset_type=row.asset_type or "",
        is_fault=row.is_fault or returned,
        is_effective=row.is_effective,
        ordered=_scores(row.ordered_said),
        final=_scores(row.final_said),
        lead_s=row.lead_s,
        lead_until=row.lead_until,
    )


def _scores(said: Mapping[str, Any] | None) -> dict[str, float] | None:
    scores = (said or {}).get("scores")
    return {str(label): float(p) for label, p in scores.items()} if isinstance(scores, Mapping) else None


async def asset_types(tx: Tx) -> list[str]:
    """Asset types that something was confirmed of."""
    query = select(CauseConfirmation.asset_type).where(CauseConfirmation.asset_type.is_not(None))
    found = await tx.session.scalars(query.distinct().order_by(CauseConfirmation.asset_type).limit(100))
    return [kind for kind in found if kind]
