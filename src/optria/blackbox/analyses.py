"""What an analysis leaves on its incident: v1's columns, our own, and a revision row."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from optria.blackbox.incidents import announce, is_empty_check
from optria.core.incident import OTHER, Analysis, CarbonImpact, FinancialImpact, Grounds, cause_code
from optria.core.messages import Message
from optria.db.blackbox import AnalysisRow, IncidentRow
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.storage import from_json, to_json


async def store_analysis(
    tx: Tx, incident: IncidentRow, analysis: Analysis, asset_code: str, user_id: int | None = None
) -> int:
    """Write the analysis onto its incident as a new revision; the revision's number."""
    revision = await revisions(tx, incident) + 1
    tx.session.add(
        AnalysisRow(
            tenant_id=incident.tenant_id,
            incident_id=incident.id,
            revision=revision,
            is_final=not analysis.provisional,
            analysis=to_json(analysis),
            requested_by=user_id,
            created_at=clock.now(),
        )
    )
    _fill(incident, analysis, asset_code, user_id)
    announce(tx, incident, "analysis_stored")
    tx.publish(
        Message(
            tenant_id=incident.tenant_id,
            topic="rca",
            kind="analysis_stored",
            entity_id=str(incident.id),
            asset_id=incident.root_asset_id,
            data={"revision": revision, "final": not analysis.provisional},
        )
    )
    return revision


async def revisions(tx: Tx, incident: IncidentRow) -> int:
    """How many analyses an incident has had."""
    statement = select(func.count()).where(AnalysisRow.incident_id == incident.id)
    return (await tx.session.execute(statement)).scalar_one()


async def stored_since(tx: Tx, incident: IncidentRow, at: datetime) -> bool:
    """Whether an analysis of an incident has been stored after ``at``."""
    statement = select(AnalysisRow.id).where(
        AnalysisRow.incident_id == incident.id, AnalysisRow.created_at > at
    )
    return (await tx.session.execute(statement.limit(1))).scalar_one_or_none() is not None


async def latest(tx: Tx, incident: IncidentRow) -> Analysis | None:
    """The newest analysis of an incident."""
    statement = (
        select(AnalysisRow.analysis)
        .where(AnalysisRow.incident_id == incident.id)
        .order_by(AnalysisRow.revision.desc())
        .limit(1)
    )
    stored = (await tx.session.execute(statement)).scalar_one_or_none()
    return from_json(stored) if stored else None


def _fill(incident: IncidentRow, analysis: Analysis, asset_code: str, user_id: int | None) -> None:
    top = analysis.top
    unexplained = "Nothing abnormal" if is_empty_check(incident) else "Unexplained anomaly"
    cause = unexplained if top.label == OTHER else top.label
    incident.title = f"{cause} on {asset_code}"
    incident.event_story = analysis.story
    incident.event_story_ar = analysis.story_ar
    incident.root_cause_scores = analysis.scores
    incident.root_cause_codes = {cause_code(label): p for label, p in analysis.scores.items()}
    incident.recommended_actions = [
        {
            "priority": action.priority,
            "action": action.action,
            "action_ar": action.action_ar,
            "category": action.category,
            "source": action.source,
        }
        for action in analysis.actions
    ]
    incident.financial_impact_estimate = _financial(analysis.financial)
    incident.carbon_impact_estimate = _carbon(analysis.carbon)
    incident.pattern = {"signature": dict(analysis.signature), "event_types": list(analysis.event_types)}
    incident.rca_summary = _summary(analysis)
    incident.rca_status = "COMPLETED"
    incident.rca_completed_at = analysis.analysed_at
    incident.rca_completed_by = user_id
    incident.analysed_at = incident.analysed_at or clock.now()
    incident.updated_at = clock.now()


def _summary(analysis: Analysis) -> dict[str, Any]:
    return {
        "root_cause_category": analysis.top.code,
        "confidence": analysis.top.probability,
        "matched_rules": analysis.matched_rules,
        "matched_patterns": len(analysis.similar),
        "analysis_time": analysis.analysed_at.isoformat(),
        "provisional": analysis.provisional,
    }


def _financial(impact: FinancialImpact | None) -> dict[str, Any]:
    """v1's keys as numbers; ``amount`` is the exact product as text."""
    if impact is None:
        return {}
    return {
        "estimated_downtime_hours": float(impact.downtime_h),
        "cost_per_hour": float(impact.cost_per_hour),
        "currency": impact.currency,
        "repair_cost": 0.0,
        "production_loss": float(impact.amount),
        "total_estimated_cost": float(impact.amount),
        "confidence": impact.confidence,
        "amount": str(impact.amount),
        "source": impact.source,
        "basis": impact.basis,
    } | _grounds(impact.grounds, "cost")


def _carbon(impact: CarbonImpact | None) -> dict[str, Any]:
    if impact is None:
        return {}
    return {
        "energy_used_kwh": float(impact.energy_kwh),
        "carbon_factor": float(impact.factor_kg_per_kwh),
        "carbon_kg": float(impact.carbon_kg),
        "carbon_tons": float(impact.carbon_kg / Decimal(1000)),
        "energy_type": impact.energy_type,
        "window_hours": float(impact.window_h),
        "assumed": impact.assumed,
        "source": impact.source,
    } | _grounds(impact.grounds, "carbon_kg")


def _grounds(grounds: Grounds | None, what: str) -> dict[str, Any]:
    """The range as ``low_<what>`` and ``high_<what>``, and how the estimate came about."""
    if grounds is None:
        return {}
    return {
        f"low_{what}": float(grounds.low),
        f"high_{what}": float(grounds.high),
        "range_method": asdict(grounds.method),
        "arithmetic": [asdict(line) for line in grounds.arithmetic],
        "assumptions": [asdict(line) for line in grounds.assumptions],
        "sources": [asdict(row) for row in grounds.sources],
    }
