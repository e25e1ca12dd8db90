"""Causal rules as the API shows them, and what a trial of one has found."""

from sqlalchemy import select

from optria.core.errors import Invalid
from optria.core.incident import cause_label
from optria.db.blackbox import RcaRule
from optria.db.plant import MappingRow
from optria.db.session import Tx
from optria.rca.rules import CausalRule, Condition, Match, Observation, parse_rule
from optria.rca.trial import RuleTrial
from optria.web.config.rule_history import state_of
from optria.web.shapes import Json, number, when


def parsed(row: RcaRule) -> dict[str, object]:
    """A row as the analysis parses it."""
    names = ("name", "description", "pattern", "root_cause_category", "confidence", "priority")
    return {"id": row.id or 0} | {name: getattr(row, name) for name in names}


def rule_json(row: RcaRule) -> Json:
    """``problem`` says why the analysis leaves a rule out that it cannot read; None where it can."""
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "name": row.name,
        "description": row.description,
        "pattern": row.pattern,
        "root_cause_category": row.root_cause_category,
        "cause": cause_label(row.root_cause_category),
        "confidence": number(row.confidence),
        "priority": row.priority,
        "is_active": row.is_active is not False,
        "state": state_of(row),
        "version": row.version or 0,
        "draft": row.draft,
        "is_system": row.tenant_id is None or bool(row.is_system),
        "problem": _problem(row),
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
    }


def _problem(row: RcaRule) -> str | None:
    try:
        parse_rule(parsed(row))
    except Invalid as error:
        return str(error)
    return None


async def unknown_metrics(tx: Tx, rule: CausalRule) -> list[str]:
    """Metrics that a rule names and no active tag of the tenant measures: it can never see them."""
    conditions = (*rule.conditions, *rule.supports, *rule.contrary)
    named = {word for c in conditions for word in (*c.metric.split("|"), c.over) if word not in ("", "*")}
    query = select(MappingRow.internal_metric_name).where(
        MappingRow.is_active.is_not(False), MappingRow.internal_metric_name.in_(named)
    )
    return sorted(named - set((await tx.session.scalars(query.distinct())).all()))


def match_json(match: Match, asset_type: str) -> Json:
    """What a rule would say of an asset of this type."""
    holds = match.rule.holds_for(asset_type)
    return {
        "would_match": holds and match.likelihood > 0.0,
        "asset_type": asset_type,
        "holds_for_asset_type": holds,
        "likelihood": round(match.likelihood, 4) if holds else 0.0,
        "met": [
            {"condition": condition_json(condition), "seen": [_seen(one) for one in seen]}
            for condition, seen in match.met
        ],
        "missing": [condition_json(condition) for condition in match.missing],
        "against": [condition_json(condition) for condition in match.against],
    }


def moved_causes(trial: RuleTrial) -> list[Json]:
    """Every cause with its probability before and after, the likeliest after first."""
    labels = {*trial.before, *trial.after}
    rows = [(label, trial.before.get(label, 0.0), trial.after.get(label, 0.0)) for label in labels]
    return [
        {"cause": label, "before": round(before, 4), "after": round(after, 4)}
        for label, before, after in sorted(rows, key=lambda row: (-row[2], -row[1], row[0]))
    ]


def condition_json(condition: Condition) -> Json:
    view: Json = {
        "metric": condition.metric,
        "direction": condition.direction,
        "min_score": condition.min_score,
        "at": condition.at,
    }
    if condition.over:
        view |= {"over": condition.over, "ratio": condition.ratio}
    return view | ({"over_direction": condition.over_direction} if condition.over_direction else {})


def _seen(one: Observation) -> Json:
    """``score`` is in standard deviations; of an event, how far beyond its limit as a share of it."""
    return {
        "metric": one.metric,
        "direction": one.direction,
        "score": round(one.score, 3),
        "at": one.at,
        "by": "event" if one.event else "signals",
        "tag": one.tag,
    }
