"""``/rules`` and ``/rules/causal/…``: the causal rules, and the editor of one."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.arabic import CAUSE_AR
from optria.core.errors import Invalid
from optria.core.incident import OTHER, cause_label
from optria.core.roles import Permission, can
from optria.db.blackbox import IncidentRow, RcaRule
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.rca.rules import Condition
from optria.rca.words import KNOWN_METRICS
from optria.web.backtests.backtest import Kept
from optria.web.bodies import LARGEST_ID
from optria.web.config.config_rule_views import rule_json
from optria.web.config.config_rules import RULE
from optria.web.config.config_scope import Managing, Reading
from optria.web.config.rule_history import Content, history, rule_of, said_by
from optria.web.config.rule_hits import Hits, hits_of_rules
from optria.web.config.rule_versions import versions
from optria.web.config.rule_words import PLACES, condition_word, directions, rule_name
from optria.web.deps import OpenTx, RowId, written_tenant
from optria.web.routing import api_router
from optria.web.rows import find
from optria.web.rule_pages import rules_section as section
from optria.web.rule_pages.rule_proof import proof_of, tests_of
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(include_in_schema=False)

MOST_SHOWN: Final = 500
MOST_INCIDENTS: Final = 25
GROUPS: Final = ("all", "also", "contrary")
EMPTY: Final[Content] = {
    "name": "",
    "description": None,
    "pattern": {"asset_types": [], "all": [{"metric": "vibration", "direction": "high"}]},
    "root_cause_category": "",
    "confidence": 0.5,
    "priority": 100,
}
CopyOf = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]


@router.get("/rules")
async def rules_page(request: Request, viewer: Reading, tx: OpenTx) -> Response:
    rows = await _rows(tx)
    hits = await hits_of_rules(tx)
    return await section.render_section(
        request,
        "rule_list.html",
        tx,
        viewer,
        "causal",
        rules=[_line(row, hits.get(row.id, Hits()), viewer.language) for row in rows],
    )


async def _rows(tx: Tx) -> Sequence[RcaRule]:
    query = select(RcaRule).order_by(RcaRule.priority, RcaRule.id).limit(MOST_SHOWN)
    return (await tx.session.scalars(query)).all()


def _line(row: RcaRule, hits: Hits, language: str) -> Json:
    """A row of the table; a rule that cannot be read has no conditions."""
    view = rule_json(row) | {"hits": hits, "title": rule_name(row.name, language)}
    try:
        rule = rule_of(said_by(row))
    except Invalid:
        return view | {"conditions": [], "asset_types": []}
    conditions = [condition_word(one, language) for one in rule.conditions]
    return view | {"conditions": conditions, "asset_types": sorted(rule.asset_types)}


@router.get("/rules/causal/new")
async def new_rule_page(
    request: Request, viewer: Managing, tx: OpenTx, kept: Kept, copy_of: CopyOf = None
) -> Response:
    written_tenant(tx)
    content = dict(EMPTY)
    if copy_of is not None:
        content = said_by(await find(tx, RcaRule, copy_of, RULE)) | {"name": ""}
    return await _editor(request, viewer, tx, kept, None, content)


@router.get("/rules/causal/{rule_id}")
async def rule_page(request: Request, viewer: Reading, tx: OpenTx, kept: Kept, rule_id: RowId) -> Response:
    row = await find(tx, RcaRule, rule_id, RULE)
    return await _editor(request, viewer, tx, kept, row, said_by(row))


async def _editor(
    request: Request, viewer: Viewer, tx: Tx, kept: Kept, row: RcaRule | None, content: Content
) -> Response:
    language = viewer.language
    is_own = row is None or not (row.tenant_id is None or row.is_system)
    steps = await history(tx, row.id) if row else []
    may_test = tx.tenant_id is not None and can(viewer.role, Permission.RUN_RCA)
    context: dict[str, object] = {
        "rule": rule_json(row) if row else None,
        "title": rule_name(row.name, language) if row else "",
        "content": content,
        "causes": await _causes(tx, language),
        "groups": [(group, _conditions(content, group)) for group in GROUPS],
        "metric_options": await _metric_options(tx, content),
        "directions": directions(language),
        "places": list(PLACES.items()),
        "types": await _types(tx, content),
        "named_types": _named_types(content),
        "versions": versions(
            steps, await section.names_of(tx, [s.made_by for s in steps], language), language
        ),
        "incidents": await _incidents(tx, content) if tx.tenant_id is not None else [],
        "proof": proof_of(kept, tx.tenant_id, content) if may_test and tx.tenant_id is not None else None,
        "job": next(iter(tests_of(kept, tx.tenant_id, content)), None) if may_test and tx.tenant_id else None,
        "may_test": may_test,
        "may_change": section.may_edit(tx, viewer) and is_own,
        "is_own": is_own,
        "spoken": (await hits_of_rules(tx)).get(row.id, Hits()) if row else Hits(),
    }
    return await section.render_section(request, "rule_editor.html", tx, viewer, "causal", **context)


def _conditions(content: Content, group: str) -> list[Json]:
    """The conditions as they are stored, with what is left out at its default."""
    pattern = content.get("pattern")
    found = pattern.get(group) if isinstance(pattern, dict) else None
    rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    default = Condition("", "high")
    defaults: Json = {
        "metric": "",
        "direction": "high",
        "min_score": default.min_score,
        "at": default.at,
        "over": "",
        "over_direction": "",
        "ratio": default.ratio,
    }
    return [defaults | one for one in rows]


async def _metric_options(tx: Tx, content: Content) -> list[str]:
    """What the tenant measures, what the analysis knows, and the alternatives that this rule names."""
    named = {str(one["metric"]) for group in GROUPS for one in _conditions(content, group)}
    named |= {str(one["over"]) for group in GROUPS for one in _conditions(content, group)}
    return sorted({*KNOWN_METRICS, *await section.metrics(tx), *named, "*"} - {""})


async def _types(tx: Tx, content: Content) -> list[str]:
    """Each type once, however it is written; as the rule names it, where it does."""
    known = {one.casefold(): one for one in [*await section.asset_types(tx), *_named_types(content)]}
    return sorted(known.values())


def _named_types(content: Content) -> list[str]:
    pattern = content.get("pattern")
    named = pattern.get("asset_types") if isinstance(pattern, dict) else None
    return [str(one) for one in named] if isinstance(named, list) else []


async def _causes(tx: Tx, language: str) -> list[tuple[str, str]]:
    """Causes that may be named: those of the product and of the tenant's rules."""
    used = await tx.session.scalars(select(RcaRule.root_cause_category).distinct())
    labels = {*CAUSE_AR, *(cause_label(one) for one in used)} - {OTHER}
    return sorted((one, CAUSE_AR.get(one, one) if language == "ar" else one) for one in labels)


async def _incidents(tx: Tx, content: Content) -> list[tuple[IncidentRow, str]]:
    """What the rule can be tried on: on its own asset types first, confirmed ones before others."""
    query = (
        select(IncidentRow, AssetRow.code, AssetRow.asset_type)
        .join(AssetRow, AssetRow.id == IncidentRow.root_asset_id)
        .order_by(IncidentRow.confirmed_cause.is_(None), IncidentRow.start_time.desc())
        .limit(4 * MOST_INCIDENTS)
    )
    types = {one.casefold() for one in _named_types(content)}
    found = [
        ((kind or "").casefold() not in types, row, code)
        for row, code, kind in (await tx.session.execute(query)).all()
    ]
    return [(row, code) for _, row, code in sorted(found, key=lambda one: one[0])][:MOST_INCIDENTS]
