"""From history, rules and the first onset to a probability of each cause, and what each rests on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optria.core.incident import OTHER, Evidence, RootCause, cause_code
from optria.rca.case import PastIncident
from optria.rca.rules import CausalRule, Match
from optria.rca.signals import Floats
from optria.rca.similarity import CANDIDATE, Compared, mutual_likeness
from optria.rca.words import Words, cause_words, not_seen, seen, speaks_against

HISTORY_WEIGHT = 1.2
"""Weight of a past incident that is exactly alike; a sure rule has 1."""
TRACE, AT_LIMIT = 0.65, 0.27
"""Likeness from which a past incident says anything, and what one at the candidate limit says."""
ONSET_GAIN = 0.25
"""What a cause gains where the tag that left first is one of its rule's."""
OTHER_MASS, NOVELTY_MASS = 0.12, 0.25
"""Mass of the unexplained: always, and on top where nothing known fits."""
TEMPERATURE = 0.6
RULE_SURENESS = 0.6
"""From 150 faults of a simulated plant: their expected calibration error falls from 0.09 to 0.05 without
history and from 0.07 to 0.03 with it."""
TEMPERATURE_FROM, TEMPERATURE_MOST = 24, 80
"""Past incidents from which the temperature is fitted to them, and how many of them, the newest, it takes."""
MOST_CAUSES = 5
_TEMPERATURES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
_LEAST = 0.005


@dataclass(frozen=True, slots=True)
class Part:
    """One contribution to a cause's mass; ``evidence.share`` holds the mass until it is a probability."""

    cause: str
    evidence: Evidence


def score_causes(
    compared: Sequence[Compared],
    matches: Sequence[Match],
    first_metric: str | None,
    temperature: float = TEMPERATURE,
) -> tuple[RootCause, ...]:
    """RootCauseScore: probabilities that sum to 1, most likely first, always with Other.

    Mass m of a cause is the sum of its parts; p is m^(1/temperature), normalised. A cause's evidence shares
    its probability in proportion to the parts. Causes beyond the likeliest five join Other.
    """
    parts = [*history_parts(compared), *rule_parts(matches, first_metric)]
    masses = total_masses(parts)
    masses[OTHER] = other_mass(masses)
    probabilities = tempered(masses, temperature)
    causes = [
        _cause(label, probability, [p for p in parts if p.cause == label], masses[label])
        for label, probability in probabilities.items()
        if label != OTHER
    ]
    causes.sort(key=lambda cause: (-cause.probability, cause.label))
    kept = [c for c in causes[:MOST_CAUSES] if c.probability >= _LEAST]
    explained = [*kept, _other(1.0 - sum(c.probability for c in kept))]
    explained.sort(key=lambda cause: (-cause.probability, cause.label))
    return (*_with_missing(explained, matches, compared), *_near_misses(explained, matches))


def history_parts(compared: Sequence[Compared]) -> list[Part]:
    """What past incidents add to their causes, most similar first.

    Of the same cause each further one adds half as much as the one before, and the less the less alike it
    is: several that hardly resemble say no more than one. Below the candidate limit an incident still says
    a little, down to TRACE.
    """
    rank: dict[str, int] = {}
    parts = []
    for one in compared:
        if one.similarity <= TRACE:
            continue
        cause = one.past.cause
        rank[cause] = rank.get(cause, -1) + 1
        mass = history_mass(one.similarity, rank[cause])
        text = _likeness_words(one)
        parts.append(Part(cause, Evidence("history", text.en, text.ar, mass, one.past.number)))
    return parts


def _likeness_words(one: Compared) -> Words:
    number = f"{one.past.number} ({one.similarity:.2f})"
    if one.is_candidate:
        return Words(f"Similar to {number}", f"مشابه للحادث {number}")
    return Words(f"Somewhat like {number}", f"يشبه إلى حد ما الحادث {number}")


def history_mass(similarity: float, rank: int) -> float:
    """Mass from the past incident that is the ``rank``-th nearest (from 0) of its cause."""
    close = closeness(similarity)
    return HISTORY_WEIGHT * close * (close * 0.5**rank if rank else 1.0)


