"""What of an analysis can be varied: the limits, rules, tags and past incidents that play a part in it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from optria.core.asset import PlantModel, Threshold
from optria.core.incident import Analysis
from optria.core.tag import SignalMapping
from optria.db.blackbox import AnalysisRow, IncidentRow, RcaRule
from optria.db.session import Tx
from optria.rca.storage import from_json
from optria.rca.words import metric_words
from optria.web.shapes import Json, number

SHIFT_S: Final = 600
WARMEST, COLDEST = 1.5, 0.2
_STEPS: Final = 200


async def knobs_of(tx: Tx, plant: PlantModel, row: IncidentRow) -> Json:
    """Everything a person may turn, with its value now and the range that makes sense."""
    analysis = await _newest(tx, row)
    own = list(plant.mappings_of(row.root_asset_id or 0))
    return {
        "anchor_shift_s": {"value": 0, "low": -SHIFT_S, "high": SHIFT_S, "step": 10, "decimals": 0},
        "temperature": {"value": _temperature(analysis), "low": COLDEST, "high": WARMEST, "step": 0.05},
        "limits": _limits(plant, row, own),
        "rules": await _rules(tx, row, analysis),
        "tags": [_tag(mapping) for mapping in own],
        "past_incidents": _past(analysis),
    }


async def _newest(tx: Tx, row: IncidentRow) -> Analysis | None:
    query = (
        select(AnalysisRow.analysis)
        .where(AnalysisRow.incident_id == row.id, AnalysisRow.tenant_id == row.tenant_id)
        .order_by(AnalysisRow.revision.desc())
        .limit(1)
    )
    stored = (await tx.session.execute(query)).scalar_one_or_none()
    return from_json(stored) if stored else None


def _temperature(analysis: Analysis | None) -> float | None:
    told = analysis.facts.get("temperature") if analysis else None
    return float(told) if told else None


def _limits(plant: PlantModel, row: IncidentRow, own: Sequence[SignalMapping]) -> list[Json]:
    asset = plant.asset(row.root_asset_id or 0)
    if asset is None:
        return []
    return [
        _limit(mapping, threshold)
        for mapping in own
        for threshold in sorted(plant.thresholds_of(asset, mapping.metric), key=lambda t: t.limit)
    ]


def _limit(mapping: SignalMapping, threshold: Threshold) -> Json:
    low, high = _span(mapping, threshold.limit)
    words, decimals = metric_words(mapping.metric), 3 if mapping.decimals is None else mapping.decimals
    return {
        "metric": mapping.metric,
        "name": words.en,
        "name_ar": words.ar,
        "instrument": mapping.instrument,
        "direction": threshold.direction,
        "severity": threshold.severity.name,
        "value": threshold.limit,
        "low": round(low, decimals),
        "high": round(high, decimals),
        "step": max((high - low) / _STEPS, 10.0**-decimals),
        "unit": mapping.unit,
        "decimals": mapping.decimals,
    }


def _span(mapping: SignalMapping, limit: float) -> tuple[float, float]:
    """Half the limit to one and a half of it, at least the normal range, inside the engineering range."""
    ends = [limit - abs(limit) / 2.0, limit + abs(limit) / 2.0, mapping.normal_low, mapping.normal_high]
    known = [end for end in ends if end is not None]
    low, high = min(known), max(known)
    low = low if mapping.low is None else max(low, min(mapping.low, limit))
    high = high if mapping.high is None else min(high, max(mapping.high, limit))
    return (low, high) if high > low else (limit - 1.0, limit + 1.0)


async def _rules(tx: Tx, row: IncidentRow, analysis: Analysis | None) -> list[Json]:
    """The active rules that the analysis names, for or against a cause."""
    named = _named_rules(analysis)
    query = select(RcaRule).where(RcaRule.id.in_(named), RcaRule.is_active.is_not(False))
    found = {rule.id: rule for rule in (await tx.session.scalars(query)).all()}
    return [
        {
            "rule_id": rule.id,
            "name": rule.name,
            "cause": rule.root_cause_category,
            "value": number(rule.confidence) if rule.confidence is not None else 0.5,
            "low": 0,
            "high": 1,
            "step": 0.05,
        }
        for rule_id in named
        if (rule := found.get(rule_id))
    ]


def _named_rules(analysis: Analysis | None) -> list[int]:
    causes = analysis.causes if analysis else ()
    met = [row.rule_id for cause in causes for row in cause.evidence]
    unmet = [row.rule_id for cause in causes for row in cause.why_not]
    return list(dict.fromkeys(rule for rule in (*met, *unmet) if rule is not None))


def _tag(mapping: SignalMapping) -> Json:
    words = metric_words(mapping.metric)
    return {"tag": mapping.id, "instrument": mapping.instrument, "name": words.en, "name_ar": words.ar}


def _past(analysis: Analysis | None) -> list[Json]:
    return [
        {"id": past.incident_id, "number": past.number, "cause": past.cause, "similarity": past.similarity}
        for past in (analysis.similar if analysis else ())
    ]
