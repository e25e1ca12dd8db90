"""``/api/config/rules/{rule_id}/…``: drafts of a causal rule, its publishing, its history, the way back."""

from typing import Annotated

from fastapi import Query, Request
from pydantic import ConfigDict, Field

from optria.core.errors import Conflict
from optria.core.incident import cause_label
from optria.db.blackbox import RcaRule, RuleRevision
from optria.db.session import Tx
from optria.web import audit, bodies, changes
from optria.web.backtests.backtest import Kept
from optria.web.bodies import NewBody, Word100
from optria.web.changes import Change
from optria.web.config.config_rule_bodies import VIBRATION_ALONE, Confidence, PatternBody, Priority
from optria.web.config.config_rule_views import rule_json
from optria.web.config.config_rules import RULE, check_rule
from optria.web.config.config_scope import Managing, Reading
from optria.web.config.rule_history import (
    Content,
    add_step,
    begin_history,
    check_own,
    check_version,
    content_of,
    find_version,
    history,
    put_content,
    said_by,
    state_of,
)
from optria.web.deps import OpenTx, RowId, written_tenant
from optria.web.routing import api_router
from optria.web.rows import find
from optria.web.rule_pages.rule_proof import proof_of
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when
from optria.web.turns import lock_settings

router = api_router(prefix="/api/config/rules", tags=["configuration"])

Version = Annotated[int, Field(ge=0, le=bodies.LARGEST_ID, description="The version that was read.")]

VersionRead = Annotated[int, Query(ge=0, le=bodies.LARGEST_ID, description="The version that was read.")]


class DraftOfRule(NewBody):
    """All that the rule would say."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "name": "Vibration of a pump alone",
                    "root_cause_category": "Bearing Fault",
                    "confidence": 0.6,
                    "pattern": VIBRATION_ALONE,
                }
            ]
        }
    )

    version: Version
    name: Word100
    description: bodies.Prose | None = None
    pattern: PatternBody
    root_cause_category: Word100
    confidence: Confidence
    priority: Priority = 100

    def as_content(self) -> Content:
        content: Content = self.model_dump(mode="json", exclude={"version", "pattern"})
        return content | {"pattern": self.pattern.as_stored(), "confidence": float(self.confidence)}


class Publication(NewBody):
    """``without_back_test`` says that it is known that nobody has tried the draft."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 2, "without_back_test": True}]})

    version: Version
    without_back_test: bool = False


class Retirement(NewBody):
    """The rule as it was read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 2}]})

    version: Version


class WayBack(NewBody):
    """``to`` is the version whose content is wanted again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 3, "to": 1}]})

    version: Version
    to: Annotated[int, Field(ge=1, le=bodies.LARGEST_ID)]


def revision_json(row: RuleRevision) -> Json:
    return {
        "rule_id": row.rule_id,
        "version": row.version,
        "deed": row.deed,
        "is_published": row.is_published,
        "content": row.content,
        "proof": row.proof,
        "made_by": row.made_by,
        "made_at": when(row.made_at),
    }


async def _to_change(tx: Tx, rule_id: int, version: int) -> RcaRule:
    """The rule, locked and as it was read. Raises NotFound, NotAllowed, Conflict."""
    await lock_settings(tx)
    row = await find(tx, RcaRule, rule_id, RULE)
    check_own(row)
    check_version(row, version)
    await begin_history(tx, row)
    return row


@router.get("/{rule_id}/revisions", summary="Read the history of a causal rule")
async def list_revisions(_viewer: Reading, tx: OpenTx, rule_id: RowId) -> Json:
    """Every version, the newest first; none for a rule that nobody has changed since it was made."""
    await find(tx, RcaRule, rule_id, RULE)
    found = [revision_json(row) for row in await history(tx, rule_id)]
    return {"items": found, "total": len(found)}


@router.put("/{rule_id}/draft", summary="Save a draft of a causal rule")
async def save_draft(
    request: Request, viewer: Managing, tx: OpenTx, rule_id: RowId, body: DraftOfRule
) -> Json:
    """What is in force stays so until the draft is published. 409 where somebody was faster."""
    row = await _to_change(tx, rule_id, body.version)
    content = body.as_content()
    await check_rule(tx, RcaRule(**content, id=row.id, tenant_id=row.tenant_id))
    if row.is_active is False:
        put_content(row, content)
    row.draft = content
    add_step(tx, row, viewer, "drafted", content)
    _noted(tx, viewer, request, row, "rule_drafted")
    return rule_json(row)