def closeness(similarity: float) -> float:
    """0 at TRACE, AT_LIMIT at the candidate limit, 1 for the same; straight between."""
    if similarity > CANDIDATE:
        return AT_LIMIT + (1.0 - AT_LIMIT) * (similarity - CANDIDATE) / (1.0 - CANDIDATE)
    return AT_LIMIT * max(0.0, similarity - TRACE) / (CANDIDATE - TRACE)


def rule_parts(matches: Sequence[Match], first_metric: str | None) -> list[Part]:
    """Each matched rule adds its likelihood to its cause; a cause one of whose tags was the first to leave
    gains a quarter of its likeliest such rule.
    """
    met = [match for match in matches if match.likelihood > 0.0]
    parts = []
    for match in met:
        text = _rule_words(match)
        row = Evidence("rule", text.en, text.ar, match.likelihood, None, match.rule.id, _tag_of(match))
        parts.append(Part(match.rule.cause, row))
    led = [match for match in met if first_metric and _names(match.rule, first_metric)]
    for cause in dict.fromkeys(match.rule.cause for match in led):
        best = max((m for m in led if m.rule.cause == cause), key=lambda m: m.likelihood)
        words = Words("Its tag was the first to leave normal", "إشارته أول ما خرج عن المعتاد")
        gain = ONSET_GAIN * best.likelihood
        row = Evidence("onset", words.en, words.ar, gain, None, best.rule.id, _tag_of(best))
        parts.append(Part(cause, row))
    return parts


def _tag_of(match: Match) -> int | None:
    return next((o.tag for _, found in match.met for o in found if o.tag is not None), None)


def _names(rule: CausalRule, metric: str) -> bool:
    return any(metric in c.metric.split("|") and c.at == "own" for c in rule.conditions)


def total_masses(parts: Sequence[Part]) -> dict[str, float]:
    masses: dict[str, float] = {}
    for part in parts:
        masses[part.cause] = masses.get(part.cause, 0.0) + part.evidence.share
    return masses


def other_mass(masses: Mapping[str, float]) -> float:
    """The unexplained: a floor, and the more the weaker the best known cause is."""
    best = max((mass for label, mass in masses.items() if label != OTHER), default=0.0)
    return masses.get(OTHER, 0.0) + OTHER_MASS + NOVELTY_MASS * max(0.0, 1.0 - best)


