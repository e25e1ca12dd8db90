"""Why it is not another cause: what its rule lacks, in figures, what speaks against it, and its history."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from optria.core.incident import OTHER, Lack, RootCause
from optria.rca.case import PastIncident
from optria.rca.rules import Condition, Match
from optria.rca.signals import Signals, TagSignal
from optria.rca.similarity import CANDIDATE, Compared
from optria.rca.words import Words, cause_words, ltr, not_seen, number, percent, speaks_against

_MOST = 6
_SIDE = {"high": 1.0, "low": -1.0, "rising": 1.0, "falling": -1.0, "noisy": 1.0, "stuck": -1.0}


def explain_losers(
    causes: Sequence[RootCause],
    matches: Sequence[Match],
    compared: Sequence[Compared],
    signals: Signals | None,
    history: Sequence[PastIncident] = (),
) -> tuple[RootCause, ...]:
    """The same causes; each but the first says what it lacks. ``history`` is what ``compared`` came from."""
    top, *losers = causes
    told = [
        replace(cause, why_not=tuple(_lacks(cause, top, matches, compared, signals, history)[:_MOST]))
        for cause in losers
    ]
    return (top, *told)


def _lacks(
    cause: RootCause,
    top: RootCause,
    matches: Sequence[Match],
    compared: Sequence[Compared],
    signals: Signals | None,
    history: Sequence[PastIncident],
) -> list[Lack]:
    if cause.label == OTHER:
        return [_explained(cause)]
    own = [match for match in matches if match.rule.cause == cause.label]
    best = max(own, key=lambda m: (m.likelihood, -len(m.missing)), default=None)
    lacks = _of_rule(best, signals) if best else [_no_rule()]
    lacks += _of_history(cause.label, compared, history)
    met = best is not None and best.likelihood > 0.0
    return [_weaker(cause, top), *lacks] if met else lacks


def _of_rule(match: Match, signals: Signals | None) -> list[Lack]:
    """What the rule needs and was not seen, then what speaks against it, then what would support it."""
    met = {condition for condition, _ in match.met}
    supports = [condition for condition in match.rule.supports if condition not in met]
    rows = [_not_met("condition", condition, signals) for condition in match.missing]
    rows += [_against(condition, signals) for condition in match.against]
    rows += [_not_met("support", condition, signals) for condition in supports]
    return [replace(row, rule_id=match.rule.id) for row in rows]


@dataclass(frozen=True, slots=True)
class _Measure:
    """What a tag shows of a condition: as it is and as it would have to be, ``factor`` in ``unit``."""

    tag: TagSignal
    measured: float
    needed: float
    unit: str
    decimals: int | None

    def shown(self, value: float) -> str:
        unit = f"\u00a0{self.unit}" if self.unit else ""
        return number(value, self.decimals) + unit


def _measure(condition: Condition, signals: Signals | None) -> _Measure | None:
    """The tag that comes nearest to a condition; None where no tag can show it."""
    if condition.direction not in _SIDE:
        return None
    tags = [tag for tag in (signals.tags if signals else ()) if _speaks_of(tag, condition)]
    side = _SIDE[condition.direction]
    nearest = max(tags, key=lambda tag: side * _moved(tag, condition.direction), default=None)
    return None if nearest is None else _figures(nearest, condition, signals)


def _speaks_of(tag: TagSignal, condition: Condition) -> bool:
    named = condition.metric == "*" or tag.mapping.metric in condition.metric.split("|")
    return named and tag.at == condition.at


def _moved(tag: TagSignal, direction: str) -> float:
    """In deviations, or half ones of a slope."""
    if direction in ("noisy", "stuck"):
        return tag.noise
    return tag.slope if direction in ("rising", "falling") else tag.level


def _figures(tag: TagSignal, condition: Condition, signals: Signals | None) -> _Measure:
    direction, limit = condition.direction, _SIDE[condition.direction] * condition.min_score
    unit = tag.mapping.unit if tag.mapping.unit not in ("", "-") else ""
    decimals = tag.mapping.decimals
    if condition.over:
        least = max(condition.min_score, condition.ratio * _rival(condition, signals))
        return _Measure(tag, abs(_moved(tag, direction)), least, "σ", 1)
    if direction in ("noisy", "stuck"):
        return _Measure(tag, math.exp(0.15 * tag.noise), math.exp(0.15 * limit), "×", 2)
    if direction in ("rising", "falling"):
        return _Measure(tag, 2.0 * tag.slope * tag.spread, 2.0 * limit * tag.spread, unit, decimals)
    return _Measure(tag, tag.after, tag.reference + limit * tag.spread, unit, decimals)


def _rival(condition: Condition, signals: Signals | None) -> float:
    """How far the metric has moved that this one must exceed, deviations."""
    rivals = [t for t in (signals.tags if signals else ()) if t.mapping.metric == condition.over]
    direction = condition.rival_direction
    side = _SIDE[direction]
    return max((side * _moved(t, direction) for t in rivals if t.at == condition.at), default=0.0)


def _not_met(kind: str, condition: Condition, signals: Signals | None) -> Lack:
    words, shown = not_seen(condition), _measure(condition, signals)
    if shown is None:
        return _unseen(kind, condition, signals)
    above = _SIDE[condition.direction] > 0
    least = Words("at least", "على الأقل") if above else Words("at most", "على الأكثر")
    wish = Words("needed", "والمطلوب") if kind == "condition" else Words("would support it", "ويدعمه")
    now, wanted = _now(condition, shown), shown.shown(shown.needed)
    return _told(
        kind,
        Words(
            f"{words.en}: {now.en}, {least.en} {wanted} {wish.en}",
            f"{words.ar}: {now.ar}، {wish.ar} {ltr(wanted)} {least.ar}",
        ),
        shown,
    )


def _told(kind: str, words: Words, shown: _Measure) -> Lack:
    tag = shown.tag.mapping.id
    return Lack(kind, words.en, words.ar, shown.measured, shown.needed, shown.unit, tag)


def _unseen(kind: str, condition: Condition, signals: Signals | None) -> Lack:
    """A condition that no tag can show in figures: nothing measures it, or it is about the tags' relation."""
    words = not_seen(condition)
    if condition.direction not in _SIDE and signals is not None:
        return Lack(kind, words.en, words.ar)
    en, ar = f"{words.en}: no tag measures it here", f"{words.ar}: لا توجد إشارة تقيسه هنا"
    return Lack("not_measured", en, ar)


