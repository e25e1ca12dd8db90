"""Causal rules: an AND over what was seen, read from JSON rows, matched against what the plant said.

A pattern is ``{"asset_types": [...], "all": [...], "also": [...], "contrary": [...]}``. ``all`` must be met,
``also`` makes the rule likelier, ``contrary`` less likely. A condition is ``{"metric": "vibration",
"direction": "high", "min_score": 3, "at": "own"}``: ``min_score`` in standard deviations of the reference
period, ``at`` is the asset itself (own) or a process neighbour (up, down). A limit event of the metric
meets it when the value is beyond the approved limit.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from optria.core.errors import Invalid
from optria.core.incident import cause_label

Direction: TypeAlias = Literal["high", "low", "noisy", "stuck", "rising", "falling", "alone"]
Place: TypeAlias = Literal["own", "up", "down"]

DEFAULT_MIN_SCORE = 3.0
_SUPPORT_GAIN = 0.25
_CONTRARY_LOSS = 0.8


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing to be seen. ``alone``: a single tag left all others.

    ``metric`` "*" is any, "discharge_pressure|pressure" whichever of them the asset has.
    ``over``: the score must be more than ``ratio`` times that of this metric in the same direction, or in
    ``over_direction``: an approach temperature that rises by more than the flow falls.
    """

    metric: str
    direction: Direction
    min_score: float = DEFAULT_MIN_SCORE
    at: Place = "own"
    over: str = ""
    ratio: float = 1.0
    over_direction: Direction | None = None

    @property
    def rival_direction(self) -> Direction:
        """In which direction the metric ``over`` counts."""
        return self.over_direction or self.direction


@dataclass(frozen=True, slots=True)
class CausalRule:
    """``weight`` (0-1] is the row's confidence; an empty ``asset_types`` holds for every type."""

    id: int
    name: str
    cause: str
    conditions: tuple[Condition, ...]
    supports: tuple[Condition, ...] = ()
    contrary: tuple[Condition, ...] = ()
    asset_types: frozenset[str] = frozenset()
    weight: float = 0.5
    description: str = ""
    priority: int = 100

    def holds_for(self, asset_type: str) -> bool:
        return not self.asset_types or asset_type.casefold() in {t.casefold() for t in self.asset_types}


@dataclass(frozen=True, slots=True)
class Observation:
    """Something the plant said, by a limit event (``event``) or by its signals.

    For signals ``score`` is in standard deviations. For a limit event it is how far beyond the limit the
    value is, as a share of the limit; it counts whatever ``min_score`` asks, because an approved limit is
    the plant's own measure.
    """

    metric: str
    direction: Direction
    score: float
    at: Place = "own"
    event: bool = False
    tag: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """How far a rule is met: ``likelihood`` 0 where a condition is ``missing``."""

    rule: CausalRule
    likelihood: float
    met: tuple[tuple[Condition, tuple[Observation, ...]], ...]
    missing: tuple[Condition, ...]
    against: tuple[Condition, ...]


def match_rules(
    rules: Iterable[CausalRule], observations: Sequence[Observation], asset_type: str
) -> tuple[Match, ...]:
    """Every rule of this asset type against all observations, likeliest first."""
    matches = [match_rule(rule, observations) for rule in rules if rule.holds_for(asset_type)]
    return tuple(sorted(matches, key=lambda m: (-m.likelihood, m.rule.priority, m.rule.id)))


def match_rule(rule: CausalRule, observations: Sequence[Observation]) -> Match:
    """Likelihood = weight x geometric mean of the conditions x what supports it x what is not against it.

    Each further observation of the same condition raises its strength (noisy OR), so two matching events
    score higher than one.
    """
    met = [(c, meeting(c, observations)) for c in rule.conditions]
    missing = tuple(condition for condition, seen in met if not seen)
    against = tuple(c for c in rule.contrary if meeting(c, observations))
    supports = [(c, meeting(c, observations)) for c in rule.supports]
    found = tuple((c, seen) for c, seen in (*met, *supports) if seen)
    likelihood = 0.0
    if not missing:
        strengths = [_strength(c, seen) for c, seen in met]
        likelihood = rule.weight * math.prod(strengths) ** (1.0 / len(strengths))
        likelihood *= 1.0 + sum(_SUPPORT_GAIN * _strength(c, seen) for c, seen in supports if seen)
        likelihood *= math.prod(
            1.0 - _CONTRARY_LOSS * _strength(c, meeting(c, observations)) for c in against
        )
    return Match(rule, likelihood, found, missing, against)