def tempered(masses: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Masses to the power 1/temperature, normalised to sum to 1."""
    powers = {label: mass ** (1.0 / temperature) for label, mass in masses.items() if mass > 0.0}
    total = sum(powers.values())
    return {label: power / total for label, power in powers.items()}


def sureness(matches: Sequence[Match]) -> float:
    """What a met rule takes off the temperature: of its conditions the fit to history knows nothing."""
    return RULE_SURENESS if any(match.likelihood > 0.0 for match in matches) else 1.0


def fit_temperature(history: Sequence[PastIncident]) -> float:
    """The temperature under which past incidents, each left out in turn, are told best by the others.

    By log-likelihood of the confirmed cause, comparing by signature; the default where history is short. A
    past incident that is the only one of its cause says nothing of it: no other could have told it.
    """
    known = [past for past in history if past.signature][:TEMPERATURE_MOST]
    often = Counter(past.cause for past in known)
    told_by_others = np.array([past.cause == OTHER or often[past.cause] > 1 for past in known], dtype=bool)
    if told_by_others.sum() < TEMPERATURE_FROM:
        return TEMPERATURE
    labels = [*dict.fromkeys(past.cause for past in known if past.cause != OTHER), OTHER]
    masses = _left_out_masses(known, labels)[told_by_others]
    confirmed = np.array([labels.index(past.cause) for past in known])[told_by_others]

    def log_likelihood(temperature: float) -> float:
        powers = masses ** (1.0 / temperature)
        told = powers[np.arange(len(masses)), confirmed] / powers.sum(axis=1)
        return float(np.log(np.maximum(told, 1e-3)).sum())

    return max(_TEMPERATURES, key=log_likelihood)


def _left_out_masses(known: Sequence[PastIncident], labels: Sequence[str]) -> Floats:
    """Mass of each label (column) for each past incident (row) as the others see it."""
    cosines = mutual_likeness(known)
    np.fill_diagonal(cosines, -1.0)
    columns = [labels.index(past.cause) for past in known]
    masses = np.zeros((len(known), len(labels)))
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :10]
    alike = np.take_along_axis(cosines, nearest, axis=1)
    for row, (near, values) in enumerate(zip(nearest.tolist(), alike.tolist(), strict=True)):
        rank: Counter[int] = Counter()
        for past, value in zip(near, values, strict=True):
            if value > TRACE:
                column = columns[past]
                masses[row, column] += history_mass(value, rank[column])
                rank[column] += 1
    best = masses[:, :-1].max(axis=1, initial=0.0)
    masses[:, -1] += OTHER_MASS + NOVELTY_MASS * np.maximum(0.0, 1.0 - best)
    return masses


def _cause(label: str, probability: float, parts: Sequence[Part], mass: float) -> RootCause:
    scale = probability / mass
    rows = tuple(replace(part.evidence, share=part.evidence.share * scale) for part in parts)
    ranked = tuple(sorted(rows, key=lambda row: -row.share))
    return RootCause(label, cause_code(label), probability, ranked)


def _other(probability: float) -> RootCause:
    words = Words("Not explained by any known pattern or rule", "لا يفسره أي نمط أو قاعدة معروفة")
    row = Evidence("unexplained", words.en, words.ar, probability)
    return RootCause(OTHER, cause_code(OTHER), probability, (row,))


def _with_missing(
    causes: Sequence[RootCause], matches: Sequence[Match], compared: Sequence[Compared]
) -> list[RootCause]:
    """Each cause but the first says what it lacks."""
    candidates = {one.past.cause for one in compared if one.similarity > TRACE}
    explained = list(causes[:1])
    for cause in causes[1:]:
        lacks = [] if cause.label == OTHER else _lacks(cause.label, matches, cause.label in candidates)
        explained.append(
            replace(cause, missing=tuple(w.en for w in lacks), missing_ar=tuple(w.ar for w in lacks))
        )
    return explained


def _lacks(label: str, matches: Sequence[Match], has_history: bool) -> list[Words]:
    best = next((match for match in matches if match.rule.cause == label), None)
    lacks = [] if best is None else _unmet(best)
    if best is None or best.likelihood == 0.0:
        lacks.append(Words("no causal rule is met", "لا تتحقق أي قاعدة سببية"))
    if not has_history:
        lacks.append(Words("no past incident resembles it", "لا يشبهه أي حادث سابق"))
    return lacks


def _unmet(match: Match) -> list[Words]:
    met = {condition for condition, _ in match.met}
    wanting = [not_seen(c) for c in (*match.missing, *(s for s in match.rule.supports if s not in met))]
    return [*wanting, *(speaks_against(condition) for condition in match.against)]


def _near_misses(causes: Sequence[RootCause], matches: Sequence[Match]) -> list[RootCause]:
    """Why not they: two other causes, at probability 0, of whose rule only some conditions are met."""
    named = {cause.label for cause in causes}
    near: list[RootCause] = []
    partly = [m for m in matches if m.missing and len(m.missing) < len(m.rule.conditions)]
    for match in sorted(partly, key=lambda m: (len(m.missing), m.rule.priority, m.rule.id)):
        if match.rule.cause in named or len(near) == 2:
            continue
        named.add(match.rule.cause)
        lacks = _unmet(match)
        near.append(
            RootCause(
                match.rule.cause,
                cause_code(match.rule.cause),
                0.0,
                (),
                tuple(w.en for w in lacks),
                tuple(w.ar for w in lacks),
            )
        )
    return near


def _rule_words(match: Match) -> Words:
    shown = [seen(condition) for condition, _ in match.met]
    listed = Words(", ".join(w.en for w in shown), "، ".join(w.ar for w in shown))
    rule: CausalRule = match.rule
    return Words(f"{rule.name}: {listed.en}", f"{cause_words(rule.cause).ar}: {listed.ar}")
