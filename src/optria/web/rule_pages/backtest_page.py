"""``/rules/backtest``: what a change would have made of stored history."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from fastapi import Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from optria.backtest.stored import Asked
from optria.backtest.stored_jobs import Job
from optria.core.asset import PlantModel
from optria.core.event import Severity
from optria.core.roles import Permission, can
from optria.db.blackbox import IncidentRow, RcaRule
from optria.db.plant import AssetRow, ThresholdRow
from optria.db.session import Tx
from optria.web.backtests.backtest import Kept
from optria.web.backtests.backtest_views import codes_of, per_asset, recorded_days, summary
from optria.web.config.config_limits import facts, limit_words
from optria.web.config.config_rule_bodies import VIBRATION_ALONE
from optria.web.config.config_rule_views import rule_json
from optria.web.config.config_scope import Reading
from optria.web.config.rule_history import said_by
from optria.web.config.rule_words import rule_name
from optria.web.deps import Given, OpenTx, written_tenant
from optria.web.routing import api_router
from optria.web.rule_pages.backtest_picture import picture_of
from optria.web.rule_pages.rules_section import render_section
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.work.orders import load_policy

router = api_router(include_in_schema=False)

PERIODS_H: Final = (1, 6, 24, 72, 168, 744)
EXAMPLE: Final[Json] = {
    "name": "Vibration of a pump alone",
    "root_cause_category": "Bearing Fault",
    "confidence": 0.6,
    "pattern": VIBRATION_ALONE,
}
"""What the field of a rule as JSON begins with."""
MOST_SHOWN: Final = 500
MOST_JUDGED: Final = 20


@dataclass(frozen=True, slots=True)
class LimitChoice:
    """A limit in force, as the form offers it."""

    id: int
    words: str
    facts: Json


@router.get("/backtest")
async def backtest_address(_viewer: Reading) -> Response:
    """The back-test is a part of the rules."""
    return RedirectResponse("/rules/backtest", 303)


@router.get("/rules/backtest")
async def backtests_page(
    request: Request, viewer: Reading, tx: OpenTx, services: Given, kept: Kept
) -> Response:
    may_run = can(viewer.role, Permission.RUN_RCA) and tx.tenant_id is not None
    job = next(iter(kept.of(tx.tenant_id)), None) if may_run else None
    context: dict[str, object] = {
        "rules": [_rule(row, viewer.language) for row in await _rules(tx)] if may_run else [],
        "may_try": can(viewer.role, Permission.MANAGE_RULES),
        "form": await _form(tx, viewer, services.plants(written_tenant(tx)), job) if may_run else None,
        "job": job,
        "judged": await _judged(tx) if may_run else [],
        "result_of": partial(_result, job, services) if job else None,
    }
    return await render_section(request, "backtest_page.html", tx, viewer, "backtest", **context)


async def _rules(tx: Tx) -> Sequence[RcaRule]:
    query = select(RcaRule).order_by(RcaRule.priority, RcaRule.id).limit(MOST_SHOWN)
    return (await tx.session.scalars(query)).all()


def _rule(row: RcaRule, language: str) -> Json:
    """The rule as the form offers it: what is worked on, which is its draft where there is one."""
    return rule_json(row) | {"title": rule_name(row.name, language), "content": said_by(row)}


async def _form(tx: Tx, viewer: Viewer, plant: PlantModel, job: Job | None) -> Json:
    """What the form offers to choose from."""
    limits = select(ThresholdRow).where(ThresholdRow.is_active).order_by(ThresholdRow.metric, ThresholdRow.id)
    rows = (await tx.session.scalars(limits.limit(MOST_SHOWN))).all()
    policy = await load_policy(tx, plant.tenant_id)
    codes = codes_of(plant)
    named = "" if viewer.tenant_id is not None else f"?tenant_id={plant.tenant_id}"
    return {
        "address": f"/api/config/backtests{named}",
        "job_address": f"/api/config/backtests/{job.id}{named}" if job else "",
        "trial_address": f"/api/config/rules/try{named}",
        "detectors": await asyncio.to_thread(_detectors),
        "example": json.dumps(EXAMPLE, indent=2, ensure_ascii=False),
        "periods_h": PERIODS_H,
        "assets": sorted((asset.code, asset.id) for asset in plant.assets),
        "asset_types": sorted({asset.asset_type for asset in plant.assets}),
        "metrics": sorted({mapping.metric for mapping in plant.mappings}),
        "severities": [severity.name for severity in reversed(Severity)],
        "limits": [_limit(row, codes.get(row.asset_id or 0)) for row in rows],
        "policy": policy,
    }


def _detectors() -> list[str]:
    from optria.streams.detectors.registry import names

    return names()


def _limit(row: ThresholdRow, asset_code: str | None) -> LimitChoice:
    whose = asset_code or row.asset_type or ""
    words = f"{whose} {row.metric.replace('_', ' ')}: {limit_words(row)}".strip()
    return LimitChoice(row.id, words, facts(row))


def _result(job: Job, services: Services, time_zone: str) -> Json | None:
    outcome = job.outcome
    if outcome is None:
        return None
    codes, days = codes_of(services.plants(job.asked.tenant_id)), recorded_days(outcome)
    assets = {row["asset_code"]: {"now": row} for row in per_asset(outcome.now, codes)}
    for row in per_asset(outcome.draft, codes):
        assets.setdefault(row["asset_code"], {})["draft"] = row
    return {
        "outcome": outcome,
        "codes": codes,
        "picture": picture_of(outcome, codes, time_zone),
        "now": summary(outcome.now, days),
        "draft": summary(outcome.draft, days),
        "assets": sorted(assets.items(), key=lambda pair: str(pair[0])),
        "labels": {label.incident_id: label for label in outcome.labels},
        "sides": (("now", outcome.now), ("draft", outcome.draft)),
        "outranked": outranked(services.plants(job.asked.tenant_id), job.asked),
    }


def outranked(plant: PlantModel, asked: Asked) -> list[tuple[str, list[str]]]:
    """Metrics of a type's limit under test, with the machines whose own limits stand in its place."""
    found: dict[str, list[str]] = {}
    for limit in asked.draft.thresholds:
        if limit.asset_id is not None:
            continue
        own = {one.asset_id for one in plant.thresholds if one.metric == limit.metric}
        codes = [
            asset.code
            for asset in plant.assets
            if asset.id in own
            and limit.asset_type in (None, asset.asset_type)
            and (not asked.assets or asset.id in asked.assets)
        ]
        found.setdefault(limit.metric, []).extend(code for code in codes)
    return [(metric, sorted(set(codes))) for metric, codes in sorted(found.items()) if codes]


async def _judged(tx: Tx) -> Sequence[tuple[IncidentRow, str]]:
    """The latest incidents whose cause people have confirmed, with the code of their asset."""
    query = (
        select(IncidentRow, AssetRow.code)
        .join(AssetRow, AssetRow.id == IncidentRow.root_asset_id)
        .where(IncidentRow.confirmed_cause.is_not(None))
        .order_by(IncidentRow.start_time.desc())
        .limit(MOST_JUDGED)
    )
    return [(row, code) for row, code in (await tx.session.execute(query)).all()]
