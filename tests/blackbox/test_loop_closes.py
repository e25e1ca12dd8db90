"""Five closed orders with confirmed causes change the next analysis of the same fault, and the scoreboard."""

import pytest

from benchmarks.loop_closes import loop_closes
from optria.db.session import Database

CAUSE = "Coupling Worn"
"""No rule knows it: only the orders can have taught it."""


@pytest.mark.clause("I2", "I5", "A9", "A11", "A21")
async def test_five_closed_orders_change_the_next_analysis_and_the_scoreboard(database: Database) -> None:
    loop = await loop_closes(database, "misalignment", CAUSE)
    assert CAUSE not in loop.before.scores
    assert loop.after.top.label == CAUSE
    assert sum(loop.after.scores.values()) == pytest.approx(1.0)
    assert len([one for one in loop.after.similar if one.cause == CAUSE]) == 5
    assert loop.factor > 1.0
    assert "5 orders, mean 7.50 h" in loop.downtime
    assert loop.before.financial is not None
    assert loop.after.financial is not None
    assert loop.after.financial.downtime_h != loop.before.financial.downtime_h
    before, after = loop.board_before.total, loop.board_after.total
    assert (before.final.top1.n, after.final.top1.n) == (0, 5)
    assert 0 < after.final.top1.hits < 5
    assert after.not_effective.hits == 0
