"""The scoreboard's figures against ones made by hand."""

import pytest

from optria.rca.scoreboard import Rate, Verdict, brier, score

SEAL = {"Seal Leak": 0.7, "Bearing Fault": 0.2, "Other": 0.1}
BEARING = {"Bearing Fault": 0.6, "Seal Leak": 0.3, "Other": 0.1}
BOTH = {"ordered": BEARING, "final": SEAL}


def test_nothing_confirmed_has_no_figures() -> None:
    board = score([])
    assert board.lines == ()
    assert (board.total.final.top1.value, board.total.final.brier, board.ece) == (None, None, None)
    assert board.total.false_incidents.interval is None


def test_first_and_final_analysis_are_judged_apart() -> None:
    total = score([Verdict("Seal Leak", "Pump", **BOTH)] * 3).total  # type: ignore[arg-type]
    assert (total.ordered.top1.hits, total.final.top1.hits, total.final.top1.n) == (0, 3, 3)
    assert total.ordered.top3.hits == 3


def test_brier_is_that_of_all_causes() -> None:
    assert brier(SEAL, "Seal Leak") == pytest.approx(0.3**2 + 0.2**2 + 0.1**2)
    assert brier(SEAL, "Cracked impeller") == pytest.approx(0.7**2 + 0.2**2 + 0.1**2 + 1)


def test_a_line_for_each_cause_and_type_and_what_was_said_against_what_was() -> None:
    verdicts = [
        Verdict("Seal Leak", "Pump", final=SEAL),
        Verdict("Seal Leak", "Pump", final=BEARING),
        Verdict("Seal Leak", "Compressor", final=SEAL),
        Verdict("Bearing Fault", "Pump", final=BEARING),
    ]
    board = score(verdicts)
    assert [(line.cause, line.asset_type, line.final.top1.n) for line in board.lines] == [
        ("Seal Leak", "Pump", 2),
        ("Bearing Fault", "Pump", 1),
        ("Seal Leak", "Compressor", 1),
    ]
    assert board.confusion == {
        ("Seal Leak", "Seal Leak"): 2,
        ("Bearing Fault", "Seal Leak"): 1,
        ("Bearing Fault", "Bearing Fault"): 1,
    }


def test_a_false_incident_counts_against_the_cause_that_was_said() -> None:
    board = score(
        [Verdict("Seal Leak", "Pump", final=SEAL), Verdict(None, "Pump", is_fault=False, final=SEAL)]
    )
    (line,) = board.lines
    assert (line.false_incidents, line.final.top1.n) == (Rate(1, 2), 1)
    assert board.total.false_incidents == Rate(1, 2)


def test_a_fix_that_did_not_hold_is_counted_and_its_cause_is_not() -> None:
    board = score([Verdict("Seal Leak", "Pump", is_effective=False, final=SEAL), Verdict(None, "Pump")])
    assert board.lines == ()
    assert board.total.not_effective == Rate(1, 1)
    assert board.total.final.top1.n == 0
    assert board.unsaid == 1


def test_reliability_compares_what_was_said_with_what_was_found() -> None:
    board = score(
        [Verdict("Seal Leak", "Pump", final=SEAL)] * 3 + [Verdict("Bearing Fault", "Pump", final=SEAL)]
    )
    high = next(b for b in board.reliability if b.low == 0.7)
    low = next(b for b in board.reliability if b.low == 0.2)
    assert (high.n, round(high.said or 0, 6), high.found) == (4, 0.7, 0.75)
    assert (low.n, round(low.said or 0, 6), low.found) == (4, 0.2, 0.25)
    assert board.ece == pytest.approx(0.05)


def test_a_probability_of_one_is_in_the_last_bin() -> None:
    board = score([Verdict("Seal Leak", "Pump", final={"Seal Leak": 1.0})])
    assert [b.n for b in board.reliability] == [0] * 9 + [1]


def test_lead_times_are_medians_by_what_they_lead_to() -> None:
    board = score(
        [
            Verdict("Seal Leak", "Pump", lead_s=60.0, lead_until="critical"),
            Verdict("Seal Leak", "Pump", lead_s=180.0, lead_until="critical"),
            Verdict("Seal Leak", "Pump", lead_s=7200.0, lead_until="work"),
        ]
    )
    assert (board.total.lead_s, board.total.lead_to_work_s) == (120.0, 7200.0)


def test_the_interval_of_a_rate_holds_for_few() -> None:
    low, high = Rate(5, 5).interval or (0.0, 0.0)
    assert low == pytest.approx(0.566, abs=0.001)
    assert high == 1.0


def test_brier_score_sums_over_all_causes() -> None:
    assert brier({"A": 1.0}, "A") == 0.0
    assert brier({"A": 1.0}, "B") == 2.0
    assert brier({"A": 0.6, "B": 0.3, "Other": 0.1}, "A") == pytest.approx(0.16 + 0.09 + 0.01)
