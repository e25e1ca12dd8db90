"""Words that are taken as they are but that nothing else knows: most of them are typing errors."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from sqlalchemy import or_, select

from optria.core.arabic import TYPE_AR
from optria.core.errors import Invalid
from optria.db.blackbox import RcaRule
from optria.db.plant import AssetRow, ThresholdRow
from optria.db.session import Tx
from optria.rca.rules import CausalRule, parse_rule
from optria.rca.words import KNOWN_METRICS
from optria.web.config.config_rule_views import parsed
from optria.web.deps import written_tenant


async def metric_warnings(tx: Tx, metrics: Iterable[str]) -> list[str]:
    """A sentence for each metric that no rule, limit or drawing of the tenant knows."""
    asked = set(metrics) - KNOWN_METRICS
    known = KNOWN_METRICS | await _metrics_in_use(tx) if asked else KNOWN_METRICS
    return [
        f"No rule, limit or drawing knows the metric {metric}.{_meant(metric, known)}"
        for metric in sorted(asked - known)
    ]


async def type_warnings(tx: Tx, asset_type: str | None, own_id: int) -> list[str]:
    """A sentence if no rule and no asset but ``own_id`` has this asset type, in any case."""
    if asset_type is None:
        return []
    others = select(AssetRow.asset_type).where(
        AssetRow.tenant_id == written_tenant(tx), AssetRow.id != own_id, AssetRow.asset_type.is_not(None)
    )
    known = {*TYPE_AR, *(kind for kind in await tx.session.scalars(others.distinct()) if kind)}
    known |= {kind for rule in await _rules(tx) for kind in rule.asset_types}
    if asset_type.casefold() in {kind.casefold() for kind in known}:
        return []
    return [f"No rule and no other asset has the asset type {asset_type}.{_meant(asset_type, known)}"]


async def _metrics_in_use(tx: Tx) -> set[str]:
    limits = select(ThresholdRow.metric).where(
        ThresholdRow.tenant_id == written_tenant(tx), ThresholdRow.is_active
    )
    metrics = set(await tx.session.scalars(limits.distinct()))
    return metrics.union(*(_metrics_of(rule) for rule in await _rules(tx)))


def _metrics_of(rule: CausalRule) -> Iterator[str]:
    for condition in (*rule.conditions, *rule.supports, *rule.contrary):
        yield from condition.metric.split("|")


async def _rules(tx: Tx) -> list[CausalRule]:
    """The rules in use that can be read; version 1 stored others too."""
    own = or_(RcaRule.tenant_id == written_tenant(tx), RcaRule.tenant_id.is_(None))
    query = select(RcaRule).where(own, RcaRule.is_active.is_not(False))
    rules = []
    for row in (await tx.session.scalars(query)).all():
        try:
            rules.append(parse_rule(parsed(row)))
        except Invalid:
            continue
    return rules


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was most likely meant to be, None when none is near."""
    spelt = {one.casefold(): one for one in sorted(known)}
    near = get_close_matches(word.casefold(), spelt, n=1)
    return spelt[near[0]] if near else None


def _meant(word: str, known: Iterable[str]) -> str:
    near = closest(word, known)
    return f" Is {near} meant?" if near else ""
