"""How sure the next analysis may be, after what people confirmed."""

import numpy as np
import pytest

from optria.rca.calibration import HIGHEST, LOWEST, Told, fit_calibration, recalibrated

SURE = {"Bearing Fault": 0.9, "Seal Leak": 0.08, "Other": 0.02}


def told(right: int, wrong: int, factor: float = 1.0) -> list[Told]:
    return [Told(SURE, "Bearing Fault", factor)] * right + [Told(SURE, "Seal Leak", factor)] * wrong


def test_without_a_confirmed_case_nothing_changes() -> None:
    assert fit_calibration([]).factor == 1.0
    assert fit_calibration([Told({}, "Seal Leak")]).cases == 0


def test_who_was_too_sure_becomes_less_sure_and_the_other_way_round() -> None:
    too_sure, too_shy = fit_calibration(told(20, 20)), fit_calibration(told(60, 0))
    assert too_sure.factor > 1.2
    assert too_shy.factor < 0.8
    assert too_sure.log_loss_after is not None
    assert too_sure.log_loss_before is not None
    assert too_sure.log_loss_after < too_sure.log_loss_before


def test_a_few_cases_hardly_move_it() -> None:
    one, many = fit_calibration(told(0, 1)).factor, fit_calibration(told(0, 40)).factor
    assert 1.0 < one < 1.35
    assert many > one


def test_the_factor_stays_within_bounds() -> None:
    surprises = [Told(SURE, "Cracked impeller")] * 500
    for cases in (surprises, told(500, 0), told(0, 500)):
        assert LOWEST <= fit_calibration(cases).factor <= HIGHEST


def test_what_was_said_with_a_factor_is_read_without_it() -> None:
    """The same opinions teach the same, however they had been sharpened when they were said."""
    plain = told(20, 20)
    sharpened = [Told(recalibrated(one.scores, 0.5), one.confirmed, 0.5) for one in plain]
    assert fit_calibration(sharpened).factor == pytest.approx(fit_calibration(plain).factor, abs=0.02)


def test_a_known_temperature_is_found_again() -> None:
    """Causes are drawn from p, what is said is p squared: far too sure by a factor of two."""
    random = np.random.default_rng(5)
    labels = ["a", "b", "c", "Other"]
    cases = []
    for _ in range(500):
        p = random.dirichlet(np.ones(4))
        said = recalibrated(dict(zip(labels, p.tolist(), strict=True)), 0.5)
        cases.append(Told(said, str(random.choice(labels, p=p))))
    assert fit_calibration(cases).factor == pytest.approx(2.0, abs=0.25)


def test_recalibrating_keeps_the_order_and_the_sum() -> None:
    after = recalibrated(SURE, 2.0)
    assert sum(after.values()) == pytest.approx(1.0)
    assert list(after) == sorted(after, key=lambda label: -after[label])
    assert recalibrated(SURE, 1.0) == pytest.approx(SURE)
    assert recalibrated({"a": 0.0, "b": 1.0}, 0.5) == {"a": 0.0, "b": 1.0}