@router.delete("/{rule_id}/draft", summary="Discard the draft of a causal rule")
async def discard_draft(
    request: Request, viewer: Managing, tx: OpenTx, rule_id: RowId, version: VersionRead
) -> Json:
    """What is in force stays; a rule that never was in force is retired. Its history keeps the draft."""
    row = await _to_change(tx, rule_id, version)
    if not row.draft:
        raise Conflict(f'"{row.name}" has no draft.')
    row.draft = None
    add_step(tx, row, viewer, "discarded", content_of(row))
    _noted(tx, viewer, request, row, "rule_draft_discarded")
    return rule_json(row)


@router.post("/{rule_id}/publish", summary="Publish a causal rule")
async def publish_rule(
    request: Request, viewer: Managing, tx: OpenTx, kept: Kept, rule_id: RowId, body: Publication
) -> Json:
    """The draft is in force from the next analysis on; of a retired rule what it said.

    409 without a back-test of exactly this draft in the last hour, unless ``without_back_test`` says so.
    """
    row = await _to_change(tx, rule_id, body.version)
    if row.draft is None and state_of(row) == "published":
        raise Conflict(f'"{row.name}" is published as it is: there is no draft.')
    content = said_by(row)
    proof = proof_of(kept, written_tenant(tx), content)
    if proof is None and not body.without_back_test:
        raise Conflict(
            "No back-test of this draft is known; results are kept for an hour."
            " Run one first, or publish without."
        )
    return await _in_force(tx, viewer, request, row, content, "published", proof)


async def _in_force(
    tx: Tx, viewer: Viewer, request: Request, row: RcaRule, content: Content, deed: str, proof: Json | None
) -> Json:
    old = _facts(row)
    put_content(row, content)
    row.draft, row.is_active = None, True
    await check_rule(tx, row)
    is_back = deed == "reverted"
    add_step(tx, row, viewer, "reverted" if is_back else "published", content, proof)
    said = f'Rule "{row.name}" ({cause_label(row.root_cause_category)})'
    summary = f"{said} put back to an earlier version" if is_back else f"{said} published"
    change = Change(f"rule_{deed}", "rca_rule", row.id, summary, old, _facts(row))
    await tx.session.flush()
    await changes.record(tx, viewer, request, change)
    return rule_json(row)


@router.post("/{rule_id}/retire", summary="Take a causal rule out of force")
async def retire_rule(
    request: Request, viewer: Managing, tx: OpenTx, rule_id: RowId, body: Retirement
) -> Json:
    """No further analysis asks it. A draft that waits is discarded; the history keeps both."""
    row = await _to_change(tx, rule_id, body.version)
    if row.is_active is False:
        raise Conflict(f'"{row.name}" is not in force.')
    old = _facts(row)
    row.is_active, row.draft = False, None
    add_step(tx, row, viewer, "retired", content_of(row))
    summary = f'Rule "{row.name}" taken out of force'
    change = Change("rule_retired", "rca_rule", row.id, summary, old, _facts(row))
    await changes.record(tx, viewer, request, change)
    return rule_json(row)


@router.post("/{rule_id}/revert", summary="Go back to a version of a causal rule")
async def revert_rule(request: Request, viewer: Managing, tx: OpenTx, rule_id: RowId, body: WayBack) -> Json:
    """A new version: one that was in force is again, one that was only a draft becomes the draft."""
    row = await _to_change(tx, rule_id, body.version)
    wanted = await find_version(tx, rule_id, body.to)
    if wanted.is_published:
        return await _in_force(tx, viewer, request, row, wanted.content, "reverted", wanted.proof)
    await check_rule(tx, RcaRule(**wanted.content, id=row.id, tenant_id=row.tenant_id))
    row.draft = wanted.content
    if row.is_active is False:
        put_content(row, wanted.content)
    add_step(tx, row, viewer, "drafted", wanted.content)
    _noted(tx, viewer, request, row, "rule_drafted")
    return rule_json(row)


def _noted(tx: Tx, viewer: Viewer, request: Request, row: RcaRule, action: str) -> None:
    """What changes nothing in force is written down, and no event of the plant."""
    audit.record(tx, viewer.user_id, row.tenant_id, action, "rca_rule", row.id, request, new=_facts(row))


def _facts(row: RcaRule) -> Json:
    return content_of(row) | {
        "draft": row.draft,
        "is_active": row.is_active is not False,
        "version": row.version,
    }
