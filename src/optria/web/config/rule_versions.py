"""The history of a rule as its page shows it: who, when, and what was said differently."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from optria.core.errors import Invalid
from optria.db.blackbox import RuleRevision
from optria.rca.rules import Condition
from optria.web.config.rule_history import Content, differences, rule_of
from optria.web.config.rule_words import PARTS, condition_word
from optria.web.page_words import cause_word
from optria.web.shapes import Json


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of a rule: before and after in words."""

    part: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Version:
    """``who`` is empty where nobody is known; ``proof`` the back-test that came before."""

    number: int
    deed: str
    is_published: bool
    made_at: datetime
    who: str
    proof: Json | None
    changes: tuple[Difference, ...]


def versions(steps: Sequence[RuleRevision], names: Mapping[int, str], language: str) -> list[Version]:
    """The newest first, each against the one before it."""
    return [
        Version(
            number=new.version,
            deed=new.deed,
            is_published=new.is_published,
            made_at=new.made_at,
            who=names.get(new.made_by or 0, ""),
            proof=new.proof,
            changes=_changes(old.content, new.content, language) if old else (),
        )
        for new, old in zip_longest(steps, steps[1:])
    ]


def _changes(old: Content, new: Content, language: str) -> tuple[Difference, ...]:
    parts = differences(old, new)
    return tuple(
        Difference(PARTS[part], _said(old, part, language), _said(new, part, language)) for part in parts
    )


def _said(content: Content, part: str, language: str) -> str:
    if part in ("all", "also", "contrary"):
        return ", ".join(_with_score(one, language) for one in _conditions(content, part))
    if part == "asset_types":
        return ", ".join(map(str, (content.get("pattern") or {}).get("asset_types") or ()))
    value = content.get(part)
    if part == "root_cause_category":
        return cause_word(str(value), language)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _conditions(content: Content, part: str) -> Sequence[Condition]:
    try:
        rule = rule_of(content)
    except Invalid:
        return ()
    return {"all": rule.conditions, "also": rule.supports, "contrary": rule.contrary}[part]


def _with_score(condition: Condition, language: str) -> str:
    return f"{condition_word(condition, language)} \u2066\u2265 {condition.min_score:g} \u03c3\u2069"
