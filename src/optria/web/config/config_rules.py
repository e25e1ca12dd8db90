"""``/api/config/rules``: the causal rules of the analysis, as JSON; each counts from the next analysis on."""

from fastapi import Request
from sqlalchemy import func, or_, select

from optria.core.errors import Conflict, Invalid
from optria.core.incident import OTHER, cause_label
from optria.db.blackbox import RcaRule
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.rules import parse_rule
from optria.web import audit, changes
from optria.web.changes import Change
from optria.web.config.config_rule_bodies import RuleBody, RuleChange, RuleTrial
from optria.web.config.config_rule_views import match_json, moved_causes, parsed, rule_json, unknown_metrics
from optria.web.config.config_scope import Managing, Reading
from optria.web.config.rule_history import (
    add_step,
    begin_history,
    check_own,
    check_version,
    content_of,
)
from optria.web.deps import Given, Limit, Offset, OpenTx, RowId, written_tenant
from optria.web.incidents.incident_views import find_incident
from optria.web.routing import api_router
from optria.web.rows import find, page
from optria.web.shapes import Json
from optria.web.turns import lock_settings

router = api_router(prefix="/api/config/rules", tags=["configuration"])

RULE = "rule"
DECIDING = ("name", "pattern", "root_cause_category", "confidence", "priority", "is_active")


@router.get("", summary="List causal rules")
async def list_rules(
    _viewer: Reading, tx: OpenTx, is_active: bool | None = None, limit: Limit = 100, offset: Offset = 0
) -> Json:
    """The tenant's own and those of the system, in the order in which they are asked."""
    query = select(RcaRule).order_by(RcaRule.priority, RcaRule.id)
    if is_active is not None:
        query = query.where(func.coalesce(RcaRule.is_active, True).is_(is_active))
    return await page(tx, query, rule_json, limit, offset)


@router.get("/{rule_id}", summary="Read a causal rule")
async def get_rule(_viewer: Reading, tx: OpenTx, rule_id: RowId) -> Json:
    return rule_json(await find(tx, RcaRule, rule_id, RULE))


@router.post("", summary="Add a causal rule", status_code=201)
async def add_rule(request: Request, viewer: Managing, tx: OpenTx, body: RuleBody) -> Json:
    """Checked as the analysis reads it: what it could not use is refused with its place in the JSON.

    ``unknown_metrics`` of the answer are those of the rule that no tag of the tenant measures.
    """
    await lock_settings(tx)
    row = RcaRule(**body.model_dump(exclude={"pattern"}), tenant_id=written_tenant(tx), is_system=False)
    row.pattern = body.pattern.as_stored()
    await check_rule(tx, row)
    row.version = 0
    row.draft = None if row.is_active else content_of(row)
    tx.session.add(row)
    await tx.session.flush()
    add_step(tx, row, viewer, "published" if row.is_active else "drafted", content_of(row))
    await tx.session.flush()
    summary = f'Rule "{row.name}" ({cause_label(row.root_cause_category)}) added'
    if row.is_active:
        change = Change("rule_added", "rca_rule", row.id, summary, new=_facts(row))
        await changes.record(tx, viewer, request, change)
    else:
        deed = "rule_drafted", "rca_rule", row.id
        audit.record(tx, viewer.user_id, row.tenant_id, *deed, request, new=_facts(row))
    return rule_json(row) | {"unknown_metrics": await unknown_metrics(tx, parse_rule(parsed(row)))}


def _facts(row: RcaRule) -> Json:
    view = rule_json(row)
    return {name: view[name] for name in DECIDING}


async def check_rule(tx: Tx, row: RcaRule) -> None:
    """Raises Invalid for a rule that cannot be read, Conflict for a second one of the same name."""
    if parse_rule(parsed(row)).cause == OTHER:
        raise Invalid("Other is what no rule explains: name the cause that this rule points to.")
    query = select(RcaRule.id).where(
        func.lower(RcaRule.name) == row.name.lower(),
        or_(RcaRule.tenant_id == row.tenant_id, RcaRule.tenant_id.is_(None)),
    )
    with tx.session.no_autoflush:
        found = (await tx.session.scalars(query)).all()
    if any(other != row.id for other in found):
        raise Conflict(f'There is a rule "{row.name}" already.')


@router.put("/{rule_id}", summary="Change a causal rule")
async def change_rule(
    request: Request, viewer: Managing, tx: OpenTx, rule_id: RowId, body: RuleChange
) -> Json:
    """Only what is sent changes, and at once; ``is_active`` false takes it out of the analysis.

    A draft that waits is discarded. 403 for a rule of the system.
    """
    await lock_settings(tx)
    row = await find(tx, RcaRule, rule_id, RULE)
    check_own(row)
    check_version(row, body.version)
    await begin_history(tx, row)
    old = _facts(row)
    for name, value in body.model_dump(exclude_unset=True, exclude={"pattern", "version"}).items():
        setattr(row, name, value)
    if "pattern" in body.model_fields_set:
        row.pattern = _pattern(body)
    row.updated_at = clock.now()
    await check_rule(tx, row)
    row.draft = None
    add_step(tx, row, viewer, "published" if row.is_active is not False else "retired", content_of(row))
    await tx.session.flush()
    change = Change("rule_changed", "rca_rule", row.id, _summary(row, old), old, _facts(row))
    await changes.record(tx, viewer, request, change)
    return rule_json(row) | {"unknown_metrics": await unknown_metrics(tx, parse_rule(parsed(row)))}


def _pattern(body: RuleChange) -> dict[str, object]:
    if body.pattern is None:
        raise Invalid("A rule without a pattern says nothing.")
    return body.pattern.as_stored()


def _summary(row: RcaRule, old: Json) -> str:
    if bool(old["is_active"]) == (row.is_active is not False):
        return f'Rule "{row.name}" changed'
    return f'Rule "{row.name}" {"put into" if row.is_active else "taken out of"} force'


@router.post("/try", summary="Try a rule on an incident")
async def try_rule(viewer: Managing, services: Given, tx: OpenTx, body: RuleTrial) -> Json:
    """Whether the pattern would match, by what evidence, and what is missing. Nothing is stored.

    The same signals and events as in an analysis of the incident now. Where ``root_cause_category`` is given,
    ``causes`` holds the probability of every cause before and after, the likeliest after first.
    """
    incident = await find_incident(tx, viewer, body.incident_id)
    rule = parse_rule(body.as_row())
    trial = await services.recorder.try_rule(incident.tenant_id, incident.id, rule)
    asset = services.plants(incident.tenant_id).asset(incident.root_asset_id or 0)
    return {
        "incident_id": str(incident.id),
        "incident_number": incident.incident_number,
        "unknown_metrics": await unknown_metrics(tx, rule),
        "confirmed_cause": incident.confirmed_cause,
        "causes": moved_causes(trial) if body.root_cause_category else None,
    } | match_json(trial.match, asset.asset_type if asset else "")
