"""A rule on one incident: whether it would be met, and what the analysis would then say."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from optria.rca.case import Case
from optria.rca.engine import analyse, try_rule
from optria.rca.rules import CausalRule, Match


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """``before`` and ``after`` are probabilities by cause: with the rules in force, and with this one too."""

    match: Match
    before: Mapping[str, float]
    after: Mapping[str, float]


def trial_of(case: Case, rule: CausalRule) -> RuleTrial:
    """Analyse a case as it is, and with the rule among its rules, in the place of the one with its id."""
    others = tuple(one for one in case.rules if one.id != rule.id)
    after = analyse(replace(case, rules=(*others, rule)))
    return RuleTrial(try_rule(case, rule), dict(analyse(case).scores), dict(after.scores))
