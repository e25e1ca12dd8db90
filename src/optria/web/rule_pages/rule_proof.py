"""Whether a draft of a rule was tried over stored history before it is published, and what that found."""

from dataclasses import replace

from optria.backtest.stored_jobs import BackTests, Job
from optria.core.errors import Invalid
from optria.rca.rules import CausalRule
from optria.web.backtests.backtest_views import recorded_days, summary
from optria.web.config.rule_history import Content, rule_of
from optria.web.shapes import Json, when


def tests_of(kept: BackTests, tenant_id: int, content: Content) -> list[Job]:
    """The back-tests whose draft held a rule that says exactly this, the latest first."""
    try:
        rule = _nameless(rule_of(content))
    except Invalid:
        return []
    return [
        job for job in kept.of(tenant_id) if any(_nameless(tried) == rule for tried in job.asked.draft.rules)
    ]


def _nameless(rule: CausalRule) -> CausalRule:
    """A rule without what its answer does not depend on."""
    return replace(rule, id=0, name="", description="")


def proof_of(kept: BackTests, tenant_id: int, content: Content) -> Json | None:
    """The figures of the latest finished back-test of this content; None where none is known."""
    for job in tests_of(kept, tenant_id, content):
        if job.outcome is not None:
            days = recorded_days(job.outcome)
            return {
                "back_test_id": str(job.id),
                "start": when(job.asked.start),
                "end": when(job.asked.end),
                "asset_ids": sorted(job.asked.assets),
                "ended_at": when(job.ended_at),
                "now": summary(job.outcome.now, days),
                "draft": summary(job.outcome.draft, days),
            }
    return None
