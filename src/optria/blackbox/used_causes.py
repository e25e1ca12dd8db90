"""The causes that people may mean: what the analysis said first, then what is known of such assets."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, or_, select

from optria.blackbox import analyses
from optria.core.causes import CATALOGUE, named_cause
from optria.core.errors import Invalid
from optria.core.incident import OTHER
from optria.db.blackbox import IncidentRow, RcaRule
from optria.db.learning import CauseConfirmation
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.rca.rules import parse_rule
from optria.rca.scoreboard import ranked

Origin = Literal["analysis", "asset_type", "catalogue"]
MOST_USED = 200


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A cause that somebody may mean; ``confirmed`` is how often people found it on this asset type."""

    label: str
    origin: Origin
    probability: float | None
    confirmed: int


async def named(tx: Tx, text: str | None) -> str | None:
    """What somebody wrote, as the label that is used for it; a new cause keeps the writer's words."""
    query = select(CauseConfirmation.cause).where(
        CauseConfirmation.tenant_id == tx.tenant_id, CauseConfirmation.cause.is_not(None)
    )
    used = (await tx.session.scalars(query.distinct().limit(MOST_USED))).all()
    return named_cause(text, [cause for cause in used if cause])


async def suggested(tx: Tx, incident: IncidentRow | None, asset: AssetRow | None) -> list[Suggestion]:
    """What the analysis said, then causes of the asset type (confirmed, or of a rule), then the others."""
    kind = asset.asset_type if asset else None
    analysis = await analyses.latest(tx, incident) if incident is not None else None
    scores = {label: p for label, p in analysis.scores.items() if p > 0.0} if analysis else {}
    confirmed = await _confirmed_on(tx, kind)
    of_type = [*sorted(confirmed, key=lambda c: (-confirmed[c], c)), *await _of_rules(tx, kind)]
    order = dict.fromkeys([*ranked(scores), *of_type, *CATALOGUE])
    return [
        Suggestion(label, _origin(label, scores, of_type), scores.get(label), confirmed.get(label, 0))
        for label in order
        if label != OTHER
    ]


def _origin(label: str, said: Container[str], of_type: Container[str]) -> Origin:
    return "analysis" if label in said else "asset_type" if label in of_type else "catalogue"


async def _confirmed_on(tx: Tx, asset_type: str | None) -> dict[str, int]:
    row = CauseConfirmation
    query = (
        select(row.cause, func.count())
        .where(row.tenant_id == tx.tenant_id, row.asset_type == asset_type, row.cause.is_not(None))
        .where(row.is_effective, ~row.is_withdrawn)
        .group_by(row.cause)
        .limit(MOST_USED)
    )
    return {cause or "": count for cause, count in (await tx.session.execute(query)).all()}


async def _of_rules(tx: Tx, asset_type: str | None) -> list[str]:
    """Causes that an active rule knows of this asset type."""
    if asset_type is None:
        return []
    owned = or_(RcaRule.tenant_id == tx.tenant_id, RcaRule.tenant_id.is_(None))
    query = (
        select(RcaRule).where(RcaRule.is_active.is_not(False), owned).order_by(RcaRule.priority, RcaRule.id)
    )
    causes = []
    for row in await tx.session.scalars(query):
        try:
            rule = parse_rule(
                {"name": row.name, "root_cause_category": row.root_cause_category, "pattern": row.pattern}
            )
        except Invalid:
            continue
        if rule.holds_for(asset_type):
            causes.append(rule.cause)
    return causes
