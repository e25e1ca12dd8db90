"""A draft of the API, checked as the routes that would store it check it, and as the back-test takes it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from optria.backtest.stored import Asked
from optria.backtest.stored_draft import Draft
from optria.core.asset import DetectorChoice
from optria.core.errors import Conflict, Invalid
from optria.core.event import Severity
from optria.core.incident import OTHER
from optria.core.work_order import WorkOrderPolicy
from optria.db.blackbox import RcaRule
from optria.db.configuration import choice_of, threshold_of
from optria.db.plant import DetectorSetting, ThresholdRow
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.rules import CausalRule, parse_rule
from optria.web.backtests.backtest_bodies import BackTestBody, DraftBody, PolicyDraft, RuleDraft
from optria.web.config import config_proposals
from optria.web.config.config_detectors import SETTING, DetectorBody, check_choice
from optria.web.config.config_limits import LIMIT, check_fits, limit_words
from optria.web.config.config_rules import RULE
from optria.web.config.config_scope import check_one_scope, find_asset, known_type
from optria.web.config.config_thresholds import ThresholdProposal
from optria.web.deps import written_tenant
from optria.web.rows import find
from optria.work.orders import load_policy

Changes = tuple[tuple[str, str], ...]


async def asked_of(tx: Tx, body: BackTestBody) -> tuple[Asked, Changes]:
    """What is to be run, and the words for it.

    Raises:
        Invalid, NotFound, Conflict: as a route that stored this would.
    """
    if body.end > clock.now():
        raise Invalid("The period ends in the future: nothing of that is stored yet.")
    for asset_id in body.asset_ids:
        await find_asset(tx, asset_id)
    draft, changes = await _draft(tx, body.draft)
    return Asked(written_tenant(tx), body.start, body.end, draft, frozenset(body.asset_ids)), changes


async def _draft(tx: Tx, body: DraftBody) -> tuple[Draft, Changes]:
    rules = [await _rule(tx, rule, place) for place, rule in enumerate(body.rules)]
    limits = [await _limit(tx, limit) for limit in body.thresholds]
    ended = [await find(tx, ThresholdRow, number, LIMIT) for number in body.without_thresholds]
    settings = [await find(tx, DetectorSetting, number, SETTING) for number in body.without_detectors]
    gone = [await find(tx, RcaRule, number, RULE) for number in body.without_rules]
    detectors = [await _choice(tx, one) for one in body.detectors]
    _check_no_twins(detectors)
    draft = Draft(
        rules=tuple(rules),
        without_rules=frozenset(row.id for row in gone),
        thresholds=tuple(threshold_of(row) for row, _ in limits),
        without_thresholds=tuple(threshold_of(r) for r in (*ended, *(old for _, old in limits)) if r),
        detectors=tuple(detectors),
        without_detectors=tuple(choice_of(row) for row in settings),
        policy=await _policy(tx, body.policy),
    )
    changes = [("rule", rule.name) for rule in rules]
    changes += [("without_rule", row.name) for row in gone]
    changes += [("limit", f"{row.metric} {limit_words(row)}") for row, _ in limits]
    changes += [("without_limit", f"{row.metric} {limit_words(row)}") for row in ended]
    changes += [("detector", choice.name) for choice in detectors]
    changes += [("without_detector", row.detector) for row in settings]
    if draft.policy is not None:
        changes.append(
            ("policy", f"≥ {draft.policy.min_severity.name}, ≥ {draft.policy.min_probability:.0%}")
        )
    return draft, tuple(changes)


async def _rule(tx: Tx, body: RuleDraft, place: int) -> CausalRule:
    """New rules of a draft are numbered below zero, where no stored one is."""
    if body.replaces_id is not None:
        await find(tx, RcaRule, body.replaces_id, RULE)
    cells = body.model_dump(exclude={"pattern", "replaces_id", "is_active"})
    number = body.replaces_id or -1 - place
    rule = parse_rule(cells | {"pattern": body.pattern.as_stored(), "id": number})
    if rule.cause == OTHER:
        raise Invalid("Other is what no rule explains: name the cause that this rule points to.")
    return rule


async def _limit(tx: Tx, body: ThresholdProposal) -> tuple[ThresholdRow, ThresholdRow | None]:
    """The limit as a row of no session, and the one that it takes the place of."""
    check_one_scope(body.asset_id, body.asset_type)
    await find_asset(tx, body.asset_id)
    replaced = await config_proposals.replaced_by(tx, ThresholdRow, body.replaces_id, LIMIT)
    cells = body.model_dump() | {"asset_type": await known_type(tx, body.asset_type)}
    row = ThresholdRow(**cells, tenant_id=written_tenant(tx), is_active=False)
    await check_fits(tx, row, replaced)
    return row, replaced


async def _choice(tx: Tx, body: DetectorBody) -> DetectorChoice:
    asset_type = await known_type(tx, body.asset_type)
    choice = DetectorChoice(body.detector, body.parameters, asset_type, body.metric)
    await asyncio.to_thread(check_choice, choice)
    return choice


def _check_no_twins(choices: Sequence[DetectorChoice]) -> None:
    """Raises Conflict where the same detector is chosen for the same tags, as the configuration's route."""
    seen = {(choice.name, choice.asset_type, choice.metric) for choice in choices}
    if len(seen) < len(choices):
        raise Conflict("The draft chooses the same detector for the same tags twice.")


async def _policy(tx: Tx, body: PolicyDraft | None) -> WorkOrderPolicy | None:
    if body is None or body == PolicyDraft():
        return None
    now = await load_policy(tx, written_tenant(tx))
    return replace(
        now,
        min_severity=Severity[body.min_severity] if body.min_severity else now.min_severity,
        min_probability=now.min_probability if body.min_probability is None else body.min_probability,
    )