def meeting(condition: Condition, observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """The observations that meet a condition."""
    found = tuple(o for o in observations if _meets(o, condition))
    if not condition.over or not found:
        return found
    rivals = Condition(condition.over, condition.rival_direction, 1e-9, condition.at)
    floor = condition.ratio * max(
        (o.score for o in observations if not o.event and _meets(o, rivals)), default=0.0
    )
    return tuple(o for o in found if not o.event and o.score > floor)


def _meets(seen: Observation, condition: Condition) -> bool:
    same = seen.at == condition.at and seen.direction == condition.direction
    named = condition.metric == "*" or seen.metric in condition.metric.split("|")
    return same and named and (seen.event or seen.score >= condition.min_score)


def _strength(condition: Condition, seen: Sequence[Observation]) -> float:
    """0.5 for a signal just at its minimum, towards 1 far beyond it or with many observations."""
    return 1.0 - math.prod(1.0 - _one_strength(condition, o) for o in seen)


def _one_strength(condition: Condition, seen: Observation) -> float:
    if seen.event:
        return 0.7 + 0.25 * min(seen.score, 1.0)
    return seen.score / (seen.score + condition.min_score)


def parse_rule(row: Mapping[str, object]) -> CausalRule:
    """A rule from its row of ``blackbox_rca_rules``.

    Raises Invalid with a sentence that names the rule, the place in its JSON and what is wrong there.
    """
    name = _text(row, "name", "A rule")
    say = _complaint(name)
    pattern = _mapping(row.get("pattern"), say("pattern must be an object"))
    conditions = _conditions(pattern, "all", say)
    if not conditions:
        raise say("pattern.all needs at least one condition")
    kinds = say("pattern.asset_types must be a list of words")
    return CausalRule(
        id=int(_number(row.get("id", 0), say("id must be a number"))),
        name=name,
        cause=cause_label(_text(row, "root_cause_category", f'Rule "{name}"')),
        conditions=conditions,
        supports=_conditions(pattern, "also", say),
        contrary=_conditions(pattern, "contrary", say),
        asset_types=_words(pattern.get("asset_types", []), kinds),
        weight=_weight(row.get("confidence"), say),
        description=str(row.get("description") or ""),
        priority=int(_number(row.get("priority") or 100, say("priority must be a number"))),
    )


Say: TypeAlias = Callable[[str], Invalid]


def _complaint(name: str) -> Say:
    return lambda problem: Invalid(f'Rule "{name}": {problem}.')


def _conditions(pattern: Mapping[str, object], key: str, say: Say) -> tuple[Condition, ...]:
    rows = pattern.get(key, [])
    if not isinstance(rows, list):
        raise say(f"pattern.{key} must be a list of conditions")
    return tuple(_condition(row, f"pattern.{key}[{place}]", say) for place, row in enumerate(rows))


def _condition(row: object, where: str, say: Say) -> Condition:
    cells = _mapping(row, say(f"{where} must be an object"))
    metric = cells.get("metric")
    if not isinstance(metric, str) or not metric:
        raise say(f"{where}.metric is missing")
    direction, at = _direction(cells.get("direction"), f"{where}.direction", say), cells.get("at", "own")
    if at not in get_args(Place):
        raise say(f"{where}.at must be one of {', '.join(get_args(Place))}")
    score = _above_zero(cells.get("min_score", DEFAULT_MIN_SCORE), f"{where}.min_score", say)
    over, ratio = cells.get("over", ""), _above_zero(cells.get("ratio", 1.0), f"{where}.ratio", say)
    if not isinstance(over, str):
        raise say(f"{where}.over must be a metric")
    rival = cells.get("over_direction")
    against = None if rival is None else _direction(rival, f"{where}.over_direction", say)
    return Condition(metric, direction, score, cast("Place", at), over, ratio, against)


def _direction(value: object, where: str, say: Say) -> Direction:
    if value not in get_args(Direction):
        raise say(f"{where} must be one of {', '.join(get_args(Direction))}")
    return cast("Direction", value)


def _above_zero(value: object, where: str, say: Say) -> float:
    number = _number(value, say(f"{where} must be a number"))
    if number <= 0.0:
        raise say(f"{where} must be above 0")
    return number


def _weight(confidence: object, say: Say) -> float:
    weight = _number(0.5 if confidence is None else confidence, say("confidence must be a number"))
    if not 0.0 < weight <= 1.0:
        raise say("confidence must be above 0 and at most 1")
    return weight


def _mapping(value: object, otherwise: Invalid) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise otherwise
    return value


def _words(value: object, otherwise: Invalid) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise otherwise
    return frozenset(value)


def _number(value: object, otherwise: Invalid) -> float:
    if isinstance(value, bool) or value is None:
        raise otherwise
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever the row holds; Decimal and text are fine
    except (TypeError, ValueError, OverflowError):
        raise otherwise from None
    if not math.isfinite(number):
        raise otherwise
    return number


def _text(row: Mapping[str, object], key: str, who: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"{who}: {key} is missing.")
    return value.strip()