def _now(condition: Condition, shown: _Measure) -> Words:
    """What the tag shows: its value, its change or its scatter."""
    tag, value = shown.tag.mapping.instrument, shown.shown(shown.measured)
    if condition.over:
        return Words(f"{tag} moved {value}", f"تحركت {ltr(tag)} بمقدار {ltr(value)}")
    if condition.direction in ("noisy", "stuck"):
        return Words(f"{tag} scatters {value} its usual", f"تشتت {ltr(tag)} يعادل {ltr(value)} من المعتاد")
    if condition.direction in ("rising", "falling"):
        return Words(f"{tag} changed by {value}", f"تغيرت {ltr(tag)} بمقدار {ltr(value)}")
    return Words(f"{tag} is at {value}", f"قراءة {ltr(tag)} هي {ltr(value)}")


def _against(condition: Condition, signals: Signals | None) -> Lack:
    words, shown = speaks_against(condition), _measure(condition, signals)
    if shown is None:
        return Lack("contrary", words.en, words.ar)
    above = _SIDE[condition.direction] > 0
    side = Words("below", "أقل من") if above else Words("above", "أكثر من")
    now, limit = _now(condition, shown), shown.shown(shown.needed)
    return _told(
        "contrary",
        Words(
            f"{words.en}: {now.en}, {side.en} {limit} would not",
            f"{words.ar}: {now.ar}، وما يتفق معه {side.ar} {ltr(limit)}",
        ),
        shown,
    )


def _of_history(label: str, compared: Sequence[Compared], history: Sequence[PastIncident]) -> list[Lack]:
    own = [one for one in compared if one.past.cause == label]
    if any(one.is_candidate for one in own):
        return []
    if own:
        return [_too_unlike(max(own, key=lambda one: one.similarity))]
    count = sum(past.cause == label for past in history)
    if count:
        words = Words(
            f"none of its {count} past incidents is among the 20 most similar",
            f"ليس أي من حوادثه السابقة ({count}) ضمن العشرين الأكثر شبهاً",
        )
    else:
        words = Words("no past incident of this cause is known", "لا يُعرف حادث سابق بهذا السبب")
    return [Lack("no_history", words.en, words.ar)]


def _too_unlike(one: Compared) -> Lack:
    past, likeness, least = one.past.number, f"{one.similarity:.2f}", f"{CANDIDATE:.2f}"
    return Lack(
        "similarity",
        f"its nearest past incident {past} is alike by {likeness}, more than {least} needed",
        f"أقرب حادث سابق له {ltr(past)} بتشابه {ltr(likeness)}، والمطلوب أكثر من {ltr(least)}",
        one.similarity,
        CANDIDATE,
        incident_number=past,
    )


def _no_rule() -> Lack:
    text = "لا تذكره أي قاعدة سببية لهذا النوع من المعدات"
    return Lack("no_rule", "no causal rule of this asset type names it", text)


def _explained(cause: RootCause) -> Lack:
    known = percent(1.0 - cause.probability)
    return Lack(
        "weaker",
        f"known causes account for {known} of the probability",
        f"الأسباب المعروفة تفسر {ltr(known)} من الاحتمال",
        1.0 - cause.probability,
    )


def _weaker(cause: RootCause, top: RootCause) -> Lack:
    less, more, name = percent(cause.probability), percent(top.probability), cause_words(top.label)
    less = less if cause.probability > 0.0 else "<1%"
    return Lack(
        "weaker",
        f"its rule is met, but more speaks for {name.en}: {more} against {less}",
        f"قاعدته متحققة، لكن ما يدعم {name.ar} أقوى: {ltr(more)} مقابل {ltr(less)}",
        cause.probability,
        top.probability,
    )
