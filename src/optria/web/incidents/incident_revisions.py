"""What changed from one analysis of an incident to the next: causes, evidence, impact, story, sources."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from optria.core.incident import Analysis, Evidence
from optria.web.shapes import Json

_Key = tuple[str, str, int | None, str | None, int | None]


def changes_between(before: Analysis | None, after: Analysis) -> Json:
    """The differences of two revisions; of the first one, which has none before it, empty lists."""
    if before is None:
        return {"first": True, "causes": [], "evidence": [], "impact": [], "story": [], "sources": []}
    return {
        "first": False,
        "causes": list(_causes(before.scores, after.scores)),
        "evidence": list(_evidence(before, after)),
        "impact": list(_impact(before, after)),
        "story": list(_story(before, after)),
        "sources": _sources(before, after),
    }


def _causes(before: Mapping[str, float], after: Mapping[str, float]) -> Iterator[Json]:
    for label in sorted({*before, *after}, key=lambda cause: -after.get(cause, 0.0)):
        old, new = before.get(label, 0.0), after.get(label, 0.0)
        if _reads(new) != _reads(old):
            yield {"label": label, "before": old, "after": new}


def _reads(share: float) -> str:
    """In hundredths, as pages write it: what reads the same has not changed."""
    return f"{share:.2f}"


def _rows(analysis: Analysis) -> dict[_Key, tuple[str, Evidence]]:
    """The evidence by what it is about: its words hold figures that change each time."""
    return {
        (cause.label, row.kind, row.rule_id, row.incident_number, row.tag): (cause.label, row)
        for cause in analysis.causes
        for row in cause.evidence
    }


def _evidence(before: Analysis, after: Analysis) -> Iterator[Json]:
    old, new = _rows(before), _rows(after)
    for key in [*new, *(key for key in old if key not in new)]:
        cause, row = new.get(key) or old[key]
        was = old[key][1].share if key in old else None
        now = new[key][1].share if key in new else None
        if _reads(now or 0.0) != _reads(was or 0.0):
            change = "gained" if was is None else "lost" if now is None else "moved"
            words = {"text": row.text, "text_ar": row.text_ar}
            yield {"change": change, "cause": cause, "before": was, "after": now, **words}


def _impact(before: Analysis, after: Analysis) -> Iterator[Json]:
    """Downtime in hours, cost in its currency, carbon in kg: what differs, None where it was not known."""
    old, new = _amounts(before), _amounts(after)
    money = after.financial or before.financial
    for key in old:
        if old[key] != new[key]:
            currency = money.currency if money and key == "cost" else None
            yield {"key": key, "before": _number(old[key]), "after": _number(new[key]), "currency": currency}


def _amounts(analysis: Analysis) -> dict[str, Decimal | None]:
    money, carbon = analysis.financial, analysis.carbon
    return {
        "downtime_hours": round(money.downtime_h, 1) if money else None,
        "cost": round(money.amount, 0) if money else None,
        "carbon_kg": round(carbon.carbon_kg, 1) if carbon else None,
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _story(before: Analysis, after: Analysis) -> Iterator[Json]:
    """The sentences that were added and those that went, in both languages by their place."""
    for change, of, other in (("lost", before, after), ("gained", after, before)):
        known = set(other.story.split("\n"))
        arabic = of.story_ar.split("\n")
        for place, line in enumerate(of.story.split("\n")):
            if line.strip() and line not in known:
                text_ar = arabic[place] if place < len(arabic) else line
                yield {"change": change, "text": line, "text_ar": text_ar}


def _sources(before: Analysis, after: Analysis) -> list[Json]:
    old, new = set(before.missing_sources), set(after.missing_sources)
    missing: list[Json] = [{"change": "lost", "source": source} for source in sorted(new - old)]
    return missing + [{"change": "gained", "source": source} for source in sorted(old - new)]
