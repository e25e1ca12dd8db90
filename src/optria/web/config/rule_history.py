"""The life of a causal rule: drafted, published, retired; every step is a version that stays as it was.

What the analysis asks are the columns of the rule itself, and only while ``is_active``; a draft waits beside
them. A rule that nobody has changed has no history yet: its first change writes down how it was found.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import select

from optria.core.errors import Conflict, NotAllowed, NotFound
from optria.core.incident import cause_label
from optria.db.blackbox import RcaRule, RuleRevision
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.rules import CausalRule, parse_rule
from optria.web.sessions import Viewer
from optria.web.shapes import Json, number

RuleState = Literal["published", "draft", "retired"]
Deed = Literal["found", "drafted", "published", "reverted", "retired", "discarded"]
Content = dict[str, Any]
"""What a rule says, as the history keeps it: the columns of CONTENT in JSON."""
CONTENT = ("name", "description", "pattern", "root_cause_category", "confidence", "priority")
MOST_VERSIONS = 200


def state_of(row: RcaRule) -> RuleState:
    if row.is_active is not False:
        return "published"
    return "draft" if row.draft else "retired"


def content_of(row: RcaRule) -> Content:
    """What the row says, published or not."""
    return {name: getattr(row, name) for name in CONTENT} | {"confidence": number(row.confidence)}


def said_by(row: RcaRule) -> Content:
    """What is worked on: the draft where there is one, else what the row says."""
    return row.draft or content_of(row)


def put_content(row: RcaRule, content: Content) -> None:
    for name in CONTENT:
        setattr(row, name, content.get(name))
    row.confidence = None if row.confidence is None else Decimal(str(row.confidence))
    row.updated_at = clock.now()


def rule_of(content: Content, rule_id: int = 0) -> CausalRule:
    """The content as the analysis would read it. Raises Invalid."""
    return parse_rule({**content, "id": rule_id})


def check_own(row: RcaRule) -> None:
    """Raises NotAllowed for a rule of the system."""
    if row.tenant_id is None or row.is_system:
        raise NotAllowed("This is a rule of the system: it can be read, not changed.")


def check_version(row: RcaRule, version: int | None) -> None:
    """Raises Conflict where somebody else has changed the rule since it was read."""
    if version is not None and version != row.version:
        raise Conflict(
            f'"{row.name}" was changed by somebody else meanwhile: it is at version {row.version},'
            f" you have read version {version}. Load it again."
        )


async def begin_history(tx: Tx, row: RcaRule) -> None:
    """Write down how a rule was found before its first change, so that one can go back to it."""
    if row.version == 0:
        row.version = 1
        tx.session.add(_revision(row, "found", content_of(row), None, row.is_active is not False))
        await tx.session.flush()


def add_step(
    tx: Tx, row: RcaRule, viewer: Viewer, deed: Deed, content: Content, proof: Json | None = None
) -> None:
    """The next version of the rule's history."""
    row.version += 1
    revision = _revision(row, deed, content, viewer.user_id, deed in ("published", "reverted"))
    revision.proof = proof
    tx.session.add(revision)


def _revision(
    row: RcaRule, deed: Deed, content: Content, made_by: int | None, is_published: bool
) -> RuleRevision:
    return RuleRevision(
        tenant_id=row.tenant_id,
        rule_id=row.id,
        version=row.version,
        deed=deed,
        is_published=is_published,
        content=dict(content),
        made_by=made_by,
        made_at=row.created_at if deed == "found" and row.created_at else clock.now(),
    )


async def history(tx: Tx, rule_id: int) -> Sequence[RuleRevision]:
    """The versions of a rule, the newest first."""
    query = select(RuleRevision).where(RuleRevision.rule_id == rule_id)
    query = query.order_by(RuleRevision.version.desc()).limit(MOST_VERSIONS)
    return (await tx.session.scalars(query)).all()


async def find_version(tx: Tx, rule_id: int, version: int) -> RuleRevision:
    """Raises NotFound."""
    query = select(RuleRevision).where(RuleRevision.rule_id == rule_id, RuleRevision.version == version)
    found = (await tx.session.scalars(query)).first()
    if found is None:
        raise NotFound(f"This rule has no version {version}.")
    return found


def differences(old: Content, new: Content) -> list[str]:
    """The names of what two versions say differently; the groups of the pattern by their own names."""
    same_cause = cause_label(old["root_cause_category"]) == cause_label(new["root_cause_category"])
    equal = {"pattern"} | ({"root_cause_category"} if same_cause else set())
    names = [name for name in CONTENT if name not in equal and old.get(name) != new.get(name)]
    before, after = old.get("pattern") or {}, new.get("pattern") or {}
    groups = ("asset_types", "all", "also", "contrary")
    return names + [name for name in groups if (before.get(name) or []) != (after.get(name) or [])]
