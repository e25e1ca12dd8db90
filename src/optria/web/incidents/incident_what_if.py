"""``/api/blackbox/incidents/{id}/what-if``: the analysis with something else, beside it as it is."""

import time
from typing import Annotated
from uuid import UUID

from optria.core.event import Severity
from optria.core.incident import Analysis, cause_code
from optria.core.roles import Permission
from optria.rca.what_if import Changes, LimitChange, Moved, WhatIf
from optria.web.deps import Given, OpenTx, require
from optria.web.incidents.incident_bodies import WhatIfBody
from optria.web.incidents.incident_knobs import knobs_of
from optria.web.incidents.incident_views import find_incident
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json, number

router = api_router(prefix="/api/blackbox", tags=["incidents"])

Reading = Annotated[Viewer, require(Permission.VIEW_RCA)]


@router.get("/incidents/{incident_id}/what-if", summary="Read what of an analysis can be varied")
async def get_knobs(viewer: Reading, services: Given, tx: OpenTx, incident_id: UUID) -> Json:
    """Limits, rules, tags and past incidents that play a part in the latest analysis, as they are now."""
    row = await find_incident(tx, viewer, incident_id)
    return {"incident_id": str(row.id)} | await knobs_of(tx, services.plants(row.tenant_id), row)


@router.post("/incidents/{incident_id}/what-if", summary="Try an analysis with something else")
async def try_changes(
    viewer: Reading, services: Given, tx: OpenTx, incident_id: UUID, body: WhatIfBody
) -> Json:
    """The distribution of causes as it is and as it would be, and what of the evidence moves.

    Nothing is stored and nobody is told: no analysis, event, order or notification comes of it.
    """
    row = await find_incident(tx, viewer, incident_id)
    began = time.perf_counter()
    told = await services.recorder.what_if(row.tenant_id, row.id, changes_of(body))
    took_ms = (time.perf_counter() - began) * 1000.0
    return {"incident_id": str(row.id), "took_ms": round(took_ms, 1)} | what_if_json(told)


def changes_of(body: WhatIfBody) -> Changes:
    limits = tuple(
        LimitChange(c.metric, c.direction, c.limit, Severity.parse(c.severity) if c.severity else None)
        for c in body.limits
    )
    return Changes(
        limits=limits,
        rule_weights={rule.rule_id: rule.confidence for rule in body.rules},
        without_tags=frozenset(body.without_tags),
        without_incidents=frozenset(body.without_incidents),
        anchor_shift_s=body.anchor_shift_s,
        temperature=body.temperature,
    )


def what_if_json(told: WhatIf) -> Json:
    """Every cause of either analysis, before and after, the likeliest after first."""
    before, after = told.before.scores, told.after.scores
    labels = sorted({**before, **after}, key=lambda label: (-after.get(label, 0.0), -before.get(label, 0.0)))
    return {
        "before": _analysis_json(told.before),
        "after": _analysis_json(told.after),
        "causes": [_cause_json(label, before.get(label, 0.0), after.get(label, 0.0)) for label in labels],
        "evidence": [_moved_json(row) for row in told.moved],
        "cost_change": number(told.cost_change),
    }


def _analysis_json(analysis: Analysis) -> Json:
    money = analysis.financial
    return {
        "root_cause_scores": analysis.scores,
        "top_cause": analysis.top.label,
        "top_probability": analysis.top.probability,
        "downtime_hours": number(money.downtime_h) if money else None,
        "total_estimated_cost": number(money.amount) if money else None,
        "currency": money.currency if money else None,
        "carbon_kg": number(analysis.carbon.carbon_kg) if analysis.carbon else None,
    }


def _cause_json(label: str, before: float, after: float) -> Json:
    change = after - before
    return {
        "label": label,
        "code": cause_code(label),
        "before": before,
        "after": after,
        "change": change,
    }


def _moved_json(row: Moved) -> Json:
    return {
        "cause": row.cause,
        "kind": row.evidence.kind,
        "text": row.evidence.text,
        "text_ar": row.evidence.text_ar,
        "rule_id": row.evidence.rule_id,
        "incident_number": row.evidence.incident_number,
        "before": row.before,
        "after": row.after,
        "change": row.after - row.before,
    }
